# syntax=docker/dockerfile:1
# escape=`

FROM debian:12
MAINTAINER "A B" <a@example.org>
ENV HOME_DIR /srv
RUN apt-get update && `
    apt-get install -y jq
RUN echo a
CMD jq .
