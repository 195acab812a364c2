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
    "pylibmc": ("libmemcached-dev",),
    "python-ldap": ("libldap2-dev", "libsasl2-dev"),
    "python-magic": ("libmagic-dev",),
    "pyvips": ("libvips-dev",),
    "uwsgi": ("libxml2-dev",),
    "wand": ("libmagickwand-dev",),
    "xmlsec": ("libxmlsec1-dev",),
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
    a2wsgi absl-py acme adal aenum aio-pika aiobotocore aiocache aiocron aiodns aiodocker aiofiles aiogram aiohappyeyeballs aiohttp
    aiohttp-cors aiokafka aiomysql aioredis aiormq aiosignal aiosmtplib aiosqlite alembic allure-pytest altair amqp annotated-doc
    annotated-types anthropic anyascii anyio apispec apprise apscheduler argcomplete argon2-cffi argon2-cffi-bindings arrow asgi-lifespan
    asgiref asn1crypto asteval astroid asttokens async-lru async-timeout asyncpg atomicwrites attrs authlib autobahn automat awscli babel
    backcall backoff bandit basictracer bcrypt beautifulsoup4 behave billiard black bleach blinker blis bokeh boltons boto boto3 botocore
    bottle bottle-sqlalchemy brotli bson cachecontrol cachelib cachetools caio catalogue cattrs celery certifi cffi chameleon channels
    channels-redis chardet charset-normalizer cheroot cherrypy click click-didyoumean click-plugins click-repl clickhouse-connect
    clickhouse-driver cloud-sql-python-connector cloudevents cloudinary cloudpickle colorama coloredlogs colorlog comm confection
    configargparse configobj configparser constantly contourpy coreapi coverage croniter cryptography cssselect cssselect2 cycler cymem daphne
    dash databases dataclasses-json datadog ddtrace decorator deepdiff defusedxml dependency-injector deprecated diskcache distlib distro
    dj-database-url dj-rest-auth django django-allauth django-anymail django-appconf django-axes django-cache-url django-cacheops
    django-celery-beat django-celery-results django-ckeditor django-colorfield django-compressor django-configurations django-constance
    django-cors-headers django-countries django-crispy-forms django-csp django-debug-toolbar django-environ django-extensions django-filter
    django-guardian django-health-check django-htmx django-import-export django-ipware django-jazzmin django-js-asset django-model-utils
    django-money django-mptt django-ninja django-oauth-toolkit django-phonenumber-field django-prometheus django-ratelimit django-redis
    django-rest-framework django-rest-swagger django-rq django-select2 django-silk django-simple-history django-split-settings django-storages
    django-taggit django-timezone-field django-tinymce django-treebeard django-webpack-loader django-widget-tweaks djangorestframework
    djangorestframework-simplejwt djoser dnspython docker docopt docutils dotenv drf-nested-routers drf-spectacular drf-yasg duckdb dulwich
    ecdsa elastic-apm elastic-transport elasticsearch elasticsearch-dsl email-validator environs et-xmlfile eventlet exceptiongroup execnet
    fabric facebook-business factory-boy faiss-cpu faker falcon fastapi fastapi-cache2 fastapi-cli fastapi-limiter fastapi-mail
    fastapi-pagination fastapi-users fastapi-utils fastavro fasteners fastjsonschema fastmcp feedparser filelock filetype fire firebase-admin
    flake8 flask flask-admin flask-apscheduler flask-assets flask-babel flask-bcrypt flask-bootstrap flask-caching flask-compress flask-cors
    flask-dance flask-httpauth flask-jwt-extended flask-limiter flask-login flask-mail flask-marshmallow flask-migrate flask-moment
    flask-principal flask-pymongo flask-restful flask-restplus flask-restx flask-script flask-security flask-session flask-sock flask-socketio
    flask-sqlalchemy flask-talisman flask-wtf flower fonttools freezegun frozenlist fsspec ftfy functions-framework future genshi gensim
    geographiclib geopy gevent gevent-websocket google-api-core google-api-python-client google-auth google-auth-httplib2 google-auth-oauthlib
    google-cloud-bigquery google-cloud-core google-cloud-firestore google-cloud-logging google-cloud-pubsub google-cloud-secret-manager
    google-cloud-storage google-crc32c google-generativeai google-resumable-media googleapis-common-protos granian graphene graphene-django
    graphql-core graphql-relay greenlet grpcio grpcio-health-checking grpcio-status grpcio-tools gspread gunicorn h11 h2 hashids hatchling
    hiredis holidays hpack html5lib httpcore httplib2 httptools httpx httpx-sse huey huggingface-hub humanfriendly humanize hupper hvac
    hypercorn hyperframe hyperlink hypothesis identify idna ijson imageio importlib-metadata importlib-resources incremental inflect
    inflection influxdb influxdb-client iniconfig injector instana invoke ipython iso8601 isodate isoduration isort itemadapter itemloaders
    itsdangerous jaraco-classes jaraco-context jaraco-functools jedi jinja2 jmespath joblib jose josepy json5 jsondiff jsonlines jsonpatch
    jsonpath-ng jsonpickle jsonpointer jsonschema jsonschema-specifications jwcrypto kafka-python kazoo keyring kiwisolver kombu kubernetes
    langchain langchain-community langchain-core langchain-openai langchain-text-splitters langdetect langsmith launchdarkly-server-sdk ldap3
    legacy-cgi limits litestar llvmlite locust locust-cloud logbook loguru lxml lz4 mailchimp mako markdown markdown-it-py markdown2
    markupsafe marshmallow marshmallow-sqlalchemy matplotlib maxminddb mccabe mcp mdurl minio mistune mixpanel mmh3 mock mongoengine mongomock
    more-itertools moto motor mpmath msal msgpack msgpack-python msgspec multidict multiprocess murmurhash mypy mypy-extensions
    mysql-connector-python nameko nanoid narwhals natsort ndg-httpsclient neo4j networkx newrelic nltk nose numba numexpr numpy oauth2client
    oauthlib odfpy odmantic openai openapi-spec-validator opencensus openpyxl opensearch-py opentelemetry-api opentelemetry-distro
    opentelemetry-exporter-otlp opentelemetry-instrumentation opentelemetry-proto opentelemetry-sdk opentracing ordered-set orjson outcome
    packaging paho-mqtt pamqp pandas paramiko parso passlib pastedeploy pathspec pathvalidate patsy pdfminer-six pdfplumber peewee pendulum
    pg8000 pgvector phonenumbers phonenumberslite pika pillow pip pip-tools plaster platformdirs plotly pluggy ply polars pony portalocker
    posthog preshed prettytable priority prometheus-client prometheus-fastapi-instrumentator prometheus-flask-exporter prompt-toolkit
    propcache proto-plus protobuf psutil psycopg-binary psycopg-pool psycopg2-binary psycopg2-pool ptyprocess publicsuffix2 pulp pure-eval py
    pyairtable pyarrow pyasn1 pyasn1-modules pybreaker pycountry pycparser pycryptodome pycryptodomex pydantic pydantic-core
    pydantic-extra-types pydantic-settings pydash pydot pyflakes pygments pyhamcrest pyhumps pyinstrument pyjwt pylint pymemcache pymilvus
    pymongo pymssql pymupdf pymysql pynacl pyopenssl pyotp pyparsing pypdf pypdf2 pypika pyquery pyramid pyramid-chameleon pyrate-limiter
    pyrsistent pyserial pyshp pysocks pytest pytest-asyncio pytest-cov pytest-django pytest-mock pytest-xdist python-consul python-crontab
    python-dateutil python-decouple python-docx python-dotenv python-editor python-engineio python-frontmatter python-gitlab
    python-http-client python-jose python-json-logger python-keycloak python-levenshtein python-memcached python-multipart python-pptx
    python-rapidjson python-redis-lock python-slugify python-socketio python-tds python-telegram-bot python-ulid python3-openid pytz
    pytz-deprecation-shim pywebpush pyyaml pyzmq qdrant-client qrcode quart rapidfuzz ratelimit raven rdflib readme-renderer redis redis-om
    redis-py-cluster referencing regex reportlab requests requests-aws4auth requests-cache requests-file requests-mock requests-oauthlib
    requests-toolbelt requests-unixsocket responder responses retry retrying rfc3339-validator rfc3986 rfc3987 rich rich-toolkit robyn
    roundrobin rpds-py rq rsa ruamel-yaml ruamel-yaml-clib ruff s3fs s3transfer sanic sanic-ext sanic-routing schedule schema schematics
    scikit-learn scipy scramp scrapy seaborn segno semver sendgrid sentencepiece sentry-sdk service-identity setproctitle setuptools sgmllib3k
    shap shapely shellingham shortuuid simple-salesforce simple-websocket simpleeval simplejson singleton-decorator six slack-bolt slack-sdk
    slackclient slowapi smart-open smmap sniffio snowballstemmer snowflake-connector-python snowflake-sqlalchemy social-auth-app-django
    social-auth-core sortedcontainers soupsieve spacy spacy-legacy spacy-loggers sphinx spotipy sqladmin sqlalchemy sqlalchemy-pytds
    sqlalchemy-utils sqlmodel sqlparse srsly sse-starlette starlette starlette-exporter starlette-prometheus statsmodels stevedore
    strawberry-graphql streamlit stripe structlog supabase svgwrite sympy tablib tabulate tblib telethon tenacity tensorflow tensorflow-cpu
    termcolor testcontainers text-unidecode textdistance thinc threadpoolctl tiktoken timm tinycss2 tinydb tld tldextract tokenizers toml
    tomli tomlkit toolz tornado tortoise-orm tqdm traitlets transaction transformers translationstring treq trino trio tweepy twilio twisted
    txaio typed-ast typeguard typer typer-slim typesense typing-extensions typing-inspect typing-inspection tzdata tzlocal ua-parser ujson
    unidecode unleashclient uritemplate urllib3 user-agents uuid6 uvicorn uvloop validators venusian vine virtualenv vobject voluptuous w3lib
    wagtail waitress wasabi watchdog watchfiles watchgod wcwidth weaviate-client webargs webcolors webencodings webob websocket-client
    websockets webtest werkzeug wheel whitenoise whoosh workalendar wrapt wsgiref wsproto wtforms xlrd xlsxwriter xlwt xmlschema xmltodict
    yarl yattag yoyo-migrations zeep zipp zipstream-ng zope-deprecation zope-event zope-interface zstandard zstd
    """)
# Families of one publisher, Python alone or with gRPC's wheels beneath.
_FAMILIES = ("azure-", "google-cloud-", "mypy-boto3-", "opentelemetry-", "pytest-", "types-")
_NOT_OF_THEM = words(
    "azure-cognitiveservices-speech azure-cli google-cloud-spanner-cassandra pytest-playwright pytest-selenium pytest-docker"
)
_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(\[[^\]]*\])?")


def normal(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def self_contained(name: str) -> bool:
    """Whether a distribution needs nothing of the image but Python."""
    return name in SELF_CONTAINED or (name.startswith(_FAMILIES) and name not in _NOT_OF_THEM)


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
