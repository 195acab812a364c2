"""Python distributions by what they need besides themselves: shared libraries, programs, a compiler.

A wheel for Linux brings the libraries it links with (PEP 600: manylinux wheels may rely on nothing but glibc
and a few libraries every system has), so a distribution that is published as wheels, or is pure Python,
needs nothing from the image but Python. What each needs is from its own installation notes.
"""

from __future__ import annotations

import re

from dockopt_transforms._tables import word_set as words

#: Built from source as a rule, or loading a library at run time: the ``-dev`` package it is built with.
LIBRARIES: dict[str, tuple[str, ...]] = {
    "berkeleydb": ("libdb-dev",),
    "cairocffi": ("libcairo2-dev",),
    "cairosvg": ("libcairo2-dev",),
    "mysqlclient": ("default-libmysqlclient-dev",),
    "opencv-python": ("libglib2.0-dev",),
    "opencv-python-headless": ("libglib2.0-dev",),
    "pillow-simd": ("libjpeg-dev", "libwebp-dev", "libtiff-dev", "libfreetype-dev", "liblcms2-dev"),
    "psycopg": ("libpq-dev",),
    "psycopg-c": ("libpq-dev",),
    "psycopg2": ("libpq-dev",),
    "pycairo": ("libcairo2-dev",),
    "pycurl": ("libcurl4-openssl-dev",),
    "python-magic": ("libmagic-dev",),
    "uwsgi": ("libxml2-dev",),
    "wand": ("libmagickwand-dev",),
}
#: Run another program: its Debian package.
PROGRAMS: dict[str, tuple[str, ...]] = {
    "ansible": ("openssh-client",),
    "ansible-core": ("openssh-client",),
    "gitpython": ("git",),
    "lightgbm": ("libgomp1",),
    "python-gnupg": ("gnupg",),
    "xgboost": ("libgomp1",),
}
#: Wheels for every supported Python since a version; what is pinned below it may be built from source.
SINCE: dict[str, tuple[tuple[int, ...], tuple[str, ...]]] = {
    "lxml": ((5,), ("libxml2-dev", "libxslt1-dev")),
    "pillow": ((10,), ("libjpeg-dev", "libwebp-dev", "libtiff-dev", "libfreetype-dev", "liblcms2-dev")),
    "pyyaml": ((6, 0, 1), ("libyaml-dev",)),
}
#: Compile or fetch programs while they run, or are known by no rule: nobody can tell what they need.
OPEN = words("""
    cmdstanpy cppyy deepspeed playwright pyspark pystan pytensor pyppeteer selenium theano theano-pymc torch triton vllm jupyter notebook
    jupyterlab jupyterhub xformers flash-attn numba-cuda cupy pyinstaller cython nuitka supervisor
    """)
