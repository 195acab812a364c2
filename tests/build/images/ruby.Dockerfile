# Ruby with gems where the official images have them, and a source of one gem.
FROM debian:trixie-slim
RUN apt-get update && apt-get install -y --no-install-recommends bundler ruby && rm -rf /var/lib/apt/lists/*
ENV GEM_HOME=/usr/local/bundle BUNDLE_APP_CONFIG=/usr/local/bundle BUNDLE_SILENCE_ROOT_WARNING=1
WORKDIR /srv/gems
# The index of a source as `gem` has read it since 1.2: lists of all names, and one specification a gem.
RUN printf '%s\n' 'Gem::Specification.new "greeting", "1.0.0" do |s|' 's.summary = "stands for another"' \
        's.authors = ["nobody"]' 's.license = "MIT"' 's.homepage = "https://example.org"' 'end' >greeting.gemspec \
    && gem build --silent greeting.gemspec && mkdir -p gems quick/Marshal.4.8 && mv greeting-1.0.0.gem gems/ \
    && ruby -rzlib -e 'spec = Gem::Specification.load("greeting.gemspec"); \
        File.binwrite("quick/Marshal.4.8/greeting-1.0.0.gemspec.rz", Zlib.deflate(Marshal.dump(spec))); \
        {"specs" => [["greeting", spec.version, "ruby"]], "latest_specs" => [["greeting", spec.version, "ruby"]], \
         "prerelease_specs" => []}.each { |name, list| \
            File.binwrite("#{name}.4.8.gz", Zlib.gzip(Marshal.dump(list))) }'
WORKDIR /
