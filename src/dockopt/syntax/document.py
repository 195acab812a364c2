"""Load a Dockerfile into a lossless document, and dump it back: ``dump(load(b)) == b`` for all bytes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import count
from typing import NamedTuple

from dockopt.syntax import grammar, validate
from dockopt.syntax.grammar import GrammarError
from dockopt.syntax.lazy import lazy
from dockopt.syntax.nodes import Blank, Comment, Directive, Heredoc, Instruction, Line, Node
from dockopt.syntax.words import SPACE

_DIRECTIVE = re.compile(r"([a-zA-Z][a-zA-Z0-9]*)[\t\n\f\r ]*=[\t\n\f\r ]*(.+?)[\t\n\f\r ]*\Z", re.S)
_DIRECTIVES = frozenset(("syntax", "escape", "check"))
_BOM = "\ufeff"
_LONGEST_LINE = 65536  #: bytes with the line ending: Go's bufio.Scanner, which BuildKit reads with, takes no more
OVERLONG = "line greater than the 65535 bytes BuildKit reads"


def overlong(text: str) -> bool:
    """Whether a line of a text is longer than BuildKit reads."""
    if len(text) * 4 <= _LONGEST_LINE:
        return False
    return any(len(line.encode("utf-8", "surrogateescape")) >= _LONGEST_LINE for line in text.split("\n"))


class Problem(NamedTuple):
    """Why BuildKit would reject the file."""

    line: int  #: 1-based
    message: str


class Document:
    """A Dockerfile as a list of nodes. Documents are values: an edit makes a new one."""

    def __init__(
        self, nodes: Iterable[Node], *, bom: str = "", escape: str = "\\", problems: tuple[Problem, ...] = ()
    ) -> None:
        self.nodes: tuple[Node, ...] = tuple(nodes)
        self.bom = bom
        self.escape = escape
        self._reading_problems = problems

    @lazy
    def instructions(self) -> tuple[Instruction, ...]:
        return tuple([node for node in self.nodes if isinstance(node, Instruction)])

    @lazy
    def text(self) -> str:
        return self.bom + "".join([node.text for node in self.nodes])

    @lazy
    def eol(self) -> str:
        """The file's line ending: the one most lines have."""
        crlf = self.text.count("\r\n")
        return "\r\n" if crlf * 2 > self.text.count("\n") else "\n"

    @lazy
    def problems(self) -> tuple[Problem, ...]:
        """What BuildKit would reject, in file order; empty for a file it accepts."""
        found = list(self._reading_problems)
        found.extend(Problem(node.start_line, message) for node, message in validate.check(self.instructions))
        return tuple(sorted(found))

    @lazy
    def indent(self) -> str:
        """The indent most continuation lines of the file have; four spaces where there is none."""
        seen: dict[str, int] = {}
        for node in self.instructions:
            if node.seamless:  # no need to work out its lines
                rows = node.text.split("\n")[1:]
            else:
                rows = [
                    node.text[line.content_start : line.content_end] for line in node.lines[1:] if line.logical >= 0
                ]
            for row in rows:
                indent = row[: len(row) - len(row.lstrip(" \t"))]
                if indent:
                    seen[indent] = seen.get(indent, 0) + 1
        return max(seen, key=lambda indent: seen[indent]) if seen else "    "

    @lazy
    def lower_case(self) -> bool:
        """Whether the file writes its keywords in lower case.

        BuildKit's ``ConsistentInstructionCasing`` counts the same way: more in lower than in upper case, mixed
        ones and an ARG before the first FROM not counted.
        """
        keywords = [node.keyword for node in self.instructions]
        if not any(map(str.islower, set(keywords))):
            return False
        first = next((at for at, keyword in enumerate(keywords) if keyword.upper() == "FROM"), len(keywords))
        staged = keywords[first:]
        return sum(map(str.islower, staged)) > sum(map(str.isupper, staged))

    def keyword(self, name: str) -> str:
        """``name`` in the file's keyword case."""
        return name.lower() if self.lower_case else name.upper()


def load(data: bytes) -> Document:
    """Read any bytes as a Dockerfile. Never raises: what BuildKit would reject is in ``problems``."""
    text = data.decode("utf-8", "surrogateescape")
    bom = _BOM if text.startswith(_BOM) else ""
    return read(text[len(bom) :], bom=bom)


def dump(document: Document) -> bytes:
    """The document's bytes."""
    return document.text.encode("utf-8", "surrogateescape")


