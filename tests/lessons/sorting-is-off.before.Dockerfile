FROM debian:12
RUN apt-get update && apt-get install -y --no-install-recommends \
    zip $EXTRA \
    # last
    -t bookworm-backports \
    jq && rm -rf /var/lib/apt/lists/*
