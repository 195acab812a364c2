FROM alpine:3.20
RUN adduser -D app
RUN apk add curl
FROM gcr.io/distroless/static
COPY app /app
CMD ["/app"]
