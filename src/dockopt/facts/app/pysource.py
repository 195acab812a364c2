"""Python source as plain values. The only module that imports libcst, and only when a file is read.

The tree is reduced to what facts need: imports, assignments, calls, functions with their decorators,
classes. An expression that is no literal, name or call is :data:`OTHER`, from which nothing follows.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import libcst as cst


class Str(NamedTuple):
    value: str


class Int(NamedTuple):
    value: int


class Name(NamedTuple):
    """A dotted name: ``app``, ``os.environ``, ``self.app``."""

    value: str


class Call(NamedTuple):
    func: Expr
    args: tuple[tuple[str, Expr], ...]  #: keyword (empty for a positional one, ``*`` for an unpacked one) and value
    line: int

    @property
    def name(self) -> str:
        """The function's dotted name, empty where it is an expression."""
        return self.func.value if isinstance(self.func, Name) else ""

    @property
    def positional(self) -> tuple[Expr, ...]:
        return tuple(value for key, value in self.args if not key)

    def keyword(self, name: str) -> Expr | None:
        for key, value in self.args:
            if key == name:
                return value
        return None

    def argument(self, position: int, name: str) -> Expr | None:
        """An argument given by position or by name."""
        plain = self.positional
        return plain[position] if position < len(plain) else self.keyword(name)


class Seq(NamedTuple):
    items: tuple[Expr, ...]


class Map(NamedTuple):
    items: tuple[tuple[Expr, Expr], ...]


class Item(NamedTuple):
    """A subscript: ``os.environ["PORT"]``."""

    value: Expr
    key: Expr


class Or(NamedTuple):
    """``a or b``."""

    left: Expr
    right: Expr


class Add(NamedTuple):
    """``a + b``, as Django's settings and URL lists are put together, and the parts of an f-string."""

    left: Expr
    right: Expr


class Other(NamedTuple):
    pass


OTHER = Other()
Expr = Str | Int | Name | Call | Seq | Map | Item | Or | Add | Other


#: The variable that stands for a call which is returned as it is; no identifier, so that none can be it.
RETURNED = "return"


class Assign(NamedTuple):
    target: str
    value: Expr
    line: int
    guard: str
    augmented: bool


class Statement(NamedTuple):
    """A call that stands by itself, or on the right of an assignment."""

    call: Call
    line: int
    guard: str  #: ``main`` under ``if __name__ == "__main__"``, ``if`` under another condition, else empty


class Function(NamedTuple):
    name: str
    line: int
    decorators: tuple[Expr, ...]
    params: tuple[tuple[str, Expr], ...]  #: name and default (OTHER for none)
    body: Scope
    guard: str


class Class(NamedTuple):
    name: str
    line: int
    decorators: tuple[Expr, ...]
    bases: tuple[Expr, ...]
    body: Scope


class Scope:
    """What one module, function or class body holds, in order; conditions and loops are entered."""

    __slots__ = ("assigns", "calls", "classes", "functions", "imports", "returns", "stars")

    def __init__(self) -> None:
        self.imports: dict[str, tuple[str, str]] = {}  #: local name -> module (dots kept), name in it or empty
        self.assigns: list[Assign] = []
        self.calls: list[Statement] = []
        self.functions: list[Function] = []
        self.classes: list[Class] = []
        self.returns: list[Expr] = []  #: :data:`RETURNED` where it is a call
        self.stars: list[str] = []  #: modules whose names are all imported

    def value(self, name: str) -> Assign | None:
        """The last assignment to a name that no condition guards, else any."""
        found = [one for one in self.assigns if one.target == name and not one.augmented]
        plain = [one for one in found if not one.guard]
        return (plain or found or [None])[-1]  # type: ignore[list-item]

    def function(self, name: str) -> Function | None:
        for one in reversed(self.functions):
            if one.name == name:
                return one
        return None


class SourceError(ValueError):
    """The text is no Python that libcst reads; the message has the line."""


@lru_cache(maxsize=128)
def parse(text: str) -> Scope:
    """Read a module; what comes out is never to be changed, for it is kept for the next who asks for the same text.

    :raises SourceError: for a syntax error.
    """
    import libcst as cst
    from libcst.metadata import MetadataWrapper, PositionProvider

    try:
        module = cst.parse_module(text)
        wrapper = MetadataWrapper(module, unsafe_skip_copy=True)
        positions = wrapper.resolve(PositionProvider)
    except cst.ParserSyntaxError as error:
        raise SourceError(f"line {error.raw_line}: syntax error") from error
    except (RecursionError, ValueError) as error:
        raise SourceError(f"it cannot be read: {type(error).__name__}") from error
    reader = _Reader(cst, positions)
    scope = Scope()
    reader.block(module.body, scope, "")
    return scope


