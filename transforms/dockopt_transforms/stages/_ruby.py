"""Ruby with Bundler: the gems, built in a stage of their own, go to the slim image of the same Ruby.

Docker's Ruby images set GEM_HOME to ``/usr/local/bundle``: programs and libraries of all gems are below it.
"""

from __future__ import annotations

import posixpath
import re

from dockopt.api import Document, Facts, Known, Stage, Unknown, slim
from dockopt_transforms._render import render
from dockopt_transforms._tables import word_set as words
from dockopt_transforms.stages._plan import (
    Impossible,
    Split,
    covered,
    install_text,
    kinds,
    later_text,
    missing,
    names_account,
    no_build_packages,
    root_until,
    system_packages,
)
from dockopt_transforms.stages._programs import needed_programs
from dockopt_transforms.stages._system import at_run_time

GEMS = "/usr/local/bundle"
#: Gems with native parts, or that load a library, by the ``-dev`` packages; the empty ones link with nothing else.
LIBRARIES: dict[str, tuple[str, ...]] = {
    "charlock_holmes": ("libicu-dev",),
    "curb": ("libcurl4-openssl-dev",),
    "ethon": ("libcurl4-openssl-dev",),
    "idn-ruby": (),
    "magic": ("libmagic-dev",),
    "mysql2": ("default-libmysqlclient-dev",),
    "pg": ("libpq-dev",),
    "psych": ("libyaml-dev",),
    "rmagick": ("libmagickwand-dev",),
    "ruby-filemagic": ("libmagic-dev",),
    "ruby-vips": ("libvips-dev",),
    "rugged": (),
    "sequel_pg": ("libpq-dev",),
    "sqlite3": ("libsqlite3-dev",),
    "typhoeus": ("libcurl4-openssl-dev",),
    "zookeeper": (),
}
PROGRAMS: dict[str, tuple[str, ...]] = {
    "git": ("git",),
    "image_processing": ("imagemagick",),
    "mini_magick": ("imagemagick",),
}
#: What these call or fetch cannot be told.
OPEN = words("""
    therubyracer mini_racer execjs uglifier terser autoprefixer-rails webpacker shakapacker jsbundling-rails cssbundling-rails selenium-webdriver
    puppeteer-ruby grover wicked_pdf wkhtmltopdf-binary pdfkit capistrano rubyzip-native tesseract rtesseract streamio-ffmpeg idn-ruby zookeeper rugged
    """)
#: Ruby alone, or native parts that need nothing besides libc, libstdc++ and what Ruby itself links with.
SELF_CONTAINED = words("""
    action_text-trix actioncable actionmailbox actionmailer actionpack actiontext actionview active_model_serializers activejob activemodel
    activerecord activestorage activesupport addressable airbrake archive-zip arel ast async async-container async-container-supervisor
    async-http async-io async-pool async-service aws-eventstream aws-partitions aws-sdk-core aws-sdk-kms aws-sdk-s3 aws-sigv4 backports base64
    bcrypt benchmark bigdecimal bindex bootsnap builder bundler bunny byebug cancancan capybara carrierwave cgi coderay concurrent-ruby
    connection_pool console crass csv daemons dalli date debug declarative devise diff-lcs docile domain_name dotenv dotenv-rails drb
    dry-auto_inject dry-configurable dry-container dry-core dry-inflector dry-initializer dry-logic dry-schema dry-types dry-validation erb
    erubi erubis et-orbi eventmachine excon factory_bot factory_bot_rails faker falcon faraday faraday-em_http faraday-em_synchrony
    faraday-excon faraday-httpclient faraday-multipart faraday-net_http faraday-net_http_persistent faraday-patron faraday-rack faraday-retry
    ffi ffi-compiler fiber-annotation fiber-local fiber-storage fugit globalid google-protobuf grape graphql haml hamlit hashie hiredis
    hiredis-client hitimes http http-accept http-cookie http-form_data http_parser.rb httparty httpclient i18n importmap-rails io-console
    io-endpoint io-event io-like io-stream iodine irb jbuilder jmespath jquery-rails json jwt kaminari kaminari-actionview
    kaminari-activerecord kaminari-core kgio kramdown llhttp-ffi logger lograge loofah mail mapping marcel matrix method_source metrics
    mime-types mime-types-data mini_mime mini_portile2 minitest moneta msgpack multi_json multi_xml multipart-post mustermann mustermann-grape
    mutex_m net-http net-imap net-pop net-protocol net-smtp netrc newrelic_rpm nio4r nokogiri oauth2 oj omniauth omniauth-oauth2 openssl
    orm_adapter ostruct paper_trail parallel parser parslet pastel pp prettyprint prism process-metrics protocol-hpack protocol-http
    protocol-http1 protocol-http2 protocol-rack protocol-url protocol-websocket pry pry-byebug pry-rails public_suffix puma pundit racc rack
    rack-accept rack-app rack-attack rack-cors rack-protection rack-proxy rack-session rack-test rackup rage-iodine rage-rb rails
    rails-controller-testing rails-dom-testing rails-html-sanitizer rails-i18n railties rainbow raindrops rake ransack rb-fsevent rb-inotify
    rdoc redcarpet redis redis-client redis-namespace regexp_parser reline request_store responders rest-client rexml roda rotp rouge rspec
    rspec-core rspec-expectations rspec-mocks rspec-rails rspec-retry rspec-support rspec_junit_formatter rubocop rubocop-ast
    rubocop-performance rubocop-rails ruby-progressbar ruby2_keywords rubyzip rufus-scheduler samovar sass-rails sassc sassc-rails
    securerandom sentry-rails sentry-raven sentry-ruby sequel shoulda-matchers sidekiq sidekiq-cron simple_form simplecov simplecov-html
    sinatra sinatra-contrib slim solid_cable solid_cache solid_queue spring sprockets sprockets-rails statsd-ruby stimulus-rails stringio
    strong_migrations sucker_punch temple thin thor thread_safe tilt time timecop timeout traces trailblazer-option trilogy tsort tty-color
    tty-cursor tty-screen turbo-rails turbolinks tzinfo tzinfo-data uber unf unf_ext unicode-display_width unicode-emoji unicorn uri vcr
    warden web-console webmock webrick websocket websocket-driver websocket-extensions wisper with_advisory_lock xpath zeitwerk
    """)


