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
    """Delete an element of the top-level list with one operator beside it; see :func:`delete_items`."""
    return delete_items(script, index, index, node)


def delete_items(script: Script, first: int, last: int, node: Instruction | None = None) -> Edit | None:
    """Delete neighbouring elements of the top-level list with one operator beside them.

    Lines that hold nothing else go as a whole, and those that stay keep their operators and indent: the operator
    before goes along where it stands on the same line or leads its own; else the one behind; for the first
    element the one behind it.

    None where nothing would be left (the caller removes the instruction); behind ``||``, where it hides that
    the one before failed; before one that reads ``$?``; before a comment that ends the script; and where what
    would then stand side by side is not joined by the same operator (deleting ``b`` of ``a && b || c`` changes what
    ``||`` looks at).

    :param node: the instruction whose own line the script is; None for a heredoc.
    """
    items = script.items
    if last - first + 1 >= len(items):
        return None
    if reads_status(script, last + 1):
        return None
    item, end = items[first], items[last].end
    after = items[last + 1] if last + 1 < len(items) else None
    if first != last and (first == 0 or any(one.operator != "&&" for one in items[first : last + 2])):
        return None
    if first == 0:
        if after is None or after.operator not in ("&&", ";", "\n"):
            return None
        if node is not None:
            return _delete_first(node, item, after)
        return (item.start, _past(script, after), "")
    if after is None and any(start >= end for start, _ in script.comments):
        return None  # the comment would be left on a line of its own that continues nothing
    if item.operator == "||" or (after is not None and after.operator not in (item.operator, ";", "\n")):
        return None
    before = items[first - 1]
    if _same_line(script, node, before.end, item.start):
        return (before.end, end, "")
    if not _same_line(script, node, before.end, item.operator_start):
        return (item.operator_start, end, "")  # the operator leads its line
    if after is not None and after.operator != "\n":
        behind = _same_line(script, node, end, after.operator_start)
        if behind and item.operator != after.operator == ";":
            return (before.end, after.operator_end, "; ")  # the semicolon ends the line before
        if behind and after.operator == item.operator:
            same = _same_line(script, node, end, after.start)
            return (item.start, after.start if same else after.operator_end, "")
    return (before.end, end, "")


def _same_line(script: Script, node: Instruction | None, start: int, end: int) -> bool:
    """Whether no line break stands between two offsets of a script as it is written."""
    if node is None:
        return "\n" not in script.text[start:end]
    return node.one_line(node.args_start + start, node.args_start + end)


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
