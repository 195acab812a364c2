"""Python applications: the app object, its server, its port, and a route to probe.

Read from source with libcst, never run. FastAPI, Starlette, Flask, Quart, Django, aiohttp, Sanic and
Litestar; uvicorn, gunicorn, hypercorn, daphne, granian, waitress, ``flask run``, ``fastapi run``,
``litestar run``, ``sanic``, ``manage.py runserver`` and apps that start themselves. Default ports are
those of the servers' own documentation.
"""

from __future__ import annotations

import posixpath
import re
from typing import NamedTuple

from dockopt.facts.app.launch import ImageFiles
from dockopt.facts.app.model import Launch, best_health, valid_port
from dockopt.facts.app.pysource import (
    Add,
    Call,
    Expr,
    Function,
    Int,
    Item,
    Name,
    Or,
    Scope,
    Seq,
    SourceError,
    Str,
    parse,
)
from dockopt.facts.context import Context
from dockopt.facts.stages import Stage
from dockopt.facts.value import Known, Unknown

_FRAMEWORKS = {
    "fastapi.FastAPI": "fastapi",
    "fastapi.applications.FastAPI": "fastapi",
    "starlette.applications.Starlette": "starlette",
    "flask.Flask": "flask",
    "flask.app.Flask": "flask",
    "quart.Quart": "quart",
    "sanic.Sanic": "sanic",
    "aiohttp.web.Application": "aiohttp",
    "litestar.Litestar": "litestar",
    "litestar.app.Litestar": "litestar",
    "django.core.wsgi.get_wsgi_application": "django",
    "django.core.asgi.get_asgi_application": "django",
}
# A route behind one of these answers a probe with 401 or a redirect.
_GUARDED = re.compile(r"auth|login|token|permission|require|api_?key|current_user|verify|jwt", re.I)
_GUARDING_MIDDLEWARE = re.compile(r"auth|login|httpsredirect|trustedhost|ipfilter|allowlist|whitelist", re.I)
_READS = frozenset(("get", "head", "route", "api_route"))
_MAX_MODULES = 60
_MAX_DEPTH = 12


class Module(NamedTuple):
    dotted: str  #: as it is imported: ``app.main``
    name: str  #: in the context: ``app/main.py``
    scope: Scope
    package: bool

    def at(self, line: int) -> str:
        return f"{self.name}:{line}"


class Object(NamedTuple):
    """A variable of a module or of a function in it."""

    module: Module
    function: Function | None
    name: str

    @property
    def scope(self) -> Scope:
        return self.function.body if self.function is not None else self.module.scope


class PythonFacts(NamedTuple):
    framework: Known[str] | Unknown
    server: Known[str] | Unknown
    app_object: Known[str] | Unknown
    port: Known[int] | Unknown
    health: Known[str] | Unknown


class Modules:
    """The modules of a project as an import in the container finds them."""

    def __init__(self, context: Context, files: ImageFiles, stage: Stage, roots: tuple[str, ...]) -> None:
        self.context = context
        self.files = files
        self.stage = stage
        self.roots = roots  #: folders in the image that are on ``sys.path``
        self._loaded: dict[str, Module | Unknown] = {}
        self.unread: list[str] = []  #: why modules that would matter could not be read

    def load(self, dotted: str) -> Module | Unknown:
        """A module by its dotted name."""
        if dotted not in self._loaded:
            if len(self._loaded) >= _MAX_MODULES:
                return Unknown(f"more than {_MAX_MODULES} modules would have to be read")
            self._loaded[dotted] = self._load(dotted)
        return self._loaded[dotted]

    def _load(self, dotted: str) -> Module | Unknown:
        path = dotted.replace(".", "/")
        for root in self.roots:
            for candidate, package in ((f"{path}.py", False), (f"{path}/__init__.py", True)):
                name = self.files.find(posixpath.join(root, candidate), self.stage)
                if name is not None:
                    return self.read(dotted, name, package)
        return Unknown(f"the module {dotted} is not in the build context")

    def read(self, dotted: str, name: str, package: bool) -> Module | Unknown:
        text = self.context.text(name)
        if isinstance(text, Unknown):
            return text
        try:
            return Module(dotted, name, parse(text.value), package)
        except SourceError as error:
            reason = f"{name}: {error}"
            self.unread.append(reason)
            return Unknown(reason)

    def origin(self, module: Module, scope: Scope, name: str) -> str:
        """The dotted origin of a name: ``FastAPI`` imported from fastapi is ``fastapi.FastAPI``."""
        head, _, rest = name.partition(".")
        found = scope.imports.get(head) or module.scope.imports.get(head)
        if found is None:
            return name
        source, inner = found
        base = self.absolute(module, source)
        return ".".join(part for part in (base, inner, rest) if part)

    def absolute(self, module: Module, source: str) -> str:
        """An import's module with its leading dots resolved."""
        if not source.startswith("."):
            return source
        rest = source.lstrip(".")
        parts = module.dotted.split(".") if module.dotted else []
        up = len(source) - len(rest) - (1 if module.package else 0)
        parts = parts[: len(parts) - up] if up else parts
        return ".".join([*parts, rest] if rest else parts)

    def lookup(self, module: Module, function: Function | None, name: str, depth: int = 0) -> Object | None:
        """The variable, function or class a name in a module stands for, through imports."""
        if depth > _MAX_DEPTH:
            return None
        if function is not None and (
            function.body.value(name) is not None or any(param == name for param, _ in function.params)
        ):
            return Object(module, function, name)
        local = function.body if function is not None else module.scope
        if name.split(".")[0] not in local.imports and name.split(".")[0] not in module.scope.imports:
            scope = module.scope
            here = (
                scope.value(name) is not None
                or scope.function(name) is not None
                or any(c.name == name for c in scope.classes)
            )
            if here:
                return Object(module, None, name)
            for star in scope.stars:
                other = self.load(self.absolute(module, star))
                found = self.lookup(other, None, name, depth + 1) if isinstance(other, Module) else None
                if found is not None:
                    return found
            return None
        dotted = self.origin(module, local, name)
        # ``from .routers import health`` may name a module, then ``health.router`` a name in it.
        parts = dotted.split(".")
        for cut in range(len(parts) - 1, 0, -1):
            loaded = self.load(".".join(parts[:cut]))
            if isinstance(loaded, Module):
                rest = ".".join(parts[cut:])
                found = self.lookup(loaded, None, rest, depth + 1)
                if found is not None:
                    return found
        return None

    def constant(self, module: Module, function: Function | None, value: Expr | None, depth: int = 0) -> Expr | None:
        """A literal behind names: ``PREFIX`` that is assigned ``"/api"`` once, without a condition."""
        if isinstance(value, Add):
            left = self.constant(module, function, value.left, depth + 1)
            right = self.constant(module, function, value.right, depth + 1)
            return Str(left.value + right.value) if isinstance(left, Str) and isinstance(right, Str) else None
        if not isinstance(value, Name) or depth > 4:
            return value
        found = self.lookup(module, function, value.value)
        if found is None:
            return None
        assigns = [one for one in found.scope.assigns if one.target == found.name]
        if len(assigns) != 1 or assigns[0].guard:
            return None
        return self.constant(found.module, found.function, assigns[0].value, depth + 1)


