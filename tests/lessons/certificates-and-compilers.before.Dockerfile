FROM debian:12
RUN apt-get update && apt-get install -y curl build-essential git && curl -sSf https://example.org/x -o /x
USER app
