"""npm packages by what they need besides Node, and the lock files that name them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

from dockopt.api import Unknown
from dockopt_transforms._tables import word_set as words
from dockopt_transforms.stages._plan import Impossible

if TYPE_CHECKING:
    from dockopt.api import Context

#: Built against, or loading, a shared library that Node's slim image has not: the ``-dev`` package.
LIBRARIES: dict[str, tuple[str, ...]] = {
    "kerberos": ("libkrb5-dev",),
    "libpq": ("libpq-dev",),
    "pg-native": ("libpq-dev",),
}
#: Run another program, or load a library, by its Debian package.
PROGRAMS: dict[str, tuple[str, ...]] = {
    "@prisma/client": ("openssl",),
    "gm": ("imagemagick",),
    "imagemagick": ("imagemagick",),
    "prisma": ("openssl",),
    "simple-git": ("git",),
}
#: What these run or fetch, nobody can tell.
OPEN = words("""
    puppeteer puppeteer-core playwright playwright-core cypress electron selenium-webdriver nightmare phantomjs phantomjs-prebuilt
    oracledb ibm_db odbc robotjs nw serialport usb node-hid keytar @tensorflow/tfjs-node opencv4nodejs node-rdkafka
    """)
#: Native parts that link with nothing but libc and libstdc++, or bring their libraries along.
SELF_CONTAINED = words("""
    @parcel/watcher @swc/core @mongodb-js/zstd argon2 bcrypt better-sqlite3 bufferutil canvas cpu-features deasync diskusage dtrace-provider esbuild
    farmhash fsevents grpc hiredis iconv isolated-vm leveldown classic-level lmdb lz4 microtime msgpackr-extract msgpackr node-pty node-sass nodegit
    re2 sass-embedded sharp snappy sqlite3 sse4_crc32 ssh2 unix-dgram unrs-resolver utf-8-validate uws v8-profiler-next weak-napi x11 xxhash zeromq zlib-sync
    @discordjs/opus @napi-rs/canvas @sentry/profiling-node @datadog/native-metrics @datadog/pprof dd-trace heapdump memwatch-next gc-stats event-loop-stats
    segfault-handler node-expat libxmljs libxmljs2 level bignum sodium-native sodium scrypt secp256k1 keccak blake-hash sha3 ursa tiny-secp256k1 kerberos
    node-gyp node-gyp-build node-pre-gyp @mapbox/node-pre-gyp prebuild-install prebuildify bindings nan node-addon-api napi-macros install-artifact-from-github
    core-js core-js-pure core-js-bundle es5-ext protobufjs nodemon husky styled-components @nestjs/core nx ejs-lint preact vue-demi yarn highlight.js
    @apollo/protobufjs @fortawesome/fontawesome-common-types postinstall-postinstall spawn-sync uglifyjs-webpack-plugin opencollective opencollective-postinstall
    msw lefthook yorkie chromedriver geckodriver optipng-bin gifsicle mozjpeg pngquant-bin jpegtran-bin cwebp-bin dtrace-provider workerd
    """)
#: Their trees are JavaScript alone, whatever the version.
PURE = words("""
    @hapi/hapi apollo-server apollo-server-express async axios body-parser bluebird bootstrap chalk chokidar classnames cookie-parser cors date-fns dayjs
    debug dotenv ejs express express-handlebars express-session express-validator fastify fs-extra glob got graphql handlebars helmet http-errors
    http-proxy-middleware ioredis joi jquery js-yaml jsonwebtoken knex koa koa-body koa-bodyparser koa-router @koa/router lodash lru-cache luxon
    marked method-override moment mongodb mongoose morgan ms multer mustache mysql mysql2 nanoid node-cron node-fetch nodemailer passport
    passport-jwt passport-local pg pg-hstore pino pino-http prop-types pug qs react react-dom react-router react-router-dom redis redux request rxjs sequelize
    serve-static socket.io socket.io-client superagent tslib typescript undici uuid validator vue vuex winston ws yargs zod
    eslint jest mocha chai supertest nodemon prettier ts-node rimraf concurrently @types/node @types/express @types/jest
    """)
_NATIVE_HELPERS = words("""
    node-gyp node-gyp-build node-pre-gyp @mapbox/node-pre-gyp prebuild-install bindings nan node-addon-api cmake-js node-gyp-build-optional-packages
    """)


class Tree(NamedTuple):
    """The packages an install puts into node_modules."""

    names: frozenset[str]
    native: dict[str, str]  #: those with native parts or an install script, and why


def tree(context: Context, package: str, lock: str | None) -> Tree:
    """The packages of a project by its lock file; by package.json alone where that can tell.

    :raises Impossible: where it cannot be read, or nobody can tell.
    """
    if lock is None:
        from dockopt.api import as_table, load_json

        data = load_json(context, package)
        if isinstance(data, Unknown):
            raise Impossible("needs-unknown", data.reason)
        kinds = ("dependencies", "devDependencies", "optionalDependencies")
        names = frozenset(name for kind in kinds for name in as_table(data.value.get(kind)))
        open_ends = sorted(name for name in names if name not in PURE and not name.startswith("@types/"))
        if open_ends:
            raise Impossible("needs-unknown", f"there is no lock file: what {open_ends[0]} depends on is not known")
        return Tree(names, {})
    text = context.text(lock)
    if isinstance(text, Unknown):
        raise Impossible("needs-unknown", text.reason)
    name = lock.rsplit("/", 1)[-1]
    try:
        if name in ("package-lock.json", "npm-shrinkwrap.json"):
            return _npm(json.loads(text.value))
        if name == "yarn.lock":
            return _yarn(text.value)
        if name == "pnpm-lock.yaml":
            return _pnpm(text.value)
    except (ValueError, AttributeError, TypeError, RecursionError) as error:
        raise Impossible("needs-unknown", f"{lock} does not parse: {error}") from error
    raise Impossible("needs-unknown", f"{lock} is not read")


def _npm(data: dict[str, object]) -> Tree:
    names: set[str] = set()
    native: dict[str, str] = {}

    def see(name: str, entry: dict[str, object]) -> None:
        names.add(name)
        if entry.get("hasInstallScript"):
            native.setdefault(name, "it has an install script")
        needs = entry.get("dependencies") or entry.get("requires")
        for one in needs if isinstance(needs, dict) else ():
            if one in _NATIVE_HELPERS:
                native.setdefault(name, f"it depends on {one}")

    packages = data.get("packages")
    if isinstance(packages, dict):
        for path, entry in packages.items():
            if path and isinstance(entry, dict):
                see(path.rsplit("node_modules/", 1)[-1], entry)
        return Tree(frozenset(names), native)

    def walk(entries: object) -> None:
        for name, entry in entries.items() if isinstance(entries, dict) else ():
            if isinstance(entry, dict):
                see(name, {"requires": entry.get("requires")})
                walk(entry.get("dependencies"))

    walk(data.get("dependencies"))
    return Tree(frozenset(names), native)


_YARN_HEAD = re.compile(r'^"?((?:@[^/@"\s]+/)?[^@"\s,]+)@')


def _yarn(text: str) -> Tree:
    names: set[str] = set()
    native: dict[str, str] = {}
    current = ""
    for line in text.splitlines():
        if line and not line[0].isspace() and not line.startswith("#"):
            match = _YARN_HEAD.match(line)
            current = match[1] if match else ""
            if current and current != "__metadata":
                names.add(current)
        elif current:
            word = line.strip().split(" ")[0].strip('":')
            if word in _NATIVE_HELPERS and line.startswith("    "):
                native.setdefault(current, f"it depends on {word}")
    return Tree(frozenset(names), native)


def _pnpm(text: str) -> Tree:
    import yaml

    data = yaml.safe_load(text)
    names: set[str] = set()
    native: dict[str, str] = {}
    for section in ("packages", "snapshots"):
        for key, entry in (data.get(section) or {}).items():
            match = re.match(r"/?((?:@[^/@]+/)?[^/@(]+)[@/]", key)
            if match is None:
                continue
            names.add(match[1])
            if not isinstance(entry, dict):
                continue
            if entry.get("requiresBuild"):
                native.setdefault(match[1], "it is built on install")
            for one in entry.get("dependencies") or ():
                if one in _NATIVE_HELPERS:
                    native.setdefault(match[1], f"it depends on {one}")
    return Tree(frozenset(names), native)


class NodeNeeds(NamedTuple):
    developing: tuple[str, ...]  #: ``-dev`` packages whose libraries must be there
    programs: tuple[str, ...]
    prisma: bool


def needs(found: Tree) -> NodeNeeds:
    """What the packages of a tree need of a slim image.

    :raises Impossible: where one's needs are not known.
    """
    for name in sorted(found.names & OPEN):
        raise Impossible("needs-unknown", f"{name} runs or loads what is not known")
    for name, why in sorted(found.native.items()):
        if (
            name not in SELF_CONTAINED
            and name not in LIBRARIES
            and name not in PROGRAMS
            and not name.startswith("@prisma/")
        ):
            raise Impossible("needs-unknown", f"what {name} needs at run time is not known: {why}")
    developing = [one for name in sorted(found.names) for one in LIBRARIES.get(name, ())]
    programs = [one for name in sorted(found.names) for one in PROGRAMS.get(name, ())]
    return NodeNeeds(tuple(developing), tuple(programs), bool(found.names & {"prisma", "@prisma/client"}))
