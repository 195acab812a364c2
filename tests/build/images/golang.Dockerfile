# Go where the official images have it.
FROM debian:trixie-slim
RUN apt-get update && apt-get install -y --no-install-recommends gcc golang-go libc6-dev && rm -rf /var/lib/apt/lists/*
ENV GOPATH=/go GOTOOLCHAIN=local GOFLAGS=-buildvcs=false PATH=/go/bin:/usr/lib/go/bin:$PATH
WORKDIR /go