class _Routes:
    """Collects the paths an application object answers GET on."""

    def __init__(self, modules: Modules) -> None:
        self.modules = modules
        self.found: list[Known[str]] = []
        self.guarded: list[str] = []  #: health routes that are there, with why they cannot be probed
        self.lost: list[str] = []  #: what could not be followed
        self._seen: set[tuple[str, str, str, str]] = set()

    def collect(self, item: Object, prefix: str, guard: str, depth: int = 0) -> None:
        key = (item.module.name, item.function.name if item.function is not None else "", item.name, prefix)
        if key in self._seen or depth > _MAX_DEPTH:
            return
        self._seen.add(key)
        scope, module = item.scope, item.module
        made = scope.value(item.name)
        if made is not None and isinstance(made.value, Call):
            guard = guard or self._guard_of(made.value, module.at(made.line))
            self._constructor(item, made.value, prefix, guard, depth)
        guard = guard or self._middleware(item)
        for function in scope.functions:
            if function.guard == "if":
                continue  # only the run knows whether the route is there
            self._decorated(item, function, prefix, guard)
        for statement in scope.calls:
            if statement.guard != "if":
                self._call(item, statement.call, prefix, guard, depth)

    def _guard_of(self, call: Call, where: str) -> str:
        dependencies = call.keyword("dependencies") or call.keyword("guards")
        if dependencies is not None and not (isinstance(dependencies, Seq) and not dependencies.items):
            return f"{where}: every route depends on something that may refuse"
        return ""

    def _middleware(self, item: Object) -> str:
        for statement in item.scope.calls:
            call = statement.call
            if call.name == f"{item.name}.add_middleware" and call.positional:
                first = call.positional[0]
                name = first.value if isinstance(first, Name) else ""
                hosts = call.keyword("allowed_hosts")
                if "TrustedHost" in name and isinstance(hosts, Seq) and {Str("*"), Str("localhost")} & set(hosts.items):
                    continue
                if _GUARDING_MIDDLEWARE.search(name):
                    return f"{item.module.at(statement.line)}: {name} may refuse a probe"
        for function in item.scope.functions:
            for decorator in function.decorators:
                name = (
                    decorator.value
                    if isinstance(decorator, Name)
                    else decorator.name
                    if isinstance(decorator, Call)
                    else ""
                )
                if name in (f"{item.name}.before_request", f"{item.name}.middleware") and _GUARDED.search(
                    function.name
                ):
                    return f"{item.module.at(function.line)}: {function.name} may refuse a probe"
        return ""

    def _add(self, prefix: str, path: str, where: str, guard: str) -> None:
        full = _join(prefix, path)
        if guard:
            if best_health([Known(full, where)]) is not None:
                self.guarded.append(f"{full} ({where}): {guard}")
        else:
            self.found.append(Known(full, where))

    def _text(self, item: Object, value: Expr | None) -> str | None:
        found = self.modules.constant(item.module, item.function, value)
        return found.value if isinstance(found, Str) else None

    def _decorated(self, item: Object, function: Function, prefix: str, guard: str) -> None:
        for decorator in function.decorators:
            if not isinstance(decorator, Call) or not decorator.name.startswith(item.name + "."):
                continue
            verb = decorator.name[len(item.name) + 1 :]
            if verb not in _READS or not self._answers_get(decorator, 1 if verb == "route" else None):
                continue
            path = self._text(item, decorator.positional[0] if decorator.positional else None)
            for name in ("path", "rule", "uri"):
                path = path if path is not None else self._text(item, decorator.keyword(name))
            if path is None:
                continue
            where = item.module.at(function.line)
            self._add(
                prefix, path, where, guard or self._guard_of(decorator, where) or self._function_guard(function, where)
            )

    def _function_guard(self, function: Function, where: str) -> str:
        for decorator in function.decorators:
            name = (
                decorator.value
                if isinstance(decorator, Name)
                else decorator.name
                if isinstance(decorator, Call)
                else ""
            )
            if _GUARDED.search(name.rsplit(".", 1)[-1]):
                return f"{where}: {name} may refuse a probe"
        for param, default in function.params:
            if isinstance(default, Call) and default.name.rsplit(".", 1)[-1] in ("Depends", "Security"):
                target = default.positional[0] if default.positional else None
                name = target.value if isinstance(target, Name) else param
                if default.name.endswith("Security") or _GUARDED.search(name) or _GUARDED.search(param):
                    return f"{where}: it depends on {name}"
        return ""

    def _answers_get(self, call: Call, position: int | None) -> bool:
        methods = call.keyword("methods") or (
            call.positional[position] if position is not None and position < len(call.positional) else None
        )
        return not isinstance(methods, Seq) or any(one in (Str("GET"), Str("get")) for one in methods.items)

    def _call(self, item: Object, call: Call, prefix: str, guard: str, depth: int) -> None:
        if not call.name.startswith(item.name + "."):
            self._helper(item, call, prefix, guard, depth)
            return
        method = call.name[len(item.name) + 1 :]
        where = item.module.at(call.line)
        if method in ("include_router", "register_blueprint", "blueprint", "include_routers"):
            given = call.keyword("prefix") if method == "include_router" else call.keyword("url_prefix")
            self._include(
                item, call.argument(0, "router"), given, prefix, guard or self._guard_of(call, where), depth, where
            )
        elif method in ("mount", "add_subapp"):
            path = self._text(item, call.argument(0, "path") or call.argument(0, "prefix"))
            if path is not None:
                self._include(item, call.argument(1, "app"), None, _join(prefix, path), guard, depth, where)
        elif method in ("add_api_route", "add_url_rule"):
            path = self._text(item, call.argument(0, "path") or call.argument(0, "rule"))
            if path is not None and self._answers_get(call, None):
                self._add(prefix, path, where, guard or self._guard_of(call, where))
        elif method == "add_route":
            # Starlette has the path first, Sanic the handler.
            for value in (call.argument(0, "path"), call.argument(1, "uri")):
                path = self._text(item, value) if isinstance(value, Str | Name) else None
                if path is not None and path.startswith("/") and self._answers_get(call, 2):
                    self._add(prefix, path, where, guard)
                    break
        elif method == "router.add_get":
            path = self._text(item, call.argument(0, "path"))
            if path is not None:
                self._add(prefix, path, where, guard)
        elif method == "router.add_route":
            path = self._text(item, call.argument(1, "path"))
            if path is not None and call.argument(0, "method") in (Str("GET"), Str("*")):
                self._add(prefix, path, where, guard)
        elif method in ("add_routes", "router.add_routes"):
            self._route_list(item, call.argument(0, "routes"), prefix, guard, depth)

    def _helper(self, item: Object, call: Call, prefix: str, guard: str, depth: int) -> None:
        """A call of a function of the project that is handed the object: ``register_routes(app)``."""
        for position, value in enumerate(call.positional):
            if value == Name(item.name) and call.name:
                found = self.modules.lookup(item.module, item.function, call.name)
                function = found.scope.function(found.name) if found is not None else None
                if found is not None and function is not None and position < len(function.params):
                    self.collect(Object(found.module, function, function.params[position][0]), prefix, guard, depth + 1)

    def _include(
        self, item: Object, value: Expr | None, given: Expr | None, prefix: str, guard: str, depth: int, where: str
    ) -> None:
        if isinstance(value, Call):
            # ``include_router(make_router())``, ``mount("/x", StaticFiles(…))``
            target = self._made_by(item, value)
        else:
            target = self.modules.lookup(item.module, item.function, value.value) if isinstance(value, Name) else None
        if target is None:
            if isinstance(value, Name):
                self.lost.append(f"{where}: {value.value} is not found in the project")
            return
        own = target.scope.value(target.name)
        constructor = own.value if own is not None and isinstance(own.value, Call) else None
        text: str | None = ""
        if given is not None:
            text = self._text(item, given)
        inner: str | None = ""
        if constructor is not None:
            kept = constructor.keyword("prefix") or constructor.keyword("path")
            replaced = constructor.keyword("url_prefix")
            if kept is not None:
                inner = self._text(target, kept)
            elif replaced is not None and given is None:
                inner = self._text(target, replaced)  # Flask and Sanic: the one given on registration wins
        if text is None or inner is None:
            self.lost.append(f"{where}: the prefix is no text")
            return
        self.collect(target, _join(_join(prefix, text), inner), guard, depth + 1)

    def _made_by(self, item: Object, call: Call) -> Object | None:
        found = self.modules.lookup(item.module, item.function, call.name) if call.name else None
        function = found.scope.function(found.name) if found is not None else None
        if found is None or function is None:
            return None
        for value in reversed(function.body.returns):
            if isinstance(value, Name):
                return Object(found.module, function, value.value)
        return None

    def _constructor(self, item: Object, call: Call, prefix: str, guard: str, depth: int) -> None:
        """Routes given to the constructor: Starlette's ``routes``, Litestar's ``route_handlers``."""
        self._route_list(item, call.keyword("routes"), prefix, guard, depth)
        handlers = self.modules.constant(item.module, item.function, call.keyword("route_handlers"))
        for value in handlers.items if isinstance(handlers, Seq) else ():
            if isinstance(value, Name):
                self._handler(item, value.value, prefix, guard, depth)
            elif isinstance(value, Call) and value.name.endswith("Router"):
                path = self._text(item, value.keyword("path")) or ""
                inner = Object(item.module, item.function, "")
                self._constructor(
                    inner,
                    value,
                    _join(prefix, path),
                    guard or self._guard_of(value, item.module.at(value.line)),
                    depth + 1,
                )

    def _handler(self, item: Object, name: str, prefix: str, guard: str, depth: int) -> None:
        found = self.modules.lookup(item.module, item.function, name)
        if found is None:
            self.lost.append(f"{item.module.name}: {name} is not found in the project")
            return
        function = found.scope.function(found.name)
        if function is not None:
            self._litestar(found, function, prefix, guard)
            return
        for one in found.scope.classes:
            if one.name == found.name:
                path = one.body.value("path")
                base = self._text(found, path.value) if path is not None else ""
                guards = one.body.value("guards")
                for method in one.body.functions:
                    self._litestar(
                        found,
                        method,
                        _join(prefix, base or ""),
                        guard or (f"{found.module.at(one.line)}: guards" if guards else ""),
                    )
                return
        made = found.scope.value(found.name)
        if made is not None and isinstance(made.value, Call):
            path_ = self._text(found, made.value.keyword("path")) or ""
            self._constructor(found, made.value, _join(prefix, path_), guard, depth + 1)

    def _litestar(self, item: Object, function: Function, prefix: str, guard: str) -> None:
        for decorator in function.decorators:
            call = decorator if isinstance(decorator, Call) else None
            name = call.name if call is not None else decorator.value if isinstance(decorator, Name) else ""
            if self.modules.origin(item.module, item.module.scope, name) not in (
                "litestar.get",
                "litestar.handlers.get",
            ):
                continue
            path: str | None = ""
            if call is not None and (call.positional or call.keyword("path") is not None):
                path = self._text(item, call.argument(0, "path"))
            if path is not None:
                where = item.module.at(function.line)
                self._add(prefix, path, where, guard or (self._guard_of(call, where) if call is not None else ""))

    def _route_list(self, item: Object, value: Expr | None, prefix: str, guard: str, depth: int) -> None:
        """Starlette's and aiohttp's lists of routes."""
        if isinstance(value, Name):
            found = self.modules.lookup(item.module, item.function, value.value)
            made = found.scope.value(found.name) if found is not None else None
            if found is None or made is None:
                return
            if isinstance(made.value, Call):  # aiohttp's RouteTableDef
                self.collect(found, prefix, guard, depth + 1)
                return
            item, value = Object(found.module, found.function, item.name), made.value
        for one in value.items if isinstance(value, Seq) else ():
            if not isinstance(one, Call):
                continue
            kind = one.name.rsplit(".", 1)[-1]
            path = self._text(item, one.argument(0, "path"))
            if path is None:
                continue
            where = item.module.at(one.line)
            if kind == "get" or (kind == "Route" and self._answers_get(one, None)):
                self._add(prefix, path, where, guard)
            elif kind == "Mount":
                inner = one.keyword("routes")
                if inner is not None:
                    self._route_list(item, inner, _join(prefix, path), guard, depth + 1)
                else:
                    self._include(item, one.argument(1, "app"), None, _join(prefix, path), guard, depth, where)


