"""The nodes of a document. A node owns its exact text and never changes; an edit makes a new one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from dockopt.syntax import grammar
from dockopt.syntax.grammar import Flag, GrammarError, HeredocWord, Pair, Token
from dockopt.syntax.lazy import lazy
from dockopt.syntax.words import SPACE


class Line(NamedTuple):
    """One physical line of an instruction's head (its heredoc bodies are not part of the head)."""

    start: int  #: offset in the instruction's text
    end: int  #: offset past the line ending
    content_start: int
    content_end: int  #: where the continuation, trailing white space before the line ending, or that ending starts
    logical: int  #: offset of the content in the logical line; -1 for a comment or blank line
    comment: bool


class Heredoc(NamedTuple):
    """A heredoc: how it was opened, and where its body stands in the instruction's text."""

    word: HeredocWord
    body_start: int
    body_end: int  #: start of the terminator's line
    end: int  #: past the terminator's line


class Node:
    """What every line of a Dockerfile belongs to.

    ``id`` survives edits of the node; ``origin`` is the first and last line (1-based) the node, or what
    it was made from, had in the file as it was loaded.
    """

    __slots__ = ("__dict__", "id", "origin", "text")

    def __init__(self, text: str, id: int, origin: tuple[int, int]) -> None:
        self.text = text
        self.id = id
        self.origin = origin

    @property
    def start_line(self) -> int:
        return self.origin[0]

    @property
    def end_line(self) -> int:
        return self.origin[1]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.text!r})"


class Blank(Node):
    """An empty line, or one of white space only, between instructions."""


class Comment(Node):
    """A comment line between instructions."""


class Directive(Node):
    """A parser directive: ``syntax``, ``escape`` or ``check``."""

    def __init__(self, text: str, id: int, origin: tuple[int, int], name: str, value: str) -> None:
        super().__init__(text, id, origin)
        self.name = name
        self.value = value


