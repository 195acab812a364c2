FROM debian:12
RUN apt-get update && apt-get install -y --no-install-recommends jq
COPY setup.sh /setup.sh
RUN ./setup.sh && apt-get update && apt-get install -y --no-install-recommends vim && \
    rm -rf /var/lib/apt/lists/*
CMD ["vim"]
