FROM debian:12 AS a
CMD cd /srv && ./serve
FROM debian:12 AS b
CMD ./serve | tee log
FROM debian:12 AS c
CMD ["/bin/sh", "-c", "exec ./serve --port $PORT"]
FROM debian:12 AS d
CMD ["/bin/sh", "-c", "exec ./serve conf.d/*.conf"]
