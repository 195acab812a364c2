# Stands for PHP with Composer.
FROM debian:trixie-slim
RUN apt-get update && apt-get install -y --no-install-recommends composer php-cli php-curl php-zip \
    && rm -rf /var/lib/apt/lists/*
