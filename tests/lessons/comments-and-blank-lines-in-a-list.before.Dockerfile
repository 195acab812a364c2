FROM debian:12
RUN apt-get update && apt-get install -y \
    # reads JSON
    jq \

    # edits text
    vim   # the small one is enough
RUN pip install -r a.txt -r b.txt
