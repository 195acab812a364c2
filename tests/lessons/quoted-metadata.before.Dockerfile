FROM debian:12
MAINTAINER "Ann B. \"Bee\" Cee" <ann@example.org>
LABEL vendor=ACME\ Incorporated url="https://example.org/?a=b#c" note='has "quotes" and # signs'
LABEL description a=b # c "d"
ENV GREETING hello big  world
ENV BIN ${DIR:-${HOME:-/root}/bin} 
ENV MSG "it's" a=b