class _Reader:
    def __init__(self, cst: Any, positions: Any) -> None:
        self.cst = cst
        self.positions = positions

    def _line(self, node: cst.CSTNode) -> int:
        return int(self.positions[node].start.line)

    def block(self, statements: Any, scope: Scope, guard: str) -> None:
        cst = self.cst
        for node in statements:
            if isinstance(node, cst.SimpleStatementLine):
                for small in node.body:
                    self._small(small, scope, guard)
            elif isinstance(node, cst.FunctionDef):
                scope.functions.append(self._function(node, guard))
                self._rebound(node.name.value, scope, guard)
            elif isinstance(node, cst.ClassDef):
                body = Scope()
                self.block(node.body.body, body, guard)
                bases = tuple(self.expression(arg.value) for arg in node.bases)
                scope.classes.append(Class(node.name.value, self._line(node), self._decorators(node), bases, body))
            elif isinstance(node, cst.If):
                self._if(node, scope, guard)
            elif isinstance(node, cst.Try | cst.TryStar):
                self._suite(node.body, scope, guard)
                for handler in node.handlers:
                    self._suite(handler.body, scope, guard or "if")
                for part in (node.orelse, node.finalbody):
                    if part is not None:
                        self._suite(part.body, scope, guard)
            elif isinstance(node, cst.With):
                self._suite(node.body, scope, guard)
            elif isinstance(node, cst.For | cst.While):
                self._suite(node.body, scope, guard or "if")

    def _suite(self, suite: Any, scope: Scope, guard: str) -> None:
        if isinstance(suite, self.cst.SimpleStatementSuite):
            for small in suite.body:
                self._small(small, scope, guard)
        else:
            self.block(suite.body, scope, guard)

    def _if(self, node: Any, scope: Scope, guard: str) -> None:
        inner = "main" if self._is_main(node.test) else (guard or "if")
        self._suite(node.body, scope, inner)
        other = node.orelse
        if isinstance(other, self.cst.If):
            self._if(other, scope, guard or "if")
        elif other is not None:
            self._suite(other.body, scope, guard or "if")

    def _is_main(self, test: Any) -> bool:
        cst = self.cst
        if not isinstance(test, cst.Comparison) or len(test.comparisons) != 1:
            return False
        sides = (self.expression(test.left), self.expression(test.comparisons[0].comparator))
        return set(sides) == {Name("__name__"), Str("__main__")}

    def _function(self, node: Any, guard: str) -> Function:
        body = Scope()
        self._suite(node.body, body, "")
        params = [*node.params.posonly_params, *node.params.params, *node.params.kwonly_params]
        read = tuple((p.name.value, self.expression(p.default) if p.default is not None else OTHER) for p in params)
        return Function(node.name.value, self._line(node), self._decorators(node), read, body, guard)

    def _decorators(self, node: Any) -> tuple[Expr, ...]:
        return tuple(self.expression(decorator.decorator) for decorator in node.decorators)

    def _small(self, node: Any, scope: Scope, guard: str) -> None:
        cst = self.cst
        if isinstance(node, cst.Import):
            for alias in node.names:
                dotted = self._dotted(alias.name)
                local = alias.asname.name.value if alias.asname is not None else dotted.split(".")[0]
                scope.imports[local] = (dotted if alias.asname is not None else dotted.split(".")[0], "")
        elif isinstance(node, cst.ImportFrom):
            module = "." * len(node.relative) + (self._dotted(node.module) if node.module is not None else "")
            if isinstance(node.names, cst.ImportStar):
                scope.stars.append(module)
            else:
                for alias in node.names:
                    name = self._dotted(alias.name)
                    local = alias.asname.name.value if alias.asname is not None else name
                    scope.imports[local] = (module, name)
        elif isinstance(node, cst.Assign):
            value = self.expression(node.value)
            for target in node.targets:
                self._assign(target.target, value, node, scope, guard)
            self._calls(value, scope, guard)
        elif isinstance(node, cst.AnnAssign) and node.value is not None:
            value = self.expression(node.value)
            self._assign(node.target, value, node, scope, guard)
            self._calls(value, scope, guard)
        elif isinstance(node, cst.AugAssign):
            self._assign(node.target, self.expression(node.value), node, scope, guard, augmented=True)
        elif isinstance(node, cst.Expr):
            self._calls(self.expression(node.value), scope, guard)
        elif isinstance(node, cst.Return) and node.value is not None:
            value = self.expression(node.value)
            if isinstance(value, Call):
                # ``return FastAPI()`` is as good as assigning it and returning that.
                scope.assigns.append(Assign(RETURNED, value, self._line(node), guard, False))
            scope.returns.append(Name(RETURNED) if isinstance(value, Call) else value)
            self._calls(value, scope, guard)

    def _assign(
        self, target: Any, value: Expr, node: Any, scope: Scope, guard: str, *, augmented: bool = False
    ) -> None:
        name = self.expression(target)
        if isinstance(name, Name):
            scope.assigns.append(Assign(name.value, value, self._line(node), guard, augmented))
            self._rebound(name.value, scope, guard)

    def _rebound(self, name: str, scope: Scope, guard: str) -> None:
        """``import app.models`` makes a name ``app`` too, which ``app = create_app()`` below takes over."""
        if not guard:
            scope.imports.pop(name, None)

    def _calls(self, value: Expr, scope: Scope, guard: str) -> None:
        if isinstance(value, Call):
            scope.calls.append(Statement(value, value.line, guard))
            for _, argument in value.args:
                if isinstance(argument, Call):
                    self._calls(argument, scope, guard)

    def _dotted(self, node: Any) -> str:
        if isinstance(node, self.cst.Attribute):
            return f"{self._dotted(node.value)}.{node.attr.value}"
        return str(node.value)

    def _formatted(self, node: Any) -> Expr:
        """An f-string as a sum; OTHER where a part is formatted or escaped."""
        found: Expr | None = None
        for part in node.parts:
            if isinstance(part, self.cst.FormattedStringText):
                if "\\" in part.value:
                    return OTHER
                one: Expr = Str(part.value.replace("{{", "{").replace("}}", "}"))
            elif part.conversion is None and part.format_spec is None and part.equal is None:
                one = self.expression(part.expression)
            else:
                return OTHER
            found = one if found is None else Add(found, one)
        return found if found is not None else Str("")

    def expression(self, node: Any) -> Expr:
        cst = self.cst
        if isinstance(node, cst.SimpleString | cst.ConcatenatedString):
            value = node.evaluated_value
            return Str(value) if isinstance(value, str) else OTHER
        if isinstance(node, cst.FormattedString):
            return self._formatted(node)
        if isinstance(node, cst.Integer):
            return Int(int(node.evaluated_value))
        if isinstance(node, cst.Name):
            return Name(node.value)
        if isinstance(node, cst.Attribute):
            inner = self.expression(node.value)
            return Name(f"{inner.value}.{node.attr.value}") if isinstance(inner, Name) else OTHER
        if isinstance(node, cst.Call):
            args = tuple(
                (arg.star or (arg.keyword.value if arg.keyword is not None else ""), self.expression(arg.value))
                for arg in node.args
            )
            return Call(self.expression(node.func), args, self._line(node))
        if isinstance(node, cst.List | cst.Tuple | cst.Set):
            return Seq(
                tuple(self.expression(item.value) if isinstance(item, cst.Element) else OTHER for item in node.elements)
            )
        if isinstance(node, cst.Dict):
            return Map(
                tuple(
                    (self.expression(item.key), self.expression(item.value))
                    for item in node.elements
                    if isinstance(item, cst.DictElement)
                )
            )
        if isinstance(node, cst.Subscript) and len(node.slice) == 1 and isinstance(node.slice[0].slice, cst.Index):
            return Item(self.expression(node.value), self.expression(node.slice[0].slice.value))
        if isinstance(node, cst.BooleanOperation) and isinstance(node.operator, cst.Or):
            return Or(self.expression(node.left), self.expression(node.right))
        if isinstance(node, cst.BinaryOperation) and isinstance(node.operator, cst.Add):
            return Add(self.expression(node.left), self.expression(node.right))
        if isinstance(node, cst.Await):
            return self.expression(node.expression)
        return OTHER