def _join(prefix: str, path: str) -> str:
    if not path:
        return prefix
    return prefix.rstrip("/") + "/" + path.lstrip("/") if prefix or not path.startswith("/") else path


class _Server(NamedTuple):
    name: str
    app: str | None  #: ``module:attr`` as given on the command line
    port: Known[int] | Unknown
    factory: bool = False
    start: Object | None = None  #: the object handed to a server in code


class PythonReader:
    """Reads the facts of the Python application a launch starts."""

    def __init__(self, context: Context, files: ImageFiles, stage: Stage, launch: Launch) -> None:
        self.context = context
        self.files = files
        self.stage = stage
        self.launch = launch
        roots = [launch.cwd]
        for part in (launch.env.get("PYTHONPATH") or "").split(":"):
            if part:
                roots.append(posixpath.normpath(posixpath.join(launch.cwd, part)))
        roots.append(posixpath.join(launch.cwd, "src"))
        self.modules = Modules(context, files, stage, tuple(roots))

    def read(self) -> PythonFacts:
        server = self._server()
        if isinstance(server, Unknown):
            return PythonFacts(server, server, server, server, server)
        evidence = self.launch.evidence
        name: Known[str] | Unknown = Known(server.name, evidence)
        target = server.start or self._target(server)
        if isinstance(target, Unknown):
            return PythonFacts(target, name, target, server.port, target)
        framework = self._framework(target)
        spelled = server.app or f"{target.module.dotted}:{target.name}"
        where = Known(spelled, target.module.name)
        health = self._health(target, framework)
        return PythonFacts(framework, name, where, server.port, health)

    # -- the command

    def _server(self) -> _Server | Unknown:
        argv = self.launch.argv
        program = self.launch.program
        options, operands = _options(argv[1:])
        tls = sorted(
            {"--ssl-keyfile", "--ssl-certfile", "--certfile", "--keyfile", "--cert", "--ssl-certificate"} & set(options)
        )
        sockets = (
            sorted({"--uds", "--fd", "--unix-socket", "-u"} & set(options))
            if program in ("uvicorn", "daphne", "granian")
            else []
        )
        if tls or sockets:
            return Unknown(f"{self.launch.evidence}: with {(tls or sockets)[0]} it answers no plain HTTP on a port")
        if program == "uvicorn":
            if "--app-dir" in options:
                self._add_root(options["--app-dir"])
            factory = "--factory" in options
            return _Server(
                "uvicorn",
                _first(operands),
                self._port(options.get("--port") or self._variable("UVICORN_PORT"), 8000),
                factory,
            )
        if program in ("gunicorn", "hypercorn"):
            return self._bound(program, options, operands)
        if program == "daphne":
            return _Server("daphne", _first(operands), self._port(options.get("-p", options.get("--port")), 8000))
        if program == "granian":
            port = options.get("--port") or self._variable("GRANIAN_PORT")
            return _Server("granian", _first(operands), self._port(port, 8000), "--factory" in options)
        if program == "waitress-serve":
            port = options.get("--port") or (options.get("--listen") or "").rpartition(":")[2] or None
            app = options.get("--app") or _first(operands)
            return _Server("waitress", app, self._port(port, 8080), "--call" in options)
        if program == "sanic":
            return _Server(
                "sanic",
                _first(operands),
                self._port(options.get("-p", options.get("--port")), 8000),
                "--factory" in options,
            )
        if program == "litestar" and operands[:1] == ("run",):
            app = options.get("--app") or self._variable("LITESTAR_APP")
            return _Server(
                "uvicorn",
                app or self._found("app.py", "asgi.py"),
                self._port(options.get("-p", options.get("--port")), 8000),
            )
        if program == "flask" and "run" in operands:
            app = (
                options.get("-A")
                or options.get("--app")
                or self._variable("FLASK_APP")
                or self._found("app.py", "wsgi.py")
            )
            port = options.get("-p") or options.get("--port") or self._variable("FLASK_RUN_PORT")
            return _Server("flask", app, self._port(port, 5000))
        if program == "fastapi" and operands[:1] in (("run",), ("dev",)):
            path = (
                operands[1]
                if len(operands) > 1
                else self._found("main.py", "app.py", "api.py", "app/main.py", "app/app.py", "app/api.py")
            )
            port = options.get("--port") or self._variable("PORT")
            if path is not None:
                self.modules.roots += (posixpath.dirname(posixpath.join(self.launch.cwd, path)),)
            return _Server("uvicorn", path, self._port(port, 8000))
        if program == "streamlit" and operands[:1] == ("run",):
            return Unknown("streamlit serves its own page, no app object")
        if program in ("celery", "rq", "dramatiq", "huey_consumer", "arq"):
            return Unknown(f"{program} is a worker: it answers on no port")
        if re.fullmatch(r"python[\d.]*", program):
            return self._python(argv[1:])
        return Unknown(f"{self.launch.evidence} starts {program}, which is no Python server that dockopt knows")

    def _variable(self, name: str) -> str | None:
        return self.launch.env.get(name)

    def _found(self, *names: str) -> str | None:
        return next(
            (name for name in names if self.files.find(posixpath.join(self.launch.cwd, name), self.stage)), None
        )

    def _add_root(self, folder: str | None) -> None:
        if folder:
            self.modules.roots = (posixpath.normpath(posixpath.join(self.launch.cwd, folder)), *self.modules.roots)

    def _port(self, text: str | None, default: int) -> Known[int] | Unknown:
        if text is None:
            return Known(default, f"{self.launch.evidence}, where {default} is the server's default")
        port = valid_port(text)
        if port is None:
            return Unknown(f"{self.launch.evidence}: the port {text} is not known before the run")
        return Known(port, self.launch.evidence)

    def _bound(self, program: str, options: dict[str, str | None], operands: tuple[str, ...]) -> _Server | Unknown:
        bind = options.get("-b", options.get("--bind"))
        app = _first(operands)
        if "--chdir" in options:
            self._add_root(options["--chdir"])
        config = options.get("-c", options.get("--config"))
        if program == "gunicorn" and (bind is None or app is None):
            found = self._gunicorn_config(config)
            if isinstance(found, Unknown):
                return found
            bind, app = bind or found.get("bind"), app or found.get("wsgi_app")
        elif program == "hypercorn" and bind is None and config is not None:
            return Unknown(f"hypercorn's bind is in {config}, which dockopt does not read")
        if bind is None and program == "gunicorn" and "PORT" in self.launch.env:
            return _Server(program, app, self._port(self.launch.env["PORT"] or "$PORT", 8000))
        if bind is not None and bind.startswith(("unix:", "fd://")):
            return _Server(program, app, Unknown(f"{self.launch.evidence} binds to {bind}, no TCP port"))
        port = bind.rpartition(":")[2] if bind is not None and ":" in bind else None
        return _Server(program, app, self._port(port, 8000))

    def _gunicorn_config(self, given: str | None) -> dict[str, str] | Unknown:
        name = (given or "gunicorn.conf.py").removeprefix("file:")
        found = self.files.find(posixpath.join(self.launch.cwd, name), self.stage)
        if found is None:
            return {} if given is None else Unknown(f"gunicorn's configuration {name} is not in the build context")
        module = self.modules.read("gunicorn_conf", found, False)
        if isinstance(module, Unknown):
            return module
        values: dict[str, str] = {}
        for key in ("bind", "wsgi_app"):
            assign = module.scope.value(key)
            if assign is None:
                continue
            text = self._string(module, assign.value)
            if text is None:
                return Unknown(f"{module.at(assign.line)}: {key} is an expression dockopt does not evaluate")
            values[key] = text
        return values

    def _python(self, words: tuple[str, ...]) -> _Server | Unknown:
        if words[:1] == ("-m",) and len(words) > 1:
            if words[1] == "http.server":
                return Unknown("python -m http.server serves files, no application")
            module = self.modules.load(words[1] + ".__main__")
            if isinstance(module, Unknown):
                module = self.modules.load(words[1])
            arguments = words[2:]
        elif words and words[0].endswith(".py"):
            name = self.files.find(posixpath.join(self.launch.cwd, words[0]), self.stage)
            if name is None:
                return Unknown(f"{self.launch.evidence} runs {words[0]}, which is no file of the build context")
            self._add_root(posixpath.dirname(posixpath.join(self.launch.cwd, words[0])))
            dotted = posixpath.basename(words[0]).removesuffix(".py")
            module, arguments = self.modules.read(dotted, name, False), words[1:]
            if posixpath.basename(words[0]) == "manage.py" and arguments[:1] == ("runserver",):
                return self._runserver(arguments[1:])
        else:
            return Unknown(f"{self.launch.evidence} starts Python without a file or module of the project")
        if isinstance(module, Unknown):
            return module
        return self._self_started(module)

    def _runserver(self, arguments: tuple[str, ...]) -> _Server:
        address = next((word for word in arguments if not word.startswith("-")), None)
        return _Server("runserver", None, self._port(address.rpartition(":")[2] if address else None, 8000))

    def _self_started(self, module: Module) -> _Server | Unknown:
        """The server a module starts when it is run: at its top, under ``__main__``, or in a function called there."""
        places: list[tuple[Module, Function | None, Scope]] = [(module, None, module.scope)]
        for statement in module.scope.calls:
            if statement.guard == "if":
                continue
            call = statement.call
            if call.name in ("asyncio.run", "anyio.run", "trio.run") and call.positional:
                first = call.positional[0]
                name = first.name if isinstance(first, Call) else first.value if isinstance(first, Name) else ""
            else:
                name = call.name
            found = self.modules.lookup(module, None, name) if name else None
            function = found.scope.function(found.name) if found is not None else None
            if found is not None and function is not None:
                places.append((found.module, function, function.body))
        for where, function, scope in places:
            for statement in scope.calls:
                if statement.guard != "if":
                    server = self._started(where, function, statement.call)
                    if server is not None:
                        return server
        return Unknown(f"{module.name} starts no server that dockopt knows")

    def _started(self, module: Module, function: Function | None, call: Call) -> _Server | None:
        scope = function.body if function is not None else module.scope
        origin = self.modules.origin(module, scope, call.name)
        where = module.at(call.line)
        if any(call.keyword(name) is not None for name in ("ssl_keyfile", "ssl_certfile", "ssl_context", "uds", "fd")):
            return _Server(origin, None, Unknown(f"{where}: it answers no plain HTTP on a port"))
        if origin in ("uvicorn.run", "uvicorn.main.run"):
            port = self._number(module, function, call.keyword("port"), 8000, where)
            return self._served("uvicorn", module, function, call.argument(0, "app"), port, call)
        if origin in ("waitress.serve", "aiohttp.web.run_app", "hypercorn.run"):
            port = self._number(module, function, call.keyword("port"), 8080, where)
            if (
                call.keyword("listen") is not None
                or call.keyword("path") is not None
                or call.keyword("sock") is not None
            ):
                port = Unknown(f"{where}: it listens on what dockopt does not read")
            return self._served(origin.split(".")[0], module, function, call.argument(0, "app"), port, call)
        head, _, method = call.name.rpartition(".")
        if method != "run" or not head:
            return None
        found = self.modules.lookup(module, function, head)
        if found is None:
            return None
        made = self._origin_of(found)
        if made in ("flask.Flask", "quart.Quart", "sanic.Sanic"):
            default = 8000 if made == "sanic.Sanic" else 5000
            given = call.keyword("port") or (call.positional[1] if len(call.positional) > 1 else None)
            port = self._number(module, function, given, default, where)
            return _Server(made.split(".")[0], None, port, False, found)
        if made == "flask_socketio.SocketIO":
            port = self._number(module, function, call.keyword("port"), 5000, where)
            return self._served("socketio", module, function, call.argument(0, "app"), port, call)
        return None

    def _served(
        self,
        name: str,
        module: Module,
        function: Function | None,
        app: Expr | None,
        port: Known[int] | Unknown,
        call: Call,
    ) -> _Server:
        factory = call.keyword("factory") == Name("True")
        if isinstance(app, Str):
            return _Server(name, app.value, port, factory)
        found = self.modules.lookup(module, function, app.value) if isinstance(app, Name) else None
        if isinstance(app, Call) and app.name:
            found = self.modules.lookup(module, function, app.name)
            found = self._factory(found) or found
        return _Server(name, None, port, factory, found)

    def _number(
        self, module: Module, function: Function | None, value: Expr | None, default: int, where: str
    ) -> Known[int] | Unknown:
        if value is None:
            return Known(default, f"{where}, where {default} is the server's default")
        text = self._value(module, function, value, 0)
        port = valid_port(text)
        return (
            Known(port, where)
            if port is not None
            else Unknown(f"{where}: the port is an expression dockopt does not evaluate")
        )

    def _value(self, module: Module, function: Function | None, value: Expr | None, depth: int) -> str | None:
        """A text or number: literals, names with one value, ``os.getenv`` with the image's environment."""
        if depth > 6 or value is None:
            return None
        if isinstance(value, Int):
            return str(value.value)
        if isinstance(value, Str):
            return value.value
        if isinstance(value, Or):
            left = self._value(module, function, value.left, depth + 1)
            return left if left is not None else self._value(module, function, value.right, depth + 1)
        if isinstance(value, Item):
            if (
                isinstance(value.value, Name)
                and self._origin(module, function, value.value.value) == "os.environ"
                and isinstance(value.key, Str)
            ):
                return self.launch.env.get(value.key.value)
            return None
        if isinstance(value, Call):
            origin = self._origin(module, function, value.name)
            if value.name in ("int", "str") and len(value.args) == 1:
                return self._value(module, function, value.args[0][1], depth + 1)
            if origin in ("os.getenv", "os.environ.get") and value.positional and isinstance(value.positional[0], Str):
                name = value.positional[0].value
                if name in self.launch.env:
                    return self.launch.env[name]
                return self._value(module, function, value.argument(1, "default"), depth + 1)
            return None
        if isinstance(value, Name):
            found = self.modules.lookup(module, function, value.value)
            if found is None:
                return None
            assigns = [one for one in found.scope.assigns if one.target == found.name]
            if len(assigns) != 1 or assigns[0].guard == "if":
                return None
            return self._value(found.module, found.function, assigns[0].value, depth + 1)
        return None

    def _string(self, module: Module, value: Expr) -> str | None:
        return self._value(module, None, value, 0)

    def _origin(self, module: Module, function: Function | None, name: str) -> str:
        return self.modules.origin(module, function.body if function is not None else module.scope, name)

    # -- the app object

    def _target(self, server: _Server) -> Object | Unknown:
        if server.name == "runserver":
            return self._django_project()
        if server.app is None:
            return Unknown(f"{self.launch.evidence} does not name the app")
        module_name, _, attribute = server.app.partition(":")
        if module_name.endswith(".py"):
            module_name = module_name.removesuffix(".py").replace("/", ".").lstrip(".")
        if "$" in server.app:
            return Unknown(f"{self.launch.evidence}: the app {server.app} is not known before the run")
        module = self.modules.load(module_name)
        if isinstance(module, Unknown):
            return module
        name = attribute.partition("(")[0]
        if not name:
            name = next(
                (
                    one
                    for one in ("app", "application", "create_app", "make_app")
                    if self.modules.lookup(module, None, one)
                ),
                "",
            )
        found = self.modules.lookup(module, None, name) if name else None
        if found is None:
            return Unknown(f"{module.name} has no {attribute or 'app'}")
        return self._settle(found)

    def _settle(self, found: Object) -> Object | Unknown:
        """Through factories and wrappers to the variable that holds the application."""
        for _ in range(6):
            made = self._factory(found)
            if made is not None:
                found = made
                continue
            assign = found.scope.value(found.name)
            if assign is None or not isinstance(assign.value, Call):
                return found
            if self._origin(found.module, found.function, assign.value.name) in _FRAMEWORKS:
                return found
            other = self.modules.lookup(found.module, found.function, assign.value.name) if assign.value.name else None
            if other is not None and other.scope.function(other.name) is not None:
                found = other
                continue
            return found
        return found

    def _factory(self, found: Object | None) -> Object | None:
        function = found.scope.function(found.name) if found is not None else None
        if found is None or function is None or found.scope.value(found.name) is not None:
            return None
        for value in reversed(function.body.returns):
            if isinstance(value, Name):
                return Object(found.module, function, value.value)
        return None

    def _origin_of(self, item: Object) -> str:
        assign = item.scope.value(item.name)
        if assign is None or not isinstance(assign.value, Call):
            return ""
        return self._origin(item.module, item.function, assign.value.name)

    def _framework(self, target: Object) -> Known[str] | Unknown:
        if target.name == "urlpatterns":
            return Known("django", target.module.name)
        origin = self._origin_of(target)
        framework = _FRAMEWORKS.get(origin)
        if framework is None:
            return Unknown(
                f"{target.module.name}: {target.name} is made by {origin or 'an expression'}, no framework that dockopt knows"
            )
        assign = target.scope.value(target.name)
        return Known(framework, target.module.at(assign.line if assign is not None else 1))

    def _health(self, target: Object, framework: Known[str] | Unknown) -> Known[str] | Unknown:
        if isinstance(framework, Unknown):
            return framework
        if framework.value == "django":
            return self._django_health(target)
        routes = _Routes(self.modules)
        made = target.scope.value(target.name)
        prefix = ""
        if framework.value == "litestar" and made is not None and isinstance(made.value, Call):
            path = self.modules.constant(target.module, target.function, made.value.keyword("path"))
            prefix = path.value if isinstance(path, Str) else ""
        routes.collect(target, prefix, "")
        return self._chosen(routes.found, routes.guarded, routes.lost)

    def _chosen(self, found: list[Known[str]], guarded: list[str], lost: list[str]) -> Known[str] | Unknown:
        best = best_health(found)
        if best is not None:
            return best
        if guarded:
            return Unknown(f"a health route is there, but not open to a probe: {guarded[0]}")
        if self.modules.unread:
            return Unknown(f"no health route was found, and {self.modules.unread[0]}")
        if lost:
            return Unknown(f"no health route was found, and {lost[0]}")
        return Unknown("the application has no route by a name like /health, /healthz, /ready or /ping")

    # -- Django

    def _settings_name(self, module: Module | None) -> str | None:
        given = self.launch.env.get("DJANGO_SETTINGS_MODULE")
        if given:
            return given
        name = self.files.find(posixpath.join(self.launch.cwd, "manage.py"), self.stage)
        manage = self.modules.read("manage", name, False) if name is not None else None
        for one in (module, manage):
            if not isinstance(one, Module):
                continue
            for scope in (one.scope, *[function.body for function in one.scope.functions]):
                for statement in scope.calls:
                    call = statement.call
                    if call.name == "os.environ.setdefault" and call.positional[:1] == (Str("DJANGO_SETTINGS_MODULE"),):
                        value = call.positional[1] if len(call.positional) > 1 else None
                        return value.value if isinstance(value, Str) else None
        return None

    def _django_project(self, module: Module | None = None) -> Object | Unknown:
        settings = self._settings(module)
        if isinstance(settings, Unknown):
            return settings
        root = self._setting(settings, "ROOT_URLCONF")
        if not isinstance(root, Str):
            return Unknown(f"{settings.name}: ROOT_URLCONF is no text")
        urls = self.modules.load(root.value)
        return urls if isinstance(urls, Unknown) else Object(urls, None, "urlpatterns")

    def _settings(self, module: Module | None) -> Module | Unknown:
        name = self._settings_name(module)
        if name is None:
            return Unknown("which Django settings module runs is not known")
        return self.modules.load(name)

    def _setting(self, settings: Module, name: str) -> Expr | None:
        found = self.modules.lookup(settings, None, name)
        assigns = [one for one in found.scope.assigns if one.target == name] if found is not None else []
        return assigns[0].value if len(assigns) == 1 and not assigns[0].guard else None

    def _django_health(self, target: Object) -> Known[str] | Unknown:
        module = target.module if target.name != "urlpatterns" else None
        settings = self._settings(module)
        urls = self._django_project(module)
        if isinstance(settings, Unknown) or isinstance(urls, Unknown):
            return settings if isinstance(settings, Unknown) else urls if isinstance(urls, Unknown) else Unknown("")
        hosts = self._setting(settings, "ALLOWED_HOSTS")
        if not isinstance(hosts, Seq) or not {Str("*"), Str("localhost"), Str("127.0.0.1")} & set(hosts.items):
            return Unknown(
                f"{settings.name}: ALLOWED_HOSTS is not seen to let localhost in: Django would answer a probe with 400"
            )
        if {Str("*"), Str("localhost")} & set(hosts.items) == set():
            return Unknown(f"{settings.name}: ALLOWED_HOSTS has 127.0.0.1 and not localhost")
        redirect = self.modules.lookup(settings, None, "SECURE_SSL_REDIRECT")
        if redirect is not None and self._setting(settings, "SECURE_SSL_REDIRECT") != Name("False"):
            return Unknown(f"{settings.name}: SECURE_SSL_REDIRECT may answer a probe with a redirect")
        found: list[Known[str]] = []
        lost: list[str] = []
        self._urls(urls, "/", found, lost, 0)
        return self._chosen(found, [], lost)

    def _urls(self, item: Object, prefix: str, found: list[Known[str]], lost: list[str], depth: int) -> None:
        if depth > _MAX_DEPTH:
            return
        for assign in item.scope.assigns:
            if assign.target == item.name and assign.guard != "if":
                self._patterns(item.module, assign.value, prefix, found, lost, depth)

    def _patterns(
        self, module: Module, value: Expr, prefix: str, found: list[Known[str]], lost: list[str], depth: int
    ) -> None:
        if isinstance(value, Add):
            self._patterns(module, value.left, prefix, found, lost, depth)
            self._patterns(module, value.right, prefix, found, lost, depth)
            return
        for call in value.items if isinstance(value, Seq) else ():
            if not isinstance(call, Call) or call.name.rsplit(".", 1)[-1] != "path" or not call.positional:
                continue
            route = call.positional[0]
            if not isinstance(route, Str):
                continue
            view = call.argument(1, "view")
            if isinstance(view, Call) and view.name.rsplit(".", 1)[-1] == "include" and view.positional:
                self._included(module, view.positional[0], prefix + route.value, found, lost, depth, call.line)
                continue
            named = view.name if isinstance(view, Call) else view.value if isinstance(view, Name) else ""
            if not _GUARDED.search(named.rsplit(".", 1)[-1]):
                found.append(Known(prefix + route.value, module.at(call.line)))

    def _included(
        self, module: Module, value: Expr, prefix: str, found: list[Known[str]], lost: list[str], depth: int, line: int
    ) -> None:
        if isinstance(value, Seq) and value.items:
            value = value.items[0]
        if isinstance(value, Str):
            other = self.modules.load(value.value)
            if isinstance(other, Module):
                self._urls(Object(other, None, "urlpatterns"), prefix, found, lost, depth + 1)
            elif value.value == "health_check.urls":
                # django-health-check's own documentation mounts its one view at the included path.
                found.append(Known(prefix, module.at(line)))
        elif isinstance(value, Name):
            target = self.modules.lookup(module, None, value.value)
            if target is not None:
                self._urls(target, prefix, found, lost, depth + 1)
            else:
                lost.append(f"{module.at(line)}: {value.value} is not found in the project")


