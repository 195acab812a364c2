"""The modules of a Python project as an import in the container finds them, and what names in them stand for."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import NamedTuple

from dockopt.facts.app.launch import ImageFiles
from dockopt.facts.app.pysource import Add, Call, Expr, Function, Name, Scope, SourceError, Str, parse
from dockopt.facts.context import Context
from dockopt.facts.stages import Stage
from dockopt.facts.value import Unknown

_MAX_MODULES = 60
MAX_DEPTH = 12


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


class Modules:
    """The modules of a project as an import in the container finds them."""

    def __init__(
        self,
        context: Context,
        files: ImageFiles,
        stage: Stage,
        roots: tuple[str, ...],
        env: Mapping[str, str | None],
    ) -> None:
        self.context = context
        self.env = env  #: the environment of the image
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
        if depth > MAX_DEPTH:
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
        found = self.lookup(module, function, value.value) or self._setting(module, function, value.value)
        if found is None:
            return None
        assigns = [one for one in found.scope.assigns if one.target == found.name]
        if len(assigns) != 1 or assigns[0].guard:
            return None
        return self.constant(found.module, found.function, assigns[0].value, depth + 1)

    def _setting(self, module: Module, function: Function | None, name: str) -> Object | None:
        """The attribute behind ``settings.API_PREFIX``, where ``settings`` is made of a class that has a default."""
        head, _, attribute = name.rpartition(".")
        found = self.lookup(module, function, head) if head else None
        for _ in range(4):
            if found is None:
                return None
            made = found.scope.value(found.name)
            maker = found.scope.function(found.name)
            if made is not None and isinstance(made.value, Call) and made.value.name and not made.value.args:
                found = self.lookup(found.module, found.function, made.value.name)
            elif maker is not None and len(maker.body.returns) == 1 and isinstance(maker.body.returns[0], Name):
                found = Object(found.module, maker, maker.body.returns[0].value)
            else:
                break
        if found is None:
            return None
        for one in found.scope.classes:
            # A function stands for the body of the class here: what is looked up in either is a scope.
            if one.name == found.name and one.body.value(attribute) is not None and not self._from_outside(attribute):
                body = Function(one.name, one.line, (), (), one.body, "")
                return Object(found.module, body, attribute)
        return None

    def _from_outside(self, attribute: str) -> bool:
        """Whether the image's environment, or a ``.env`` beside the sources, may set it: pydantic reads both."""
        wanted = attribute.upper()
        if any(name.upper().endswith(wanted) for name in self.env):
            return True
        for root in self.roots:
            name = self.files.find(posixpath.join(root, ".env"), self.stage)
            text = self.context.text(name) if name is not None else None
            if text is not None and (isinstance(text, Unknown) or wanted in text.value.upper()):
                return True
        return False