#: Pure Python, or published as manylinux wheels.
SELF_CONTAINED = words("""
    absl-py acme aenum aiobotocore aiocache aiodns aiofiles aiogram aiohappyeyeballs aiohttp aiohttp-cors aiokafka aiomysql aioredis aiosignal
    aiosmtplib aiosqlite alembic altair amqp annotated-doc annotated-types anthropic anyio apispec apprise apscheduler argon2-cffi
    argon2-cffi-bindings arrow asgi-lifespan asgiref asn1crypto asteval astroid async-timeout asyncpg atomicwrites attrs authlib autobahn automat
    awscli babel backoff bandit bcrypt beautifulsoup4 billiard black bleach blinker blis bokeh boltons boto boto3 botocore bottle brotli
    cachecontrol cachetools cachelib caio catalogue cattrs celery certifi cffi channels channels-redis chardet charset-normalizer cheroot
    cherrypy click click-didyoumean click-plugins click-repl clickhouse-connect clickhouse-driver cloudpickle colorama coloredlogs
    colorlog configargparse configparser confection constantly contourpy coverage croniter cryptography cycler cymem daphne dash
    databases dataclasses-json datadog ddtrace decorator deepdiff defusedxml deprecated dependency-injector diskcache distlib distro dj-database-url
    django django-allauth django-appconf django-cache-url django-celery-beat django-celery-results django-ckeditor django-configurations
    django-cors-headers django-crispy-forms django-debug-toolbar django-environ django-extensions django-filter django-guardian
    django-health-check django-import-export django-ipware django-js-asset django-jazzmin django-model-utils django-mptt django-ninja
    django-oauth-toolkit django-ratelimit django-redis django-rest-framework django-rest-swagger django-rq django-simple-history
    django-split-settings django-storages django-taggit django-timezone-field django-tinymce django-widget-tweaks djangorestframework
    djangorestframework-simplejwt djoser dnspython docopt docutils dotenv drf-nested-routers drf-spectacular drf-yasg duckdb dulwich ecdsa elasticsearch
    elasticsearch-dsl email-validator environs eventlet exceptiongroup faiss-cpu execnet fabric factory-boy faker falcon fastapi
    fastapi-cache2 fastapi-cli fastapi-mail fastapi-pagination fastapi-users fastavro fastjsonschema feedparser filelock filetype fire firebase-admin
    flake8 flask flask-admin flask-babel flask-bcrypt flask-caching flask-compress flask-cors flask-httpauth flask-jwt-extended
    flask-limiter flask-login flask-mail flask-marshmallow flask-migrate flask-pymongo flask-restful flask-restplus flask-restx
    flask-script flask-security flask-session flask-socketio flask-sqlalchemy flask-talisman flask-wtf flower fonttools freezegun
    frozenlist fsspec future gensim geopy gevent gevent-websocket google-api-core google-api-python-client google-auth
    google-auth-httplib2 google-auth-oauthlib google-cloud-bigquery google-cloud-core google-cloud-firestore google-cloud-logging google-cloud-pubsub
    google-cloud-secret-manager google-cloud-storage google-crc32c google-generativeai google-resumable-media googleapis-common-protos
    graphene graphene-django graphql-core greenlet grpcio grpcio-health-checking grpcio-status grpcio-tools gunicorn h11 h2 hatchling
    hiredis holidays hpack html5lib httpcore httplib2 httptools httpx httpx-sse huey huggingface-hub humanfriendly humanize hupper hypercorn hyperframe
    hyperlink hypothesis idna imageio importlib-metadata importlib-resources incremental inflection influxdb influxdb-client iniconfig
    injector invoke ipython isodate isort itsdangerous jedi jinja2 jmespath joblib jose json5 jsonpatch jsonpickle jsonpointer jsonschema
    jsonschema-specifications jwcrypto kafka-python keyring kiwisolver kombu kubernetes langchain langchain-community langchain-core
    langchain-openai langchain-text-splitters langdetect langsmith limits litestar llvmlite logbook loguru lxml lz4 mailchimp mako markdown
    markdown-it-py markupsafe marshmallow marshmallow-sqlalchemy matplotlib maxminddb mccabe mdurl mistune mock mongoengine more-itertools
    motor mpmath msal msgpack msgpack-python msgspec multidict multiprocess murmurhash mypy mypy-extensions mysql-connector-python
    nameko narwhals natsort ndg-httpsclient networkx nltk nose numba numpy oauth2client oauthlib odfpy openai openapi-spec-validator opencensus
    openpyxl opensearch-py opentelemetry-api opentelemetry-distro opentelemetry-exporter-otlp opentelemetry-instrumentation opentelemetry-proto
    opentelemetry-sdk orjson packaging pamqp pandas paramiko parso passlib pastedeploy pathspec patsy peewee pendulum phonenumbers phonenumberslite
    pika pillow pip plaster platformdirs plotly pluggy polars portalocker preshed prettytable priority prometheus-client
    prometheus-fastapi-instrumentator prompt-toolkit propcache proto-plus protobuf psutil psycopg-binary psycopg-pool psycopg2-binary
    ptyprocess publicsuffix2 pulp pure-eval py pyarrow pyasn1 pyasn1-modules pybreaker pycountry pycparser pycryptodome pycryptodomex pydantic pydantic-core
    pydantic-extra-types pydantic-settings pydot pyflakes pygments pyhamcrest pyjwt pylint pymemcache pymongo pymssql pymupdf pymysql pynacl pyopenssl
    pyotp pyparsing pypdf pypdf2 pyquery pyramid pyrsistent pyserial pyshp pysocks pytest pytest-asyncio pytest-cov pytest-django pytest-mock
    pytest-xdist python-consul python-crontab python-dateutil python-decouple python-docx python-dotenv python-editor python-engineio
    python-http-client python-jose python-json-logger python-levenshtein python-memcached python-multipart python-pptx python-redis-lock
    python-slugify python-socketio python-telegram-bot pytz pytz-deprecation-shim pyyaml pyzmq quart qrcode rapidfuzz ratelimit raven
    rdflib redis redis-om referencing regex reportlab requests requests-aws4auth requests-cache requests-file requests-mock requests-oauthlib
    requests-toolbelt responses retry retrying rfc3339-validator rich rich-toolkit rpds-py rq rsa ruamel-yaml ruamel-yaml-clib ruff s3fs s3transfer sanic
    sanic-ext sanic-routing schedule schema schematics scikit-learn scipy scrapy seaborn sendgrid sentencepiece sentry-sdk service-identity
    setproctitle setuptools sgmllib3k shap shapely shellingham simple-websocket simplejson singleton-decorator six slack-bolt slack-sdk slackclient
    slowapi smart-open smmap sniffio snowballstemmer social-auth-app-django social-auth-core sortedcontainers soupsieve spacy spacy-legacy
    spacy-loggers sqladmin sqlalchemy sqlalchemy-utils sqlmodel sqlparse srsly sse-starlette starlette statsmodels strawberry-graphql stripe
    structlog supabase sympy tablib tabulate telethon tenacity tensorflow tensorflow-cpu text-unidecode thinc threadpoolctl tiktoken timm tinydb tokenizers toml tomli
    tomlkit toolz tornado tortoise-orm tqdm traitlets transaction transformers translationstring trio tweepy twilio twisted txaio typed-ast typeguard typer
    typer-slim typing-extensions typing-inspect typing-inspection tzdata tzlocal ua-parser ujson unidecode uritemplate urllib3 user-agents uvicorn
    uvloop validators venusian vine virtualenv voluptuous waitress wasabi watchdog watchfiles watchgod wcwidth webargs webcolors webencodings webob websocket-client
    websockets webtest werkzeug wheel whitenoise wrapt wsgiref wsproto wtforms xlrd xlsxwriter xlwt xmltodict yarl zeep zipp
    zope-interface zope-deprecation zope-event zstandard zstd
    """)
_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(\[[^\]]*\])?")


def normal(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def parse(line: str) -> tuple[str, frozenset[str]] | None:
    """Name and extras of a requirement (PEP 508), None for a path, a URL or what is none."""
    match = _NAME.match(line)
    if match is None or "://" in line or line.lstrip().startswith((".", "/")):
        return None
    rest = line[match.end() :].lstrip()
    if rest and rest[0] not in "=<>!~;,( #\\" and not rest.startswith("--"):
        return None
    extras = frozenset(part.strip().lower() for part in (match[2] or "[]")[1:-1].split(",") if part.strip())
    return normal(match[1]), extras
