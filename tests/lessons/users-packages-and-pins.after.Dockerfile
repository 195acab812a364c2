FROM alpine:3.20
RUN adduser -D app && \
    apk add --no-cache curl
FROM gcr.io/distroless/static
COPY app /app
CMD ["/app"]
