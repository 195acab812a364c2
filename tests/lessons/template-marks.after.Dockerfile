FROM alpine:3.20
RUN echo "{{ .Values.x }}" && apk add --no-cache curl
ENV A="{{ a }}"
CMD [ "a", {{ b }} ]
