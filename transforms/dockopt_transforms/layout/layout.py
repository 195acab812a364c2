"""One indent for continuation lines, one space after keywords, one blank line between instructions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from dockopt.api import (
    Blank,
    Document,
    Editor,
    Facts,
    Instruction,
    Line,
    Node,
    Phase,
    Proposal,
    Refusal,
    Transform,
)

_BY_TOKENS = frozenset(("ARG", "EXPOSE", "COPY", "ADD", "VOLUME"))


class Layout(Transform):
    """Give continuation lines one indent, and instructions one spacing.

    What:
        Gives the continuation lines of every instruction the indent most instructions of the file have; deeper
        lines stay deeper by as much. Comments inside move with the lines around them. White space between keyword,
        flags and arguments becomes one space, and several blank lines between instructions become one.

    Why:
        A file in one layout is read, and compared, with less effort.

    Safety:
        Safe: only white space changes that no shell and no builder sees. Text inside quotes and heredocs stays.

    Refuses:
        inside-quotes: a continuation line starts inside a quoted word, whose white space is part of it
        mixed-indent: tabs and spaces are mixed, so that no indent is common to the lines
        opaque-script: the script is not one dockopt reads

    References:
        https://docs.docker.com/build/building/best-practices/#sort-multi-line-arguments
    """

    id = "layout"
    phase = Phase.LAYOUT
    default = False

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        yield from _blank_runs(document)
        movable: dict[int, str] = {}
        obstacles: dict[int, Refusal] = {}
        for node in document.instructions:
            lines = _continued(node)
            if not lines:
                continue
            base = _base(node, lines)
            obstacle = _obstacle(node, lines, base, facts)
            if obstacle is not None:
                obstacles[node.id] = obstacle
            elif base is not None:
                movable[node.id] = base
        counts = Counter(base for base in movable.values() if base)
        # Of equals the first: what is moved joins it, so that it stays the one.
        indent = max(counts, key=lambda base: counts[base]) if counts else ""
        for node in document.instructions:
            edits = _spacing(node)
            base = movable.get(node.id)
            if node.id in obstacles and indent and _base(node, _continued(node)) != indent:
                yield obstacles[node.id]
            elif base is not None and indent and base != indent:
                edits = [*edits, *_shifts(node, base, indent)]
            if edits:
                yield _proposal(node, edits)


def _blank_runs(document: Document) -> Iterator[Proposal]:
    run: list[Node] = []
    for node in (*document.nodes, None):
        if isinstance(node, Blank):
            run.append(node)
            continue
        if len(run) > 1:
            yield _collapse(run)
        run = []


def _collapse(run: list[Node]) -> Proposal:
    def edit(editor: Editor) -> None:
        for node in run[1:]:
            editor.remove(node)

    return Proposal(run, "leave one blank line", edit)


def _continued(node: Instruction) -> list[Line]:
    """The lines with text after the first."""
    if len(node.lines) < 2:
        return []
    return [line for line in node.lines[1:] if line.logical >= 0 and _text(node, line).strip()]


def _text(node: Instruction, line: Line) -> str:
    return node.text[line.content_start : line.content_end]


def _lead(node: Instruction, line: Line) -> str:
    text = node.text[line.start : line.content_end]
    return text[: len(text) - len(text.lstrip(" \t"))]


def _base(node: Instruction, lines: list[Line]) -> str | None:
    """The indent all lines have in common; None where tabs and spaces are mixed."""
    leads = [_lead(node, line) for line in lines]
    base = min(leads, key=len)
    return base if all(lead.startswith(base) for lead in leads) else None


def _obstacle(node: Instruction, lines: list[Line], base: str | None, facts: Facts) -> Refusal | None:
    if base is None:
        return Refusal(node, "mixed-indent", "its lines have no indent in common")
    if node.name == "ONBUILD" or node.name == "HEALTHCHECK" or node.error is not None:
        return Refusal(node, "opaque-script", f"dockopt does not look inside a continued {node.name}")
    spans: list[tuple[int, int]] = []
    if node.name == "RUN" and node.json is None:
        view = facts.script(node)
        if view is None or view.opaque is not None or node.heredocs:
            return Refusal(node, "opaque-script", "the script is not one whose white space dockopt moves")
        for command in view.script.commands:
            ends = [(word.start, word.end) for word in (*command.words, *command.assignments)]
            ends += [(redirect.start, redirect.end) for redirect in command.redirects]
            spans += [(start + node.args_start, end + node.args_start) for start, end in ends]
    elif node.name in ("ENV", "LABEL"):
        # In the form without an equals sign all that follows the key is one value.
        spans = [(pair.start, pair.end) for pair in node.pairs] or [(node.args_start, node.args_end)]
    elif node.name in _BY_TOKENS and node.json is None:
        spans = [(token.start, token.end) for token in node.tokens]
    starts = _neutral(node)
    for line in lines:
        at = line.logical + len(_text(node, line)) - len(_text(node, line).lstrip(" \t"))
        seam = line.logical
        joined = seam == at and node.line[seam - 1 : seam] not in (" ", "\t")
        if joined or at not in starts or any(start < at < end or start < seam < end for start, end in spans):
            return Refusal(node, "inside-quotes", "a line starts inside a word")
    return None


def _neutral(node: Instruction) -> set[int]:
    """The logical offsets that no quote is open at; an escape hides the character after it."""
    found: set[int] = set()
    quote = ""
    line = node.line
    position = node.args_start
    while position < len(line):
        ch = line[position]
        if not quote:
            found.add(position)
        if ch == "\\" and quote != "'":
            position += 2
            continue
        if quote:
            quote = "" if ch == quote else quote
        elif ch in "\"'`":
            quote = ch
        position += 1
    return found


def _spacing(node: Instruction) -> list[tuple[int, int, str]]:
    """Spans of text between keyword, flags and arguments that are not one space."""
    first = node.lines[0]
    found: list[tuple[int, int, str]] = []
    line, position = node.line, node.keyword_start
    limit = node.args_start
    while position < limit:
        if line[position] not in " \t":
            position += 1
            continue
        end = position
        while end < limit and line[end] in " \t":
            end += 1
        start_at, end_at = node.raw_offset(position), node.raw_offset(end)
        # Only on the first line: where a line ends in between, its continuation keeps its own layout.
        if (
            line[position:end] != " "
            and end_at <= first.content_end
            and node.text[start_at:end_at] == line[position:end]
        ):
            found.append((start_at, end_at, " "))
        position = end
    return found


def _shifts(node: Instruction, base: str, indent: str) -> list[tuple[int, int, str]]:
    """The edits of the text that put ``indent`` in the place of ``base``."""
    found: list[tuple[int, int, str]] = []
    for line in node.lines[1:]:
        lead = _lead(node, line)
        if lead.startswith(base) and node.text[line.start : line.content_end].strip():
            found.append((line.start, line.start + len(base), indent))
    return found


def _proposal(node: Instruction, edits: list[tuple[int, int, str]]) -> Proposal:
    def edit(editor: Editor) -> None:
        text = node.text
        for start, end, new in sorted(edits, reverse=True):
            text = text[:start] + new + text[end:]
        editor.replace(node, text)

    return Proposal(node, "lay out as the rest of the file", edit)