def read(text: str, *, bom: str = "") -> Document:
    """Read the text of a whole Dockerfile."""
    reader = _Reader(text)
    reader.run(directives=True)
    return Document(reader.nodes, bom=bom, escape=reader.escape, problems=tuple(reader.problems))


def read_fragment(text: str, escape: str, origin: tuple[int, int]) -> list[Node]:
    """Read text that stands somewhere below the parser directives; every node gets ``origin``."""
    if 0 <= text.find("\n") == len(text) - 1 < _LONGEST_LINE // 4:
        # One line, as most edits write it: no need of a reader's loops.
        node = _alone(text, origin, escape)
        if isinstance(node, Instruction):
            node.error = _checked_line(node)
        if node is not None:
            return [node]
    reader = _Reader(text, escape, origin)
    reader.run(directives=False)
    return reader.nodes


_ids = count(1)
_new = tuple.__new__  #: of a NamedTuple, without the call of its own ``__new__``: lines are made by the thousand


class _Reader:
    def __init__(self, text: str, escape: str = "\\", origin: tuple[int, int] | None = None) -> None:
        lines = text.split("\n")
        self.lines = [line + "\n" for line in lines[:-1]]
        if lines[-1]:
            self.lines.append(lines[-1])
        self.escape = escape
        self.origin = origin
        self.nodes: list[Node] = []
        self.problems: list[Problem] = []

    def run(self, *, directives: bool) -> None:
        seen: set[str] = set()
        index, lines = 0, self.lines
        if lines and max(map(len, lines)) * 4 > _LONGEST_LINE:
            self.problems.extend(Problem(number, OVERLONG) for number, line in enumerate(lines, 1) if overlong(line))
        escape, origin, nodes = self.escape, self.origin, self.nodes
        while index < len(lines):
            raw = lines[index]
            if directives:
                directive = self._directive(raw, raw.rstrip("\r\n").lstrip(SPACE), index, seen)
                directives = directive is not None
                if directive is not None:
                    nodes.append(directive)
                    escape = self.escape
                    index += 1
                    continue
            node = _alone(raw, origin or (index + 1, index + 1), escape)
            if node is None:
                index = self._seamless(index) or self._instruction(index)
                continue
            if isinstance(node, Instruction):
                self._add(node)
            else:
                nodes.append(node)
            index += 1

    def _origin(self, first: int, last: int) -> tuple[int, int]:
        return self.origin or (first + 1, last + 1)

    def _directive(self, raw: str, stripped: str, index: int, seen: set[str]) -> Directive | None:
        if not stripped.startswith("#"):
            return None
        match = _DIRECTIVE.match(stripped[1:].lstrip(SPACE))
        if match is None or match[1].lower() not in _DIRECTIVES:
            return None
        name, value = match[1].lower(), match[2]
        if name in seen:
            self.problems.append(Problem(index + 1, f"only one {name} parser directive can be used"))
        seen.add(name)
        if name == "escape":
            if value in ("\\", "`"):
                self.escape = value
            else:
                self.problems.append(Problem(index + 1, f"invalid escape token '{value}' does not match ` or \\"))
        return Directive(raw, next(_ids), self._origin(index, index), name, value)

    def _seamless(self, first: int) -> int:
        """Read an instruction of lines that do nothing but continue, as nearly all are; 0 for any other."""
        lines, escape = self.lines, self.escape
        continued, escaped = escape + "\n", escape + escape + "\n"
        index, last = first, len(lines) - 1
        parts: list[str] = []
        while True:
            raw = lines[index]
            if "#" in raw and raw.lstrip(SPACE)[0] == "#":
                return 0
            if not raw.endswith(continued):
                break
            if index == last or raw.endswith(escaped):
                return 0
            parts.append(raw[:-2])
            index += 1
        body = raw.rstrip("\r\n")
        if not parts or not body.strip(SPACE) or body.rstrip(" \t").endswith(escape):
            return 0
        parts[0] = parts[0].lstrip(SPACE)
        if not parts[0]:
            return 0
        parts.append(body)
        line = "".join(parts)
        if "<<" in line:  # of the joined line, for a heredoc's two may stand on two lines
            return 0
        text = "".join(lines[first : index + 1])
        self._add(Instruction(text, next(_ids), self._origin(first, index), escape, None, line))
        return index + 1

    def _instruction(self, index: int) -> int:
        first, lines = index, self.lines
        escape = self.escape
        physical: list[Line] = []
        parts: list[str] = []
        offset = logical = 0
        more = True
        while more and index < len(lines):
            raw = lines[index]
            body = raw.rstrip("\r\n")
            start = 0
            if index == first:
                start = len(body) - len(body.lstrip(SPACE))
            else:
                stripped = body.lstrip(SPACE)
                if not stripped or stripped[0] == "#":
                    end = offset + len(raw)
                    physical.append(_new(Line, (offset, end, offset, offset + len(body), -1, bool(stripped))))
                    offset = end
                    index += 1
                    continue
            more = False
            content_end = len(body)
            written = body.rstrip(" \t")
            if written.endswith(escape):
                # It continues unless the escape token is itself escaped; BuildKit's pattern looks no further back.
                at = len(written) - 1
                if at <= start or written[at - 1] != escape:
                    more, content_end = True, at
            parts.append(body[start:content_end])
            end = offset + len(raw)
            physical.append(_new(Line, (offset, end, offset + start, offset + content_end, logical, False)))
            logical += content_end - start
            offset = end
            index += 1
        line = "".join(parts)
        heredocs: list[Heredoc] = []
        error: str | None = None
        if "<<" in line:
            index, error = self._heredocs(line, index, offset, heredocs)
        node = Instruction(
            "".join(lines[first:index]),
            next(_ids),
            self._origin(first, index - 1),
            escape,
            tuple(physical),
            line,
            tuple(heredocs),
            error,
        )
        self._add(node)
        return index

    def _add(self, node: Instruction) -> None:
        if node.error is None:
            node.error = _checked_line(node)
        if node.error is not None:
            self.problems.append(Problem(node.start_line, node.error))
        self.nodes.append(node)

    def _heredocs(self, line: str, index: int, offset: int, found: list[Heredoc]) -> tuple[int, str | None]:
        """Take the bodies of the heredocs ``line`` opens; gives the next line and an error, if any."""
        escape = self.escape
        keyword, _, _, start, end = grammar.split_line(line, escape)
        if keyword.upper() == "ONBUILD":
            keyword, _, _, inner_start, inner_end = grammar.split_line(line[start:end], escape)
            start, end = start + inner_start, start + inner_end
        keyword = keyword.upper()
        try:
            if keyword not in grammar.HEREDOC_KEYWORDS or grammar.parse_json(line[start:end]) is not None:
                return index, None
            words = grammar.heredoc_words(line)
        except GrammarError as problem:
            return index, str(problem)
        for word in words:
            body_start = offset
            while True:
                if index >= len(self.lines):
                    return index, "unterminated heredoc"
                raw = self.lines[index]
                index += 1
                candidate = raw.rstrip("\r\n")
                if word.chomp:
                    candidate = candidate.lstrip("\t")
                offset += len(raw)
                if candidate == word.name:
                    found.append(Heredoc(word, body_start, offset - len(raw), offset))
                    break
        return index, None


