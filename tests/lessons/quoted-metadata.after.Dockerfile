FROM debian:12
LABEL org.opencontainers.image.authors="\"Ann B. \\\"Bee\\\" Cee\" <ann@example.org>" \
    vendor=ACME\ Incorporated \
    url="https://example.org/?a=b#c" \
    note='has "quotes" and # signs' \
    description="a=b # c d"
ENV GREETING="hello big  world" \
    BIN=${DIR:-${HOME:-/root}/bin} \
    MSG="it's a=b"
