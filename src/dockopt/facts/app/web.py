"""Ports and health routes of Go, Rust, Java, .NET, Ruby and PHP servers, from literals and documented defaults."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dockopt.facts.app.model import App, Launch, best_health, valid_port
from dockopt.facts.app.reading import join
from dockopt.facts.app.source import mask, search
from dockopt.facts.value import Known, Unknown

if TYPE_CHECKING:
    from dockopt.facts.app.launch import ImageFiles
    from dockopt.facts.context import Context
    from dockopt.facts.stages import Stage

_MAX_FILES = 400


def serve(app: App, context: Context, launch: Launch) -> App:
    """The app with its port and health route."""
    readers = {"go": _go, "rust": _rust, "java": _java, "dotnet": _dotnet, "ruby": _ruby, "php": _php}
    reader = readers.get(app.ecosystem)
    return reader(app, context, launch) if reader is not None else app


def _sources(context: Context, root: str, extensions: tuple[str, ...], skip: tuple[str, ...]) -> dict[str, str]:
    """The sources of a project, comments blanked."""
    prefix = "" if root == "." else root + "/"
    found: dict[str, str] = {}
    for name in context.listing.files:
        if len(found) >= _MAX_FILES:
            break
        if (
            name.startswith(prefix)
            and name.endswith(extensions)
            and not any(part in skip for part in name[len(prefix) :].split("/")[:-1])
        ):
            text = context.text(name)
            if isinstance(text, Known):
                found[name] = mask(text.value, "rust" if name.endswith(".rs") else "c")
    return found


def _one_port(found: list[Known[int]], nothing: str) -> Known[int] | Unknown:
    ports = {port.value for port in found}
    if len(ports) == 1:
        return found[0]
    if not ports:
        return Unknown(nothing)
    return Unknown(f"several ports are listened on: {', '.join(f'{p.value} ({p.evidence})' for p in found[:4])}")


def _ports(pattern: re.Pattern[str], files: dict[str, str]) -> list[Known[int]]:
    return [
        Known(port, one.where)
        for name, text in files.items()
        for one in search(pattern, text, name)
        if (port := valid_port(next(group for group in one.match.groups() if group))) is not None
    ]


_GO_LISTEN = re.compile(
    r'(?:ListenAndServe|\.Run|\.Start|\.Listen|net\.Listen)\(\s*(?:"tcp"\s*,\s*)?"[\w.]*:(\d+)"|\bAddr:\s*"[\w.]*:(\d+)"'
)
_GO_ROUTE = re.compile(r'\b(\w+)\.(?:HandleFunc|Handle|GET|Get)\(\s*"(?:GET\s+)?(/[^"]*)"')
_GO_GROUP = re.compile(r'\b(\w+)\s*:?=\s*(\w+)\.Group\(\s*"([^"]*)"\s*\)')


def _go(app: App, context: Context, launch: Launch) -> App:
    files = {
        n: t
        for n, t in _sources(context, app.root, (".go",), ("vendor", "testdata", "examples")).items()
        if not n.endswith("_test.go")
    }
    port = _one_port(_ports(_GO_LISTEN, files), "no literal address is listened on")
    found: list[Known[str]] = []
    doubt = ""
    for name, text in files.items():
        groups = {one.match[1]: (one.match[2], one.match[3]) for one in search(_GO_GROUP, text, name)}
        for route in search(_GO_ROUTE, text, name):
            path, receiver = route.match[2], route.match[1]
            for _ in range(5):
                if receiver in groups:
                    receiver, prefix = groups[receiver]
                    path = prefix.rstrip("/") + path
            if best_health([Known(path, route.where)]) is None:
                continue
            # chi's nested routers, gorilla's subrouters and groups made elsewhere put a prefix before it.
            nested = re.search(r"\.Route\(|\.Mount\(|PathPrefix\(|StripPrefix\(", text) is not None
            handed = re.search(
                rf"\b{receiver}\s+(?:\*gin\.RouterGroup|gin\.IRouter|gin\.IRoutes|\*echo\.Group|fiber\.Router|chi\.Router|\*mux\.Router)\b",
                text,
            )
            if nested or handed is not None:
                doubt = f"{route.where}: whether a prefix stands before {path} is not known"
            else:
                found.append(Known(path, route.where))
    health = best_health(found) or Unknown(doubt or "no literal route like /health")
    return app._replace(port=port, health=health)


_RUST_LISTEN = re.compile(
    r'bind\(\s*&?"[\w.\[\]:]*:(\d+)"|bind\(\s*\(\s*"[^"]*"\s*,\s*(\d+)\s*\)|SocketAddr::from\(\(\[[\d,\s]*\],\s*(\d+)\)\)'
)
_RUST_ROUTE = re.compile(
    r'\.route\(\s*"(/[^"]*)"\s*,\s*(?:web::)?get\b|#\[get\("(/[^"]*)"\)\]|warp::path!?\("([\w-]+)"\)'
)


def _rust(app: App, context: Context, launch: Launch) -> App:
    files = _sources(context, app.root, (".rs",), ("target", "tests", "benches", "examples"))
    port = _one_port(_ports(_RUST_LISTEN, files), "no literal address is bound")
    found: list[Known[str]] = []
    nested = ""
    for name, text in files.items():
        inner = re.search(r"\.nest\(|web::scope\(|\.mount\(", text)
        if inner is not None:
            nested = f"{name}: nested routes put a prefix before others"
        for route in search(_RUST_ROUTE, text, name):
            path = route.match[1] or route.match[2]
            if path:
                found.append(Known(path, route.where))
    best = best_health(found)
    health = Unknown(nested) if nested and best is not None else best or Unknown("no literal route like /health")
    return app._replace(port=port, health=health)


def _properties(context: Context, root: str) -> Known[dict[str, Known[str]]] | Unknown:
    """Spring's, Quarkus's and Micronaut's configuration, flat; only the files that always apply."""
    values: dict[str, Known[str]] = {}
    for name in ("application.properties", "application.yml", "application.yaml"):
        path = join(root, f"src/main/resources/{name}")
        if not context.is_file(path):
            continue
        text = context.text(path)
        if isinstance(text, Unknown):
            return text
        if name.endswith(".properties"):
            for number, line in enumerate(text.value.splitlines(), 1):
                key, equals, value = line.partition("=")
                if equals and not line.lstrip().startswith(("#", "!")):
                    values[key.strip()] = Known(value.strip(), f"{path}:{number}")
            continue
        import yaml

        try:
            for document in yaml.load_all(text.value, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
                if isinstance(document, dict) and "on-profile" not in str(document.get("spring", "")):
                    _flatten(document, "", path, values)
        except yaml.YAMLError as error:
            return Unknown(f"{path} does not parse: {' '.join(str(error).split())}")
    return Known(values, root)


def _flatten(value: object, prefix: str, where: str, out: dict[str, Known[str]]) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            _flatten(inner, f"{prefix}.{key}" if prefix else str(key), where, out)
    elif value is not None:
        out[prefix] = Known(str(value), f"{where}: {prefix}")


def _java(app: App, context: Context, launch: Launch) -> App:
    if not isinstance(app.framework, Known):
        return app._replace(port=Unknown(app.framework.reason), health=Unknown(app.framework.reason))
    settings = _properties(context, app.root)
    if isinstance(settings, Unknown):
        return app._replace(port=settings, health=settings)
    framework = app.framework.value
    manifest = "\n".join(
        text.value
        for name in app.manifests
        if isinstance(text := context.text(name), Known) and not name.endswith(".jar")
    )
    keys = {
        "spring-boot": ("server.port", "SERVER_PORT"),
        "quarkus": ("quarkus.http.port", "QUARKUS_HTTP_PORT"),
        "micronaut": ("micronaut.server.port", "MICRONAUT_SERVER_PORT"),
    }
    if framework not in keys:
        why = Unknown(f"dockopt does not read the port of {framework}")
        return app._replace(port=why, health=why)
    if framework == "spring-boot" and not re.search(r"spring-boot-starter-web(?:flux|mvc)?\b", manifest):
        why = Unknown(f"{app.evidence} has no web starter: it may answer on no port")
        return app._replace(port=why, health=why)
    port = _setting(settings.value.get(keys[framework][0]), launch, keys[framework][1], app.evidence)
    return app._replace(port=port, health=_java_health(framework, manifest, settings.value, app.evidence))


def _setting(value: Known[str] | None, launch: Launch, variable: str, where: str) -> Known[int] | Unknown:
    given = [
        word.partition("=")[2]
        for word in launch.argv
        if re.match(r"(?:--|-D)(?:server|quarkus\.http|micronaut\.server)\.port=", word)
    ]
    if given or variable in launch.env:
        text = given[-1] if given else launch.env[variable]
        port = valid_port(text)
        return (
            Known(port, launch.evidence if given else f"ENV {variable}")
            if port is not None
            else Unknown(f"the port {text} is not known before the run")
        )
    if value is None:
        return Known(8080, f"{where}: 8080 is the framework's default")
    match = re.fullmatch(r"\$\{(\w+):(\d+)\}", value.value)
    if match is not None:
        if match[1] in launch.env:
            port = valid_port(launch.env[match[1]])
            return Known(port, f"ENV {match[1]}") if port is not None else Unknown(f"{match[1]} has no known value")
        return Known(int(match[2]), value.evidence)
    port = valid_port(value.value)
    return Known(port, value.evidence) if port is not None else Unknown(f"{value.evidence}: {value.value} is no port")


def _java_health(framework: str, manifest: str, settings: dict[str, Known[str]], where: str) -> Known[str] | Unknown:
    if "security" in manifest:
        return Unknown(f"{where} has a security library, which may refuse a probe")
    if framework == "spring-boot":
        if "spring-boot-starter-actuator" not in manifest:
            return Unknown(f"{where} has no spring-boot-starter-actuator")
        moved = next(
            (
                key
                for key in settings
                if key.startswith("management.") and not key.startswith("management.endpoint.health.")
            ),
            None,
        )
        exposed = settings.get("management.endpoints.web.exposure.include")
        if moved is not None and not (
            moved == "management.endpoints.web.exposure.include"
            and exposed
            and ("health" in exposed.value or exposed.value == "*")
        ):
            return Unknown(f"{settings[moved].evidence}: the management endpoints are configured")
        base = settings.get("server.servlet.context-path") or settings.get("spring.webflux.base-path")
        return Known(
            (base.value.rstrip("/") if base else "") + "/actuator/health", f"{where}: spring-boot-starter-actuator"
        )
    if framework == "quarkus":
        if "quarkus-smallrye-health" not in manifest:
            return Unknown(f"{where} has no quarkus-smallrye-health")
        if any(
            key.startswith(
                (
                    "quarkus.smallrye-health",
                    "quarkus.http.root-path",
                    "quarkus.http.non-application-root-path",
                    "quarkus.management",
                )
            )
            for key in settings
        ):
            return Unknown(f"{where}: the health endpoint's path is configured")
        return Known("/q/health", f"{where}: quarkus-smallrye-health")
    if "micronaut-management" not in manifest:
        return Unknown(f"{where} has no micronaut-management")
    if any(key.startswith(("endpoints.", "micronaut.server.context-path")) for key in settings):
        return Unknown(f"{where}: the health endpoint is configured")
    return Known("/health", f"{where}: micronaut-management")


_CS_ROUTE = re.compile(r'\.(?:MapHealthChecks|MapGet)\(\s*"(/?[^"]*)"([^;]*)')
_CS_URL = re.compile(
    r'UseUrls\(\s*"http://[^":]*:(\d+)"\s*\)|\.Run\(\s*"http://[^":]*:(\d+)"\s*\)|Urls\.Add\(\s*"http://[^":]*:(\d+)"\s*\)|ListenAnyIP\(\s*(\d+)\s*\)'
)


# Wherever an address is given that is no literal: ``app.Run(url)``, ``ConfigureKestrel``.
_CS_ADDRESS = re.compile(
    r"UseUrls\(|UseKestrel\(\s*\w|ConfigureKestrel|Urls\.Add\(|\.Run\(\s*(?!async\b|\(|\w+\s*=>)[^)\s]|RunAsync\(\s*[$\"u]|\.Listen\w*\(|"
    r"HttpListener|TcpListener|UseSetting\(\s*WebHostDefaults\.ServerUrlsKey"
)


def _dotnet(app: App, context: Context, launch: Launch) -> App:
    if not isinstance(app.framework, Known):
        return app._replace(port=Unknown(app.framework.reason), health=Unknown(app.framework.reason))
    files = _sources(context, app.root, (".cs",), ("bin", "obj", "Tests", "tests"))
    literal = _ports(_CS_URL, files)
    port: Known[int] | Unknown
    urls = launch.env.get("ASPNETCORE_URLS")
    if literal:
        port = _one_port(literal, "")
    elif any(_CS_ADDRESS.search(text) for text in files.values()):
        port = Unknown("the address is set in code")
    elif urls:
        match = re.search(r"http://[^:;]*:(\d+)", urls)
        number = valid_port(match[1]) if match else 80 if urls.startswith("http://") else None
        port = (
            Known(number, f"ENV ASPNETCORE_URLS={urls}")
            if number
            else Unknown(f"ASPNETCORE_URLS={urls} names no plain HTTP port")
        )
    else:
        ports = launch.env.get("ASPNETCORE_HTTP_PORTS")
        number = valid_port((ports or "").split(";")[0])
        # Images of .NET 8 and later set ASPNETCORE_HTTP_PORTS; older ones set ASPNETCORE_URLS.
        port = (
            Known(number, f"ENV ASPNETCORE_HTTP_PORTS={ports}")
            if number
            else Unknown("neither ASPNETCORE_URLS nor ASPNETCORE_HTTP_PORTS is known")
        )
    found: list[Known[str]] = []
    guarded = ""
    for name, text in files.items():
        prefixed = "UsePathBase" in text or "MapGroup" in text
        for route in search(_CS_ROUTE, text, name):
            path = "/" + route.match[1].lstrip("/")
            if best_health([Known(path, route.where)]) is None and "MapHealthChecks" not in route.match[0]:
                continue
            if (
                "RequireAuthorization" in route.match[2]
                or "RequireHost" in route.match[2]
                or prefixed
                or "FallbackPolicy" in text
            ):
                guarded = f"{route.where}: {path} may be moved or refuse a probe"
            else:
                found.append(Known(path, route.where))
    checks = [one for one in found if best_health([one]) is not None]
    health: Known[str] | Unknown = best_health(checks) or (
        found[0] if found else Unknown(guarded or "no literal MapHealthChecks or MapGet like /health")
    )
    return app._replace(port=port, health=health, server=Known("kestrel", app.evidence))


def _ruby(app: App, context: Context, launch: Launch) -> App:
    if not isinstance(app.framework, Known):
        return app._replace(port=Unknown(app.framework.reason), health=Unknown(app.framework.reason))
    framework, program = app.framework.value, launch.program
    default = {"puma": 9292, "rackup": 9292, "rails": 3000}.get(program) or (
        _SINATRA if framework == "sinatra" and program == "ruby" else None
    )
    port: Known[int] | Unknown
    argv = launch.argv
    given = None
    for index, word in enumerate(argv):
        if word in ("-p", "--port", "-b", "--bind") and index + 1 < len(argv):
            text = argv[index + 1].rpartition(":")[2]
            given = text if word in ("-p", "--port") or argv[index + 1].startswith("tcp://") else given
        elif word.startswith("--port="):
            given = word[7:]
    if given is not None:
        number = valid_port(given)
        port = (
            Known(number, launch.evidence)
            if number
            else Unknown(f"{launch.evidence}: the port {given} is not known before the run")
        )
    elif "PORT" in launch.env and program in ("rails", "puma"):
        number = valid_port(launch.env["PORT"])
        port = Known(number, "ENV PORT") if number else Unknown("PORT has no known value")
    elif program in ("puma", "rails") and context.is_file(join(app.root, "config/puma.rb")):
        text_ = context.text(join(app.root, "config/puma.rb"))
        match = (
            re.search(
                r"^\s*port\s+(?:ENV\.fetch\(\s*['\"]PORT['\"]\s*(?:,\s*|\)\s*\{\s*))?['\"]?(\d+)",
                mask(text_.value, "hash"),
                re.M,
            )
            if isinstance(text_, Known)
            else None
        )
        port = (
            Known(int(match[1]), join(app.root, "config/puma.rb"))
            if match
            else Known(3000, f"{launch.evidence}, where 3000 is the default")
            if program == "rails"
            and isinstance(text_, Known)
            and not re.search(r"^\s*(?:port|bind)\b", text_.value, re.M)
            else Unknown("config/puma.rb has no literal port")
        )
    elif default == _SINATRA:
        port = _sinatra_port(app, context, launch)
    elif default is not None:
        port = Known(default, f"{launch.evidence}, where {default} is the default")
    else:
        port = Unknown(f"{launch.evidence} starts {program}, from which dockopt reads no server")
    return app._replace(
        port=port, health=_rails_health(app, context) if framework == "rails" else _sinatra_health(app, context)
    )


_SINATRA = 4567  #: its default port where the file itself is run
_SET_PORT = re.compile(r"\bset\s*\(?\s*(?::port\s*,|port:)\s*([^\n;]+)")
_OR_LITERAL = re.compile(
    r"(?:ENV(?:\[\s*|\.fetch\(\s*)['\"](\w+)['\"]\s*[\],)]?\s*(?:\|\||\{|,)?\s*)?['\"]?(\d+)['\"]?"
)


def _sinatra_port(app: App, context: Context, launch: Launch) -> Known[int] | Unknown:
    """The port that ``set :port`` names in the sources: a number, or a variable and the number it has without it."""
    for name in context.listing.files:
        if not name.endswith((".rb", ".ru")) or not (app.root == "." or name.startswith(app.root + "/")):
            continue
        text = context.text(name)
        if isinstance(text, Unknown):
            return text
        masked = mask(text.value, "hash")
        for one in search(_SET_PORT, masked, name):
            written = one.match[1].strip()
            variable = re.fullmatch(r"[a-z_]\w*", written)
            if variable is not None:
                given = re.search(rf"^\s*{variable[0]}\s*=\s*([^\n;]+)", masked, re.M)
                written = given[1].strip() if given is not None else written
            match = _OR_LITERAL.match(written)
            if match is None or (match[1] and match[1] in launch.env):
                return Unknown(f"{one.where}: the port is not known before the run")
            return Known(int(match[2]), one.where)
        if re.search(r"Sinatra::Base|\brun!|Rack::Handler|Rackup::Handler", masked):
            return Unknown(f"{name}: how the application is started is not read")
    return Known(_SINATRA, f"{launch.evidence}, where {_SINATRA} is the default")


def _rails_health(app: App, context: Context) -> Known[str] | Unknown:
    production = context.text(join(app.root, "config/environments/production.rb"))
    if isinstance(production, Known) and re.search(
        r"^\s*config\.force_ssl\s*=\s*true", mask(production.value, "hash"), re.M
    ):
        return Unknown("config/environments/production.rb: force_ssl may answer a probe with a redirect")
    path = join(app.root, "config/routes.rb")
    text = context.text(path)
    if isinstance(text, Unknown):
        return text
    masked = mask(text.value, "hash")
    for one in search(re.compile(r"^ {0,2}get\s+['\"]/?([\w/-]+)['\"]", re.M), masked, path):
        route = "/" + one.match[1]
        if (
            "rails/health#show" in masked[one.match.end() : masked.find("\n", one.match.end())]
            or best_health([Known(route, "")]) is not None
        ):
            return Known(route, one.where)
    return Unknown(f"{path} has no route like /up or /health")


def _sinatra_health(app: App, context: Context) -> Known[str] | Unknown:
    found: list[Known[str]] = []
    for folder in (app.root, join(app.root, "app")):
        for name in context.names(folder):
            text = context.text(join(folder, name)) if name.endswith((".rb", ".ru")) else None
            if isinstance(text, Known):
                masked = mask(text.value, "hash")
                if re.search(r"\bmap\s+['\"]|\bbefore\b|namespace\b", masked):
                    return Unknown(f"{join(folder, name)}: filters or prefixes change what a probe gets")
                found += [
                    Known(one.match[1], one.where)
                    for one in search(
                        re.compile(r"^\s*get\s+['\"](/[^'\"]*)['\"]\s+do", re.M), masked, join(folder, name)
                    )
                ]
    return best_health(found) or Unknown("no literal route like /health")


_NGINX_LISTEN = re.compile(r"^\s*listen\s+(?:[\w.*\[\]:]+:)?(\d+)\b([^;]*);", re.M)
_NGINX_LOCATION = re.compile(r"^\s*location\s+(?:=\s*)?(/[\w/-]*)\s*\{([^{}]*)\}", re.M)


def nginx(app: App, context: Context, files: ImageFiles, stage: Stage, launch: Launch) -> App:
    """The app served by nginx: its port and a health location, from the configuration COPY puts in place."""
    given = next((word for word in launch.argv[1:] if re.match(r"-\w*c", word)), None)
    if given is not None and tuple(launch.argv[launch.argv.index(given) :][1:2]) != ("/etc/nginx/nginx.conf",):
        why = Unknown(f"{launch.evidence} names a configuration of its own, which dockopt does not read")
        return app._replace(server=Known("nginx", launch.evidence), port=why, health=why)
    names = [files.find("/etc/nginx/nginx.conf", stage), files.find("/etc/nginx/conf.d/default.conf", stage)]
    folder = files.find("/etc/nginx/conf.d", stage)
    names += (
        [join(folder, name) for name in context.names(folder) if name.endswith(".conf")] if folder is not None else []
    )
    if files.find("/etc/nginx/templates", stage) is not None or files.find("/etc/nginx", stage) is not None:
        why = Unknown("nginx's configuration is a template, or a folder dockopt does not read")
        return app._replace(server=Known("nginx", launch.evidence), port=why, health=why)
    ports: list[Known[int]] = []
    found: list[Known[str]] = []
    for name in dict.fromkeys(name for name in names if name is not None):
        text = context.text(name)
        if isinstance(text, Unknown):
            return app._replace(server=Known("nginx", launch.evidence), port=text, health=text)
        masked = mask(text.value, "hash")
        ports += [
            Known(int(one.match[1]), one.where)
            for one in search(_NGINX_LISTEN, masked, name)
            if "ssl" not in one.match[2]
        ]
        if re.search(r"\bauth_basic\b|\breturn\s+30\d|\bdeny\b", masked) is None:
            found += [
                Known(one.match[1], one.where)
                for one in search(_NGINX_LOCATION, masked, name)
                if re.search(r"\breturn\s+20\d", one.match[2])
            ]
    port: Known[int] | Unknown = _one_port(ports, "")
    if not ports:
        # conf.d/default.conf of the image itself listens on 80.
        port = (
            Known(80, f"{launch.evidence}, where 80 is the default")
            if not any(names) and not _configured(stage)
            else Unknown("nginx's configuration has no plain listen")
        )
    health = best_health(found) or Unknown("nginx's configuration has no location like /health that answers by itself")
    return app._replace(server=Known("nginx", launch.evidence), port=port, health=health)


def _configured(stage: Stage) -> bool:
    """Whether an instruction names a place of nginx's configuration: it may set another port."""
    return any(
        node.name in ("RUN", "COPY", "ADD", "VOLUME")
        and re.search(r"/etc/nginx|sites-(?:enabled|available)", node.rest)
        for member in stage.chain
        for node in member.instructions
    )


def _php(app: App, context: Context, launch: Launch) -> App:
    program, argv = launch.program, launch.argv
    port: Known[int] | Unknown
    if program in ("apache2-foreground", "apache2ctl", "httpd-foreground", "nginx"):
        port = Known(80, f"{launch.evidence}: the web server's default")
    elif program == "php-fpm":
        port = Unknown("php-fpm speaks FastCGI, not HTTP")
    elif program == "php" and "-S" in argv and argv.index("-S") + 1 < len(argv):
        number = valid_port(argv[argv.index("-S") + 1].rpartition(":")[2])
        port = Known(number, launch.evidence) if number else Unknown(f"{launch.evidence}: no literal port")
    elif program == "php" and argv[1:3] == ("artisan", "serve"):
        given = next((word.partition("=")[2] for word in argv if word.startswith("--port=")), "8000")
        number = valid_port(given)
        port = (
            Known(number, launch.evidence)
            if number
            else Unknown(f"{launch.evidence}: the port {given} is not known before the run")
        )
    else:
        port = Unknown(f"{launch.evidence} starts {program}, from which dockopt reads no server")
    path = join(app.root, "bootstrap/app.php")
    text = context.text(path)
    found = (
        search(re.compile(r"\bhealth:\s*['\"](/[^'\"]+)['\"]"), mask(text.value), path)
        if isinstance(text, Known)
        else []
    )
    health: Known[str] | Unknown = (
        Known(found[0].match[1], found[0].where)
        if found
        else Unknown(f"{app.root}: no health route of Laravel's is set")
    )
    return app._replace(port=port, health=health)
