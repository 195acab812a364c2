"""How a RUN lays out its and-or list, so that what is added looks like what is there."""

from __future__ import annotations

from itertools import pairwise

from dockopt.shell.options import turns_on_errexit
from dockopt.shell.script import Item, Script
from dockopt.syntax.document import Document
from dockopt.syntax.nodes import Instruction
from dockopt.syntax.spans import Edit

WIDTH = 100  #: a one-line RUN stays on one line up to this many columns
WIDEST_INDENT = 8  #: deeper continuation lines are an alignment, not an indent
_OPERATORS = ("&&", "||", ";")


def leading_operators(document: Document) -> bool:
    """Whether most of the file's continuation lines start with ``&&`` rather than end with it."""
    leading = trailing = 0
    for node in document.instructions:
        if node.name != "RUN" or len(node.lines) < 2:
            continue
        for line in node.lines:
            if line.logical < 0:
                continue
            content = node.text[line.content_start : line.content_end].strip()
            if content in _OPERATORS:
                continue  # alone on its line it both starts and ends it
            if content.startswith(("&&", "||")):
                leading += 1
            elif content.endswith(("&&", "||")):
                trailing += 1
    return leading > trailing


def operator_break(document: Document, node: Instruction | None = None, operator: str = "&&") -> str:
    """The text between two commands on lines of their own: ``" && \\\\\\n    "`` or ``" \\\\\\n    && "``.

    The habits are those of ``node`` where it has any, else those of the file.
    """
    eol, escape, indent = document.eol, document.escape, document.indent
    leading: bool | None = None
    if node is not None and len(node.lines) > 1:
        rows = [row for line in _rows(node) if (row := line.strip()) != "&&"]
        if any(row.startswith("&&") for row in rows):
            leading = True
        elif any(row.endswith("&&") for row in rows):
            leading = False
        indent = command_indent(document, node)
    if leading is None:
        leading = leading_operators(document)
    if leading:
        return f" {escape}{eol}{indent}{operator} "
    tight = node is not None and f"&&{escape}{eol}" in node.text and f"&& {escape}{eol}" not in node.text
    return f" {operator}{'' if tight else ' '}{escape}{eol}{indent}"


def _rows(node: Instruction) -> list[str]:
    return [node.text[line.content_start : line.content_end] for line in node.lines if line.logical >= 0]


def command_indent(document: Document, node: Instruction) -> str:
    """The white space before a command that stands on a continuation line of its own.

    That of the node's first such command; where it has none, that of its continuation lines unless they
    are aligned far to the right, as package lists sometimes are; else the file's.
    """
    rows = _rows(node)
    for before, row in pairwise(rows):
        if row.lstrip().startswith(_OPERATORS) or before.rstrip().endswith(_OPERATORS):
            return row[: len(row) - len(row.lstrip(" \t"))]
    indents = [row[: len(row) - len(row.lstrip(" \t"))] for row in rows[1:] if row.strip()]
    shortest = min(indents, key=len, default="")
    if shortest and len(shortest.expandtabs(4)) <= WIDEST_INDENT:
        return shortest
    return document.indent if len(document.indent.expandtabs(4)) <= WIDEST_INDENT else "    "


def insert_item(document: Document, node: Instruction, script: Script, after: int, text: str, heredoc: bool) -> Edit:
    """The edit that puts the command ``text`` behind element ``after`` of the script's top-level list.

    It runs only where that element succeeded (``&&``); in a heredoc it is a line of its own, where the script's
    status stays what it was. Offsets are the script's. ``after`` may be -1 for the last.
    """
    item = script.items[after]
    last = after == -1 or after + 1 == len(script.items)
    if heredoc and last and not _stops(script, item):
        return (item.end, item.end, f" && {text}")  # on a line of its own it would hide that this one failed
    if heredoc:
        return insert_line(document, script, item, text)
    following = script.items[after + 1] if after != -1 and after + 1 < len(script.items) else None
    if following is not None:
        start, end = node.args_start + item.end, node.args_start + following.start
        if node.one_line(start, end):
            return (item.end, item.end, f" && {text}")  # it stands in the middle of a line: so does what is added
    one_line = sum(line.logical >= 0 for line in node.lines) == 1
    if one_line and len(node.line.rstrip()) + len(text) + 4 <= WIDTH:
        return (item.end, item.end, f" && {text}")
    return insert_behind(document, node, script, item.end, operator_break(document, node) + text)


def _stops(script: Script, item: Item) -> bool:
    """Whether a script begins with ``set -e`` and so ends where this element, a command by itself, fails."""
    sets = [command for command in script.commands if command.name == "set"]
    return (
        len(sets) == 1
        and sets[0].item == 0
        and sets[0].top
        and any(turns_on_errexit(word.value or "") for word in sets[0].args)
        and item.kind == "command"
        and item.operator in ("", ";", "\n")
    )


def insert_line(document: Document, script: Script, item: Item, text: str) -> Edit:
    """The edit that puts the command ``text`` on a line of its own below an element of a heredoc's script.

    A comment at the end of the element's line stays there.
    """
    start = script.text.rfind("\n", 0, item.start) + 1
    indent = script.text[start : item.start]
    at = item.end
    line_end = script.text.find("\n", at)
    if line_end >= 0:
        rest = script.text[at:line_end].strip()
        if not rest or rest.startswith("#"):
            at = line_end - (script.text[line_end - 1] == "\r" and line_end > at)
    return (at, at, f"{document.eol}{indent if not indent.strip() else ''}{text}")


def insert_behind(document: Document, node: Instruction, script: Script, at: int, text: str) -> Edit:
    """The edit that puts ``text``, line breaks and all, behind the command that ends at offset ``at``.

    A shell comment at the end of that command's line goes above the line it describes: left where it is, it
    would stand behind what is added. Where more commands stand between, it is theirs and stays.
    """
    comment = next(((start, end) for start, end in script.comments if start >= at), None)
    if comment is None or document.eol not in text or script.text[at : comment[0]].strip():
        return (at, at, text)
    base = node.args_start
    raw = node.raw_offset(base + at)
    line = next(line for line in node.lines if line.start <= raw <= line.end)
    content = node.text[line.content_start : line.content_end]
    lead = content[: len(content) - len(content.lstrip(" \t"))]
    begin = line.logical + len(lead) - base
    if begin < 0 or line is node.lines[0] or begin >= at or node.raw_offset(base + comment[1]) > line.content_end:
        return (at, at, text)
    note = script.text[comment[0] : comment[1]].rstrip()
    return (begin, comment[1], f"{note}{document.eol}{lead}{script.text[begin:at]}{text}")
