"""How a RUN lays out its and-or list, so that what is added looks like what is there."""

from __future__ import annotations

from itertools import pairwise

from dockopt.shell.script import Script
from dockopt.syntax.document import Document
from dockopt.syntax.nodes import Instruction
from dockopt.syntax.spans import Edit

WIDTH = 100  #: a one-line RUN stays on one line up to this many columns


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
            if content.startswith(("&&", "||")):
                leading += 1
            elif content.endswith(("&&", "||")):
                trailing += 1
    return leading > trailing


def _indent(row: str) -> str:
    return row[: len(row) - len(row.lstrip())]


def operator_break(document: Document, node: Instruction | None = None, operator: str = "&&") -> str:
    """The text between two commands on lines of their own: ``" && \\\\\\n    "`` or ``" \\\\\\n    && "``.

    The habits are those of ``node`` where it has any, else those of the file.
    """
    eol, escape, indent = document.eol, document.escape, document.indent
    leading = leading_operators(document)
    if node is not None and len(node.lines) > 1:
        rows = [node.text[line.content_start : line.content_end].rstrip() for line in node.lines if line.logical >= 0]
        starts = [row for row in rows[1:] if row.lstrip().startswith("&&")]
        follows = [row for before, row in pairwise(rows) if before.endswith("&&")]
        if starts or follows:
            leading = bool(starts)
        # A command stands where the node's other commands stand; its arguments may be indented further.
        commands = [_indent(row) for row in starts or follows if row.strip()]
        others = [_indent(row) for row in rows[1:] if row.strip()]
        if commands:
            indent = max(commands, key=commands.count)
        elif others:
            indent = min(others, key=len)
    if leading:
        return f" {escape}{eol}{indent}{operator} "
    return f" {operator} {escape}{eol}{indent}"


def insert_item(document: Document, node: Instruction, script: Script, after: int, text: str, heredoc: bool) -> Edit:
    """The edit that puts the command ``text`` behind element ``after`` of the script's top-level list.

    It runs only where that element succeeded (``&&``); in a heredoc it is a line of its own. Offsets
    are the script's. ``after`` may be -1 for the last.
    """
    item = script.items[after]
    if heredoc:
        line_end = script.text.find("\n", item.end)
        at = line_end if line_end >= 0 and not script.text[item.end : line_end].strip() else item.end
        return (at, at, f"{document.eol}{text}")
    one_line = sum(line.logical >= 0 for line in node.lines) == 1
    if one_line and len(node.line.rstrip()) + len(text) + 4 <= WIDTH:
        return (item.end, item.end, f" && {text}")
    return (item.end, item.end, operator_break(document, node) + text)
