FROM alpine:3.20
RUN echo "{{ .Values.x }}" && apk update && apk add curl
ENV A {{ a }}
CMD [ "a", {{ b }} ]
