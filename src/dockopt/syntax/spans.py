"""Edit an instruction by the smallest span: logical offsets in, new text out, comments kept.

An edit is ``(start, end, replacement)`` in logical offsets, or in offsets of a heredoc body through
:func:`splice_text`. Physical lines that an edit empties disappear together with their continuation;
comment lines never do. Replacements may hold line breaks when the caller writes the continuation.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from dockopt.syntax.nodes import Instruction, Line

Edit = tuple[int, int, str]


class OverlapError(ValueError):
    """Two edits of one batch touch the same characters."""


def ordered(edits: Iterable[Edit]) -> list[Edit]:
    """The edits in order of their start.

    :raises OverlapError: where two of them overlap.
    """
    result = sorted(edits, key=lambda edit: (edit[0], edit[1]))
    for before, after in pairwise(result):
        if after[0] < before[1]:
            raise OverlapError(f"{before!r} and {after!r}")
    return result


def splice_text(text: str, edits: Iterable[Edit]) -> str:
    """Apply edits to plain text."""
    out: list[str] = []
    pos = 0
    for start, end, replacement in ordered(edits):
        out.append(text[pos:start])
        out.append(replacement)
        pos = end
    out.append(text[pos:])
    return "".join(out)


def splice(node: Instruction, edits: Iterable[Edit]) -> str:
    """The instruction's text after edits given in logical offsets; heredoc bodies stay as they are."""
    batch = ordered(edits)
    if not batch:
        return node.text
    put_in = _put_in(node, batch)
    return put_in if put_in is not None else _by_lines(node, batch)


def _put_in(node: Instruction, batch: list[Edit]) -> str | None:
    """The text after edits that leave every line what it is, with more in it or something else; None for others.

    Most edits are such: words put in or replaced, none of them at the end of a line that goes on.
    """
    text, lines = node.text, node.lines
    last = lines[-1]
    if last.logical < 0 or text.startswith(node.escape, last.content_end):
        return None
    raw: list[Edit] = []
    index = 0
    for start, end, replacement in batch:
        line = lines[index]
        while line.logical < 0 or start > line.logical + line.content_end - line.content_start:
            if line is last:
                return None
            index += 1
            line = lines[index]
        by = line.content_start - line.logical
        past = end + by
        if past > line.content_end or not replacement or replacement.isspace():
            return None
        if line is not last and not text[past : line.content_end].strip():
            return None  # at the end of the line
        raw.append((start + by, past, replacement))
    return splice_text(text, raw)


def _by_lines(node: Instruction, batch: list[Edit]) -> str:
    """The text after any edits, line by line."""
    content = [line for line in node.lines if line.logical >= 0]
    new: list[str] = []
    touched: list[bool] = []
    ends: list[bool] = []  # whether an edit reaches the last word of the line
    pending = list(batch)
    emptied = False  # whether the edit that reaches over from the line before leaves nothing of that line
    last = len(content) - 1
    for index, line in enumerate(content):
        length = line.content_end - line.content_start
        low, high = line.logical, line.logical + length
        own = node.text[line.content_start : line.content_end]
        local: list[Edit] = []
        rest: list[Edit] = []
        for start, end, replacement in pending:
            inside = start < high or (start == end == high) or (start <= high and index == last)
            if not inside:
                rest.append((start, end, replacement))
                continue
            first, past = max(start, low) - low, min(end, high) - low
            if emptied and start == low and not replacement:
                # What is left of this line stands where the lines before it stood: it keeps an indent.
                first = min(len(own) - len(own.lstrip(" \t")), past)
            local.append((first, past, replacement))
            if end > high and index < last:
                rest.append((high, end, ""))
        pending = rest
        new.append(splice_text(own, local) if local else own)
        emptied = bool(rest) and rest[0][0] == high and bool(local) and not new[-1].strip()
        touched.append(bool(local))
        ends.append(bool(local) and max(end for _, end, _ in local) >= len(own.rstrip()))
    first = _moves_up(node, batch, content, new)
    if first:
        new[0] += new[first].lstrip(" \t")
        new[first] = ""
        ends[0], touched[first] = ends[first], True
    return _reassemble(node, new, touched, ends)


def _moves_up(node: Instruction, batch: list[Edit], content: list[Line], new: list[str]) -> int:
    """Which line moves up to the keyword's, since a deletion left nothing else on that; 0 for none.

    A comment between the two keeps its place, and with it the line below.
    """
    past = content[0].logical + content[0].content_end - content[0].content_start
    reach = max((end for start, end, text in batch if start == node.args_start and not text), default=0)
    if not past or reach < past:
        return 0
    index = next((index for index, text in enumerate(new) if index and text.strip()), 0)
    if not index or any(line.logical < 0 for line in node.lines[: node.lines.index(content[index])]):
        return 0
    return index


def _reassemble(node: Instruction, new: list[str], touched: list[bool], ends: list[bool]) -> str:
    """Put the lines back together: emptied lines go, the last content line loses its continuation."""
    content = [line for line in node.lines if line.logical >= 0]
    keep = [
        index
        for index, line in enumerate(content)
        if not touched[index] or new[index].strip() or not node.text[line.content_start : line.content_end].strip()
    ]
    # A line that was blank but for its continuation goes too where nothing is left after it.
    while len(keep) > 1 and any(touched) and not new[keep[-1]].strip():
        keep.pop()
    final = keep[-1]
    kept = set(keep)
    changed_end = final != len(content) - 1
    out: list[str] = []
    tail: list[str] = []
    index = -1
    for line in node.lines:
        raw = node.text[line.start : line.end]
        if line.logical < 0:
            # Past the last content line only comments are worth keeping: a blank one would not be a
            # continuation any more.
            if index >= final and changed_end:
                if line.comment:
                    tail.append(raw)
            else:
                out.append(raw)
            continue
        index += 1
        if index not in kept:
            continue
        text = new[index]
        prefix = node.text[line.start : line.content_start]
        suffix = node.text[line.content_end : line.end]
        if index == final and changed_end:
            ending = suffix[len(suffix.rstrip("\r\n")) :]
            out.append(prefix + text.rstrip() + (ending or ""))
        elif ends[index]:
            if suffix[:1] == node.escape and not text.rpartition("\n")[2].strip() and "\n" in text:
                # What was put in goes on on a line of its own, and the deletion behind it left nothing there.
                text = text.rstrip().removesuffix(node.escape)
            # White space that a deletion leaves before the continuation, or took from it; elsewhere it may be part of
            # a value.
            spaced = node.text[line.content_start : line.content_end][-1:] in (" ", "\t")
            if suffix[:1] == node.escape and (spaced or text[-1:] in (" ", "\t")):
                text = text.rstrip(" \t") + " "
            out.append(prefix + text + suffix)
        else:
            out.append(prefix + text + suffix)
    result = "".join(out)
    body = node.text[node.head_end :]
    if changed_end and not node.text.endswith("\n") and not tail and not body:
        result = result.rstrip("\r\n")
    if tail and body:
        # Comments cannot stand between a head and its heredoc bodies: they go above the instruction.
        return "".join(tail) + result + body
    return result + "".join(tail) + body
