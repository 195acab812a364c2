"""Span edits on scripts: what to delete or insert so that the rest stays to the byte.

Every function gives edits in offsets of the script's text; the caller turns them into a new
instruction with ``Editor.script``.
"""

from __future__ import annotations

from dockopt.shell.script import Command, Item, Script, Word
from dockopt.syntax.nodes import Instruction
from dockopt.syntax.spans import Edit


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

    The operator before it goes, for the first element the one after it. None where it is the only
    element (the caller removes the instruction), or where what would then stand side by side is not
    joined by the same operator (deleting ``b`` of ``a && b || c`` changes what ``||`` looks at). With the
    ``node`` whose line the script is, an element whose operator ends the line before goes with the one after
    it, so that the lines that stay keep theirs.
    """
    items = script.items
    if len(items) < 2:
        return None
    item = items[index]
    after = items[index + 1] if index + 1 < len(items) else None
    if index == 0:
        if after is None or after.operator not in ("&&", ";", "\n"):
            return None
        return (item.start, after.start, "")
    if after is not None and after.operator not in (item.operator, ";", "\n"):
        return None
    if node is not None and after is not None and after.operator == item.operator:
        base = node.args_start
        before, start = base + items[index - 1].end, base + item.operator_start
        if _one_line(node, before, start) and not _one_line(node, start, base + item.start):
            same = _one_line(node, base + after.operator_end, base + after.start)
            return (item.start, after.start if same else after.operator_end, "")
    return (items[index - 1].end, item.end, "")


def _one_line(node: Instruction, start: int, end: int) -> bool:
    return node.raw_offset(end, after=True) - node.raw_offset(start) == end - start


def item_commands(script: Script, item: Item | int) -> list[Command]:
    """The commands inside one element of the top-level list."""
    index = item if isinstance(item, int) else script.items.index(item)
    return script.commands_of(index)
