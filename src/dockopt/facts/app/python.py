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
from dockopt.facts.app.pymodules import MAX_DEPTH, Module, Modules, Object
from dockopt.facts.app.pyroutes import GUARDED, Routes
from dockopt.facts.app.pysource import Add, Call, Expr, Function, Int, Item, Name, Or, Scope, Seq, Str
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


class PythonFacts(NamedTuple):
    framework: Known[str] | Unknown
    server: Known[str] | Unknown
    app_object: Known[str] | Unknown
    port: Known[int] | Unknown
    health: Known[str] | Unknown


class _Server(NamedTuple):
    name: str
    app: str | None  #: ``module:attr`` as given on the command line
    port: Known[int] | Unknown
    factory: bool = False
    start: Object | None = None  #: the object handed to a server in code


def _split(app: str) -> tuple[str, str]:
    """Module and attribute of ``module:attribute``; the module may be written as a file."""
    module, _, attribute = app.partition(":")
    if module.endswith(".py"):
        module = module.removesuffix(".py").replace("/", ".").lstrip(".")
    return module, attribute


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
        self.modules = Modules(context, files, stage, tuple(roots), launch.env)

    def read(self) -> PythonFacts:
        server = self._server()
        if isinstance(server, Unknown):
            return PythonFacts(server, server, server, server, server)
        evidence = self.launch.evidence
        name: Known[str] | Unknown = Known(server.name, evidence)
        target = self._settle(server.start) if server.start is not None else self._target(server)
        if isinstance(target, Unknown):
            return PythonFacts(target, name, target, server.port, target)
        framework = self._framework(target)
        where = Known(self._spelled(server, server.start or target), target.module.name)
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
        # argparse takes the first letters of an option too: gunicorn has no other that begins with --con.
        config = next((value for name, value in options.items() if name == "-c" or name.startswith("--con")), None)
        config = config.strip() if config is not None else None
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
        settled = self._settle(found)
        made = self._origin_of(settled)
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

    def _spelled(self, server: _Server, target: Object) -> str:
        """The app as servers are told it: ``shop.main:app``, ``shop.main:create_app()``."""
        if server.app is None:
            return f"{target.module.dotted}:{target.name}"
        module_name, attribute = _split(server.app)
        if "(" in attribute:
            return f"{module_name}:{attribute}"
        found = self._named(server.app)
        name = attribute or (found.name if isinstance(found, Object) else "")
        function = isinstance(found, Object) and found.scope.function(found.name) is not None
        # Flask calls what is a function; the others have to be told to.
        return f"{module_name}:{name}{'()' if server.factory or (server.name == 'flask' and function) else ''}"

    def _target(self, server: _Server) -> Object | Unknown:
        if server.name == "runserver":
            return self._django_project()
        if server.app is None:
            return Unknown(f"{self.launch.evidence} does not name the app")
        found = self._named(server.app)
        return found if isinstance(found, Unknown) else self._settle(found)

    def _named(self, app: str) -> Object | Unknown:
        """What ``module:name`` or a module alone stands for."""
        module_name, attribute = _split(app)
        if "$" in app:
            return Unknown(f"{self.launch.evidence}: the app {app} is not known before the run")
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
        if not name:
            # Flask takes the one instance a module has, whatever its name.
            made = [
                one.target
                for one in module.scope.assigns
                if self._origin_of(Object(module, None, one.target)) in _FRAMEWORKS
            ]
            name = made[0] if len(set(made)) == 1 else ""
        found = self.modules.lookup(module, None, name) if name else None
        if found is None:
            return Unknown(f"{module.name} has no {attribute or 'app'}")
        return found

    def _settle(self, found: Object) -> Object:
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
        routes = Routes(self.modules)
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
        if depth > MAX_DEPTH:
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
            if not GUARDED.search(named.rsplit(".", 1)[-1]):
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
