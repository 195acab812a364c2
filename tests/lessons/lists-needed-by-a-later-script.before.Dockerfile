FROM debian:12
RUN apt-get update && apt-get install -y jq
COPY setup.sh /setup.sh
RUN ./setup.sh && apt-get install -y vim
CMD ["vim"]
