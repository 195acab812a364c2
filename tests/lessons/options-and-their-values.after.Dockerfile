FROM debian:12
RUN useradd --no-log-init -g 1000 -u 123456 nodejs && \
    useradd --no-log-init -m -g nodejs --uid 234567 app && \
    pip install --no-cache-dir -r a.txt -r b.txt
RUN apt-get update && apt-get -o Acquire::Retries=3 install -y --no-install-recommends --target-release bookworm jq && \
    rm -rf /var/lib/apt/lists/*
