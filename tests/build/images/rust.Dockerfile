# Rust with Cargo's home where the official images have it, and a crate in a git repository.
FROM debian:trixie-slim
RUN apt-get update && apt-get install -y --no-install-recommends cargo gcc git libc6-dev && rm -rf /var/lib/apt/lists/*
ENV CARGO_HOME=/usr/local/cargo PATH=/usr/local/cargo/bin:$PATH
WORKDIR /srv/greeting
RUN mkdir src && printf '[package]\nname = "greeting"\nversion = "1.0.0"\nedition = "2021"\n' >Cargo.toml \
    && printf 'pub fn greeting() -> &'"'"'static str { "hello" }\n' >src/lib.rs \
    && git init -q && git add . && git -c user.name=nobody -c user.email=nobody@example.org commit -qm greeting
WORKDIR /