# Flags of the servers that take no value.
_BARE = frozenset(
    (
        "--factory", "--reload", "--proxy-headers", "--no-access-log", "--access-log", "--preload", "--daemon", "--check-config", "--debug",
        "--no-server-header", "--use-colors", "--no-use-colors", "--capture-output", "--enable-stdio-inheritance", "--statsd", "--call",
        "--expose-tracebacks", "--no-expose-tracebacks", "--with-threads", "--without-threads", "--no-reload", "--no-debugger",
        "--fast", "--single-process", "--dev", "--noload", "--nothreading", "--noreload", "--no-proxy-headers",
    )
)  # fmt: skip


def _options(words: tuple[str, ...]) -> tuple[dict[str, str | None], tuple[str, ...]]:
    """Flags with their values, and what is no flag. Of a flag given twice the last counts."""
    options: dict[str, str | None] = {}
    operands: list[str] = []
    index = 0
    while index < len(words):
        word = words[index]
        index += 1
        if not word.startswith("-") or word == "-":
            operands.append(word)
        elif word.startswith("--"):
            name, equals, value = word.partition("=")
            if equals:
                options[name] = value
            elif name in _BARE or index >= len(words):
                options[name] = None
            else:
                options[name] = words[index]
                index += 1
        elif len(word) > 2:
            options[word[:2]] = word[2:].removeprefix("=")
        elif index < len(words):
            options[word] = words[index]
            index += 1
        else:
            options[word] = None
    return options, tuple(operands)


def _first(operands: tuple[str, ...]) -> str | None:
    return operands[0] if operands else None
