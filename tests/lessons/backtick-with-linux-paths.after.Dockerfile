# syntax=docker/dockerfile:1
# escape=`

FROM debian:12
LABEL org.opencontainers.image.authors="A B <a@example.org>"
ENV HOME_DIR=/srv
RUN apt-get update && `
    apt-get install -y --no-install-recommends jq && `
    rm -rf /var/lib/apt/lists/* && `
    echo a
CMD ["jq", "."]