class Instruction(Node):
    """One instruction with its continuations, inner comments and heredoc bodies.

    ``line`` is the logical line as BuildKit joins it. Offsets called logical are into it; others are
    into ``text``. Nothing but continued lines is in one that is ``seamless``: no comment, no blank line, no white
    space behind an escape token, no heredoc.
    """

    def __init__(
        self,
        text: str,
        id: int,
        origin: tuple[int, int],
        escape: str,
        lines: tuple[Line, ...] | None,
        line: str,
        heredocs: tuple[Heredoc, ...] = (),
        error: str | None = None,
    ) -> None:
        self.text = text
        self.id = id
        self.origin = origin
        self.escape = escape
        self.seamless = lines is None
        if lines is not None:
            self.lines = lines
        self.line = line
        self.heredocs = heredocs
        self.keyword, self.keyword_start, self.flags, self.args_start, self.args_end = grammar.split_line(line, escape)
        self.name = self.keyword.upper()
        self.error = error

    @lazy
    def lines(self) -> tuple[Line, ...]:
        """The physical lines of the head; of one that is seamless they are told when somebody asks."""
        found: list[Line] = []
        offset = logical = 0
        rows = self.text.split("\n")
        if not rows[-1]:
            rows = [*rows[:-2], rows[-2] + "\n"]
        start = len(rows[0]) - len(rows[0].lstrip(SPACE))
        for row in rows[:-1]:
            end = len(row) - 1  # before the escape token
            found.append(Line(offset, offset + end + 2, offset + start, offset + end, logical, False))
            offset += end + 2
            logical += end - start
            start = 0
        end = len(rows[-1].rstrip("\r\n"))
        found.append(Line(offset, offset + len(rows[-1]), offset, offset + end, logical, False))
        return tuple(found)

    @property
    def rest(self) -> str:
        """The arguments as one string, flags and outer white space removed."""
        return self.line[self.args_start : self.args_end]

    @property
    def head_end(self) -> int:
        """Where the head ends and the heredoc bodies, if any, begin."""
        return len(self.text) if self.seamless else self.lines[-1].end

    @property
    def eol(self) -> str:
        """The line ending of the head's last line; empty at the end of a file without one."""
        last = self.lines[-1]
        tail = self.text[last.content_end : last.end]
        return tail[len(tail.rstrip("\r\n")) :]

    @lazy
    def inner(self) -> Instruction | None:
        """The instruction an ONBUILD holds, read from the logical line."""
        if self.name != "ONBUILD" or not self.rest:
            return None
        whole = Line(0, len(self.rest), 0, len(self.rest), 0, False)
        return Instruction(self.rest, -1, self.origin, self.escape, (whole,), self.rest)

    @lazy
    def json(self) -> tuple[str, ...] | None:
        """The strings of the JSON form, None for the shell form (or where there is no such form).

        HEALTHCHECK's is that of the command after ``CMD``.
        """
        name = self.name
        try:
            if name == "HEALTHCHECK":
                return grammar.parse_json(self.line[self.health_command_start : self.args_end])
            if name in grammar.JSON_KEYWORDS and self.line.startswith("[", self.args_start):
                return grammar.parse_json(self.rest)
        except GrammarError:
            pass
        return None

    @property
    def health_command_start(self) -> int:
        """Logical offset of what follows the type word (``CMD``) of a HEALTHCHECK."""
        pos, end, line = self.args_start, self.args_end, self.line
        while pos < end and line[pos] not in SPACE:
            pos += 1
        while pos < end and line[pos] in SPACE:
            pos += 1
        return pos

    @lazy
    def args(self) -> tuple[str, ...]:
        """The arguments as BuildKit's parser gives them: one string for a shell form, a list otherwise."""
        name, rest = self.name, self.rest
        if name == "HEALTHCHECK":
            kind = self.line[self.args_start : self.args_end].split(None, 1)[:1]
            command = self.line[self.health_command_start : self.args_end]
            tail = self.json if self.json is not None else ((command,) if command else ())
            return (*kind, *tail)
        if name == "ONBUILD":
            return (self.inner.name, *self.inner.args) if self.inner else ()
        if self.json is not None:
            return self.json
        if name in ("ENV", "LABEL"):
            return tuple(part for pair in self.pairs for part in (pair.key, pair.value))
        if name == "ARG":
            return tuple(token.text for token in self.tokens)
        if name in ("ADD", "COPY", "EXPOSE", "FROM", "VOLUME"):
            return tuple(grammar.whitespace_words(rest))
        if name not in grammar.KEYWORDS:
            return ()
        return (rest,) if rest else ()

    @lazy
    def pairs(self) -> tuple[Pair, ...]:
        """The keys and raw values of ENV or LABEL; empty where they do not parse."""
        try:
            return tuple(grammar.pairs(self.line, self.args_start, self.args_end, self.escape, self.name))
        except GrammarError:
            return ()

    @lazy
    def tokens(self) -> tuple[Token, ...]:
        """The arguments cut at white space outside quotes, with logical spans."""
        return tuple(grammar.tokens(self.line, self.args_start, self.args_end, self.escape))

    def flag(self, name: str) -> Flag | None:
        """The first flag of that name, without its dashes."""
        for flag in self.flags:
            if flag.name == name:
                return flag
        return None

    @property
    def comments(self) -> tuple[str, ...]:
        """The comment lines inside the continuations, outer white space removed."""
        return tuple(text for _, text in self.placed_comments())

    def placed_comments(self) -> Iterator[tuple[int, str]]:
        """:attr:`comments`, each with the number of lines above it in the instruction."""
        for number, line in enumerate(() if self.seamless else self.lines):
            if line.comment:
                yield number, self.text[line.content_start : line.content_end].strip(SPACE)

    def raw_offset(self, logical: int, *, after: bool = False) -> int:
        """The offset in ``text`` of a logical offset.

        At the seam of two lines it is the end of the earlier one, or with ``after`` the start of the later.
        """
        found = self.lines[0].content_start
        for line in self.lines:
            if line.logical < 0:
                continue
            length = line.content_end - line.content_start
            if line.logical <= logical <= line.logical + length:
                found = line.content_start + logical - line.logical
                if not after or logical < line.logical + length:
                    return found
        return found

    def one_line(self, start: int, end: int) -> bool:
        """Whether no line break stands between two logical offsets."""
        return self.raw_offset(end, after=True) - self.raw_offset(start) == end - start

    def comment_between(self, start: int, end: int) -> bool:
        """Whether a comment line stands between two logical offsets."""
        if self.seamless:
            return False
        low, high = self.raw_offset(start), self.raw_offset(end, after=True)
        return any(line.comment and low <= line.start < high for line in self.lines)
