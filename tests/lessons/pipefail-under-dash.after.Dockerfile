FROM debian:12
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
RUN curl -sSfL https://example.org/a.tar | tar x
FROM alpine:3.20
SHELL ["/bin/ash", "-o", "pipefail", "-c"]
RUN curl -sSfL https://example.org/a.tar | tar x && \
    apk add --no-cache bash