def _alone(raw: str, origin: tuple[int, int], escape: str) -> Node | None:
    """The node that one line is by itself; None for an instruction that may go on, as one in three does."""
    body = raw.rstrip("\r\n")
    line = body.lstrip(SPACE)
    if not line:
        return Blank(raw, next(_ids), origin)
    if line[0] == "#":
        return Comment(raw, next(_ids), origin)
    if escape in raw or "<<" in raw:
        return None
    whole = (_new(Line, (0, len(raw), len(body) - len(line), len(body), 0, False)),)
    return Instruction(raw, next(_ids), origin, escape, whole, line)


_CHECKED = frozenset(("ENV", "HEALTHCHECK", "LABEL", "ONBUILD"))


def _checked_line(node: Instruction) -> str | None:
    """:func:`_line_error`, asked only where there is something to check."""
    return _line_error(node) if node.name in _CHECKED or node.line.startswith("[", node.args_start) else None


def _line_error(node: Instruction) -> str | None:
    """What ``parser.Parse`` itself rejects; what the instructions package rejects is in ``validate``."""
    name = node.name
    try:
        if name == "ONBUILD":
            return _line_error(node.inner) if node.inner is not None else None
        if name in ("ENV", "LABEL"):
            # Kept for whoever asks for them: cutting words is the dearest part of reading.
            node.pairs = tuple(grammar.pairs(node.line, node.args_start, node.args_end, node.escape, name))
        elif name == "HEALTHCHECK":
            grammar.parse_json(node.line[node.health_command_start : node.args_end])
        elif name in grammar.JSON_KEYWORDS and node.line.startswith("[", node.args_start):
            grammar.parse_json(node.rest)
    except GrammarError as error:
        return str(error)
    return None
