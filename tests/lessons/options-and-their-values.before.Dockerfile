FROM debian:12
RUN useradd -g 1000 -u 123456 nodejs
RUN useradd -m -g nodejs --uid 234567 app
RUN pip install -r a.txt -r b.txt
RUN apt-get -o Acquire::Retries=3 install -y --target-release bookworm jq
