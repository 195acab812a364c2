FROM debian:12
RUN apt-get update && apt-get install -y --no-install-recommends \
    # reads JSON
    jq \
    # edits text
    # the small one is enough
    vim && \
    rm -rf /var/lib/apt/lists/*
RUN pip install --no-cache-dir -r a.txt -r b.txt
