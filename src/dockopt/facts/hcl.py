"""A reader of the part of HCL that ``docker-bake.hcl`` files use to say what is built from where.

Blocks (``target "app" { … }``), attributes, strings with ``${variable}``, lists, maps, numbers, booleans,
comments and heredocs are read; a value that takes a function, an operator or a condition is
:data:`UNREAD`. Reference: https://docs.docker.com/build/bake/reference/.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class _Unread:
    def __repr__(self) -> str:
        return "UNREAD"


UNREAD = _Unread()  #: a value that is an expression this reader does not evaluate


class Block(NamedTuple):
    """``kind "label" { attributes }``, and the line it starts on (1-based)."""

    kind: str
    labels: tuple[str, ...]
    attributes: dict[str, object]
    blocks: tuple[Block, ...]
    line: int


class HclError(ValueError):
    """The text is no HCL this reader can follow; the message has the line."""


_TOKEN = re.compile(
    r"(?P<space>[ \t\r\n]+)|(?P<comment>#[^\n]*|//[^\n]*|/\*.*?\*/)"
    r'|(?P<heredoc><<-?(?P<mark>[A-Za-z_][\w-]*)\r?\n)|(?P<string>")'
    r"|(?P<name>[A-Za-z_][\w.-]*)|(?P<number>\d+(?:\.\d+)?)|(?P<sign>=>|==|!=|<=|>=|&&|\|\||\.\.\.|[{}\[\]()=,:?<>+*/%!.-])",
    re.S,
)
_VARIABLE = re.compile(r"\$\{\s*([A-Za-z_]\w*)\s*\}")


class _Token(NamedTuple):
    kind: str
    text: str
    line: int


def parse(text: str) -> list[Block]:
    """The blocks of a file; attributes at the top level are in a block of kind ``""``.

    :raises HclError: for text that does not follow the grammar.
    """
    attributes, blocks = _Parser(_tokens(text)).body(top=True)
    return [Block("", (), attributes, (), 1), *blocks]


def interpolate(value: object, variables: dict[str, object]) -> object:
    """A string with its ``${name}`` replaced; UNREAD where one has no known text or is an expression."""
    if isinstance(value, _Reference):
        found = variables.get(value.name, UNREAD)
        return found if isinstance(found, str) else UNREAD
    if not isinstance(value, str):
        return value
    missing = False

    def one(match: re.Match[str]) -> str:
        nonlocal missing
        found = variables.get(match[1], UNREAD)
        missing = missing or not isinstance(found, str)
        return found if isinstance(found, str) else ""

    out = _VARIABLE.sub(one, value)
    return UNREAD if missing or "${" in out or "%{" in out else out


class _Reference(NamedTuple):
    name: str


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    position, line = 0, 1
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise HclError(f"line {line}: unexpected {text[position]!r}")
        kind = match.lastgroup or ""
        end = match.end()
        if match["heredoc"]:
            close = re.compile(rf"^[ \t]*{re.escape(match['mark'])}[ \t]*\r?$", re.M).search(text, end)
            if close is None:
                raise HclError(f"line {line}: heredoc {match['mark']} has no end")
            found.append(_Token("string", text[end : close.start()], line))
            end = close.end()
        elif kind == "string":
            value, end = _string(text, end, line)
            found.append(_Token("string", value, line))
        elif kind not in ("space", "comment"):
            found.append(_Token(kind, match[0], line))
        line += text.count("\n", position, end)
        position = end
    return found


def _string(text: str, position: int, line: int) -> tuple[str, int]:
    out: list[str] = []
    depth = 0  # of ${ … } templates, in which quotes nest
    while position < len(text):
        ch = text[position]
        if ch == "\\" and not depth:
            following = text[position + 1 : position + 2]
            out.append({"n": "\n", "t": "\t", "r": "\r"}.get(following, following))
            position += 2
            continue
        if ch == '"' and not depth:
            return "".join(out), position + 1
        if text.startswith(("${", "%{"), position):
            depth += 1
        elif ch == "}" and depth:
            depth -= 1
        elif ch == "\n" and not depth:
            break
        out.append(ch)
        position += 1
    raise HclError(f"line {line}: a string has no end")


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self.tokens = tokens
        self.position = 0

    def _peek(self) -> _Token:
        if self.position < len(self.tokens):
            return self.tokens[self.position]
        last = self.tokens[-1].line if self.tokens else 1
        return _Token("end", "", last)

    def _next(self) -> _Token:
        token = self._peek()
        self.position += 1
        return token

    def body(self, *, top: bool) -> tuple[dict[str, object], tuple[Block, ...]]:
        attributes: dict[str, object] = {}
        blocks: list[Block] = []
        while True:
            token = self._next()
            if token.kind == "end":
                if not top:
                    raise HclError(f"line {token.line}: a block has no end")
                return attributes, tuple(blocks)
            if token.text == "}" and token.kind == "sign" and not top:
                return attributes, tuple(blocks)
            if token.kind not in ("name", "string"):
                raise HclError(f"line {token.line}: unexpected {token.text!r}")
            if self._peek().text == "=" and self._peek().kind == "sign":
                self._next()
                attributes[token.text] = self._value(self._peek().line)
                continue
            labels: list[str] = []
            while self._peek().kind in ("string", "name"):
                labels.append(self._next().text)
            if self._next().text != "{":
                raise HclError(f"line {token.line}: {token.text} is neither an attribute nor a block")
            inner, nested = self.body(top=False)
            blocks.append(Block(token.text, tuple(labels), inner, nested, token.line))

    def _value(self, line: int) -> object:
        """One expression, to the end of its line; UNREAD where it is more than one literal."""
        value = self._primary()
        following = self._peek()
        if following.line == self.tokens[self.position - 1].line and (
            following.kind == "sign"
            and following.text in ("?", "==", "!=", "&&", "||", "+", "-", "*", "/", "%", "<", ">", "<=", ">=", ".", "[")
        ):
            self._skip_expression()
            return UNREAD
        return value

    def _primary(self) -> object:
        token = self._next()
        if token.kind == "string":
            return token.text
        if token.kind == "number":
            return token.text
        if token.kind == "name":
            following = self._peek()
            if following.text == "(" and following.kind == "sign":
                self._skip_group()
                return UNREAD
            if token.text in ("true", "false", "null"):
                return token.text
            return _Reference(token.text) if "." not in token.text else UNREAD
        if token.text == "[":
            return self._sequence()
        if token.text == "{":
            return self._map()
        if token.text in ("-", "!"):
            self._primary()
            return UNREAD
        if token.text == "(":
            self.position -= 1
            self._skip_group()
            return UNREAD
        raise HclError(f"line {token.line}: unexpected {token.text!r}")

    def _sequence(self) -> object:
        items: list[object] = []
        if self._peek().text == "for" and self._peek().kind == "name":
            self.position -= 1
            self._skip_group()
            return UNREAD
        while True:
            token = self._peek()
            if token.kind == "end":
                raise HclError(f"line {token.line}: a list has no end")
            if token.text == "]" and token.kind == "sign":
                self._next()
                return items
            if token.text == "," and token.kind == "sign":
                self._next()
                continue
            items.append(self._value(token.line))

    def _map(self) -> object:
        entries: dict[str, object] = {}
        if self._peek().text == "for" and self._peek().kind == "name":
            self.position -= 1
            self._skip_group()
            return UNREAD
        while True:
            token = self._next()
            if token.text == "}" and token.kind == "sign":
                return entries
            if token.text == "," and token.kind == "sign":
                continue
            if token.kind not in ("name", "string") or self._next().text not in ("=", ":"):
                raise HclError(f"line {token.line}: a map's entry is no key and value")
            entries[token.text] = self._value(token.line)

    def _skip_group(self) -> None:
        """Past a parenthesis, bracket or brace and all within."""
        depth = 0
        while True:
            token = self._next()
            if token.kind == "end":
                raise HclError(f"line {token.line}: a bracket has no end")
            if token.kind == "sign":
                depth += token.text in "([{"
                depth -= token.text in ")]}"
                if depth == 0:
                    return

    def _skip_expression(self) -> None:
        """Past the rest of an expression: up to a comma, a closing bracket or the end of the line."""
        line = self._peek().line
        while True:
            token = self._peek()
            if token.kind == "end" or (token.kind == "sign" and token.text in ",)]}") or token.line != line:
                return
            if token.kind == "sign" and token.text in "([{":
                self._skip_group()
                line = self.tokens[self.position - 1].line
            else:
                self._next()
                line = max(line, token.line)
