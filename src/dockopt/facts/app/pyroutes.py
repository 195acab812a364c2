"""The paths a Python application answers GET on: through routers, blueprints, mounts, lists and helpers.

A route behind something that may refuse a probe is kept apart: its path is no proof that it answers.
"""

from __future__ import annotations

import re

from dockopt.facts.app.model import best_health
from dockopt.facts.app.pymodules import MAX_DEPTH, Modules, Object
from dockopt.facts.app.pysource import Call, Expr, Function, Name, Seq, Str
from dockopt.facts.value import Known

# A route behind one of these answers a probe with 401 or a redirect.
GUARDED = re.compile(r"auth|login|token|permission|require|api_?key|current_user|verify|jwt", re.I)
_GUARDING_MIDDLEWARE = re.compile(r"auth|login|httpsredirect|trustedhost|ipfilter|allowlist|whitelist", re.I)
_READS = frozenset(("get", "head", "route", "api_route"))


class Routes:
    """Collects the paths an application object answers GET on."""

    def __init__(self, modules: Modules) -> None:
        self.modules = modules
        self.found: list[Known[str]] = []
        self.guarded: list[str] = []  #: health routes that are there, with why they cannot be probed
        self.lost: list[str] = []  #: what could not be followed
        self._seen: set[tuple[str, str, str, str]] = set()

    def collect(self, item: Object, prefix: str, guard: str, depth: int = 0) -> None:
        key = (item.module.name, item.function.name if item.function is not None else "", item.name, prefix)
        if key in self._seen or depth > MAX_DEPTH:
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
                if name in (f"{item.name}.before_request", f"{item.name}.middleware") and GUARDED.search(function.name):
                    return f"{item.module.at(function.line)}: {function.name} may refuse a probe"
        return ""

    def _add(self, prefix: str, path: str, where: str, guard: str) -> None:
        full = join_path(prefix, path)
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
            if GUARDED.search(name.rsplit(".", 1)[-1]):
                return f"{where}: {name} may refuse a probe"
        for param, default in function.params:
            if isinstance(default, Call) and default.name.rsplit(".", 1)[-1] in ("Depends", "Security"):
                target = default.positional[0] if default.positional else None
                name = target.value if isinstance(target, Name) else param
                if default.name.endswith("Security") or GUARDED.search(name) or GUARDED.search(param):
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
                self._include(item, call.argument(1, "app"), None, join_path(prefix, path), guard, depth, where)
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
        self.collect(target, join_path(join_path(prefix, text), inner), guard, depth + 1)

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
                    join_path(prefix, path),
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
                        join_path(prefix, base or ""),
                        guard or (f"{found.module.at(one.line)}: guards" if guards else ""),
                    )
                return
        made = found.scope.value(found.name)
        if made is not None and isinstance(made.value, Call):
            path_ = self._text(found, made.value.keyword("path")) or ""
            self._constructor(found, made.value, join_path(prefix, path_), guard, depth + 1)

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
                    self._route_list(item, inner, join_path(prefix, path), guard, depth + 1)
                else:
                    self._include(item, one.argument(1, "app"), None, join_path(prefix, path), guard, depth, where)


def join_path(prefix: str, path: str) -> str:
    if not path:
        return prefix
    return prefix.rstrip("/") + "/" + path.lstrip("/") if prefix or not path.startswith("/") else path
