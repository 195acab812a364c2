FROM debian:12 AS a
CMD cd /srv && ./serve
FROM debian:12 AS b
CMD ./serve | tee log
FROM debian:12 AS c
CMD ./serve --port $PORT
FROM debian:12 AS d
CMD ./serve conf.d/*.conf
