"""Span edits on scripts: what to delete or insert so that the rest stays to the byte.

Every function gives edits in offsets of the script's text; the caller turns them into a new
instruction with ``Editor.script``.
"""

from __future__ import annotations

import re

from dockopt.shell.script import Command, Item, Script, Word
from dockopt.syntax.nodes import Instruction
from dockopt.syntax.spans import Edit

_STATUS = re.compile(r"\$(?:\?|\{\?|\{?PIPESTATUS)")


def reads_status(script: Script, index: int) -> bool:
    """Whether an element of the top-level list, if there is one, asks how the one before ended."""
    if index >= len(script.items):
        return False
    item = script.items[index]
    return _STATUS.search(script.text, item.start, item.end) is not None


def insert_after(word: Word, text: str) -> Edit:
    """Insert ``text`` as words of their own right after ``word``."""
    return (word.end, word.end, " " + text)


def insert_before(word: Word, text: str) -> Edit:
    """Insert ``text`` as words of their own right before ``word``."""
    return (word.start, word.start, text + " ")


def replace(word: Word, text: str) -> Edit:
    return (word.start, word.end, text)


def delete_word(script: Script, word: Word) -> Edit:
    """Delete a word and the white space before it."""
    start = word.start
    while start > 0 and script.text[start - 1] in " \t":
        start -= 1
    return (start if start > 0 else word.start, word.end, "")


def delete_item(script: Script, index: int, node: Instruction | None = None) -> Edit | None:
    """Delete an element of the top-level list with one operator beside it.

    The operator beside it goes along: the one after it where the script breaks its lines behind
    operators (``a && \\`` newline ``b``), so that the line goes as a whole; else the one before it; for the
    first element the one after it. With the ``node`` whose own line the script is, the physical lines that
    stay keep their operators and indent.

    None where it is the only element (the caller removes the instruction); behind ``||``, where it hides that
    the one before failed; before one that reads ``$?``; before a comment that ends the script; and where what would then stand side by side
    is not joined by the same operator (deleting ``b`` of ``a && b || c`` changes what ``||`` looks at).
    """
    items = script.items
    if len(items) < 2:
        return None
    if reads_status(script, index + 1):
        return None
    item = items[index]
    after = items[index + 1] if index + 1 < len(items) else None
    if index == 0:
        if after is None or after.operator not in ("&&", ";", "\n"):
            return None
        if node is not None:
            return _delete_first(node, item, after)
        return (item.start, _past(script, after), "")
    if after is None and any(start >= item.end for start, _ in script.comments):
        return None  # the comment would be left on a line of its own that continues nothing
    if item.operator == "||" or (after is not None and after.operator not in (item.operator, ";", "\n")):
        return None
    before = items[index - 1]
    with_before = (before.end, item.end, "")
    if node is None:
        breaks_behind = item.start - item.operator_end > 1
        if after is not None and after.operator == item.operator and breaks_behind:
            return (item.start, _past(script, after), "")
        return with_before
    base = node.args_start
    if node.one_line(base + before.end, base + item.start):
        return with_before
    if not node.one_line(base + before.end, base + item.operator_start):
        return (item.operator_start, item.end, "")  # the operator leads its line
    if after is not None and after.operator == item.operator:
        same = node.one_line(base + after.operator_end, base + after.start)
        return (item.start, after.start if same else after.operator_end, "")
    return with_before


def _delete_first(node: Instruction, item: Item, after: Item) -> Edit:
    """The first element goes; what follows it moves up to its line, unless a comment stands between."""
    base = node.args_start
    if node.comment_between(base + item.start, base + after.start):
        return (item.start, after.operator_end, "")
    return (item.start, after.start, "")


def _past(script: Script, after: Item) -> int:
    """The end of the operator before ``after``; on one line also of the space behind it."""
    end = after.operator_end
    return after.start if after.start - end <= 1 else end


def item_commands(script: Script, item: Item | int) -> list[Command]:
    """The commands inside one element of the top-level list."""
    index = item if isinstance(item, int) else script.items.index(item)
    return script.commands_of(index)
