FROM debian:12
RUN apt-get update && apt-get install -y --no-install-recommends jq\
    vim\
    curl ca-certificates && \
    rm -rf /var/lib/apt/lists/*
