FROM debian:12 AS build
RUN make a
RUN make b
FROM debian:12
RUN --mount=type=cache,target=/root/.cache make c
RUN make d
RUN echo a # note
RUN echo b
RUN <<EOF
echo c
EOF
RUN cd /tmp
RUN export A=1
RUN set -e; false; true
RUN false || true
RUN if true; then echo x; fi
RUN for i in 1 2; do echo $i; done
COPY --from=build /a /a
