FROM debian:12
RUN cd /opt && curl -fsSLO https://example.org/a.tar.gz && tar xzf a.tar.gz
RUN cd /srv && rm a.tar.gz
RUN cd /opt && ls && rm a.tar.gz && ls
