FROM debian:12
RUN curl -sSfL https://example.org/a.tar | tar x
FROM alpine:3.20
RUN curl -sSfL https://example.org/a.tar | tar x
RUN apk add bash
