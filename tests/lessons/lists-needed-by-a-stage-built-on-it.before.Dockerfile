FROM debian:12 AS base
RUN apt-get update && apt-get install -y jq
FROM base AS app
RUN apt-get install -y vim
CMD ["vim"]