def applies(facts: Facts, stage: Stage) -> bool:
    """Whether Bundler installs in the stage, on an image of Ruby."""
    image = facts.base_image(stage)
    return (
        image is not None
        and image.name == "ruby"
        and any(view.stage is stage and call.verb == "install" for view, call in facts.invocations("bundle"))
    )


def split(document: Document, facts: Facts, stage: Stage) -> tuple[Split, str, tuple[str, ...]]:
    """The two stages, the image of the one that runs, and what was relied on.

    :raises Impossible: where it cannot be done, or nothing would be gained.
    """
    image = facts.base_image(stage)
    assert image is not None and stage.base is not None
    small = slim(stage.base)
    full = isinstance(small, Known)
    if not full and not image.exact:
        raise Impossible("base-unknown", f"the tag {image.reference} is not in the table", stage.from_)
    runtime = small.value if isinstance(small, Known) else stage.base
    if isinstance(facts.context, Unknown):
        raise Impossible("context-unknown", f"what the app needs at run time is not known: {facts.context.reason}")

    plan = Split(document, facts, stage)
    read = {
        unit.node.id: kinds(facts.script(unit.node), frozenset(("bundle", "gem")))
        for unit in plan.units
        if unit.node.name == "RUN"
    }
    calls = [
        (view, call) for view, call in facts.invocations("bundle") if view.stage is stage and call.verb == "install"
    ]
    for view, call in calls:
        if call.option("--path", "--deployment", "--standalone", "--binstubs"):
            raise Impossible("install-location", "Bundler is told where to install", view.instruction)
    if facts.mentions(
        "bundle_path", "vendor/bundle", "gem_home", "bundle_deployment", "deployment true", "deployment 'true'"
    ):
        raise Impossible("install-location", "the gems are not installed where the image keeps them")
    last = max(i for i, unit in enumerate(plan.units) if any(view.instruction is unit.node for view, _ in calls))
    before, after = plan.units[: last + 1], plan.units[last + 1 :]
    root_until(facts, (unit.node for unit in before))
    packages = system_packages(image, before, after, read, runtime)
    if not full and no_build_packages(packages):
        why = f"{image.reference} is small already and nothing is installed for the build alone"
        raise Impossible("no-build-work", why)

    wanted: list[str] = []
    if full:
        workdir = facts.state(before[-1].node).workdir
        lock = (
            facts.context_file(posixpath.join(workdir.value, "Gemfile.lock"), stage)
            if isinstance(workdir, Known)
            else None
        )
        if lock is None:
            raise Impossible(
                "needs-unknown", "there is no Gemfile.lock that COPY takes: which gems are installed is not known"
            )
        text = facts.context.value.text(lock)
        if isinstance(text, Unknown):
            raise Impossible("needs-unknown", text.reason)
        for gem in dict.fromkeys(re.findall(r"^    ([\w.-]+) \(", text.value, re.M)):
            if gem in OPEN:
                raise Impossible("needs-unknown", f"{gem} ({lock}) calls or fetches what is not known")
            if gem not in LIBRARIES and gem not in PROGRAMS and gem not in SELF_CONTAINED:
                raise Impossible(
                    "needs-unknown", f"whether {gem} ({lock}) needs libraries of {image.reference} is not known"
                )
            for one in LIBRARIES.get(gem, ()):
                known = at_run_time(one, image)
                if isinstance(known, Unknown):
                    raise Impossible("package-unknown", known.reason)
                wanted += known.value
            wanted += PROGRAMS.get(gem, ())
    programs = needed_programs(
        facts, stage, [unit.node for unit in after], image, runtime, suffixes=(".rb", ".ru", ".rake")
    )
    extra = missing([*wanted, *programs.packages], packages)

    later = later_text(plan, before)
    libraries: list[str] = []
    for unit in before:
        node = unit.node
        if node.name in ("COPY", "ADD"):
            only = node.flag("from") is None and node.name == "COPY" and covered(plan, facts, node)
            plan.into_builder(unit, comments=only)
            if only:
                plan.drop(unit)
        elif node.name == "RUN" and "install" in read[node.id].kinds:
            plan.into_builder(unit, comments=True)
            plan.drop(unit)
            libraries += [one for word in read[node.id].packages for one in packages[word]]
        elif node.name == "RUN":
            libraries += plan.prepare(unit, read[node.id], packages, owned=names_account(before))
        else:
            plan.carry(unit, later)
    text_ = install_text(document, image, [*libraries, *extra], keep_lists=plan.lists_read(packages))
    text_ += render(document, "copy_from", builder=plan.builder, pairs=[(GEMS, GEMS)], chown=None)
    plan.put_above_sources(before, text_)
    return plan, runtime, programs.evidence
