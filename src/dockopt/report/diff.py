"""Unified diffs that ``git apply`` and ``patch -p1`` accept, each hunk naming the transforms that made it.

Bytes throughout: a Dockerfile may hold any, and a patch must carry them unchanged. Lines end at ``\\n`` only,
as git and patch have it, so that the CR of a CRLF is part of its line.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from dockopt.engine.model import Entry

CONTEXT = 3

_BOLD, _CYAN, _RED, _GREEN, _PLAIN = b"\x1b[1m", b"\x1b[36m", b"\x1b[31m", b"\x1b[32m", b"\x1b[m"


class _Change(NamedTuple):
    """Lines ``start:stop`` of the old text become ``new_start:new_stop`` of the new one, 0-based."""

    start: int
    stop: int
    new_start: int
    new_stop: int


def unified(
    before: bytes | None, after: bytes, path: str, entries: Iterable[Entry] = (), *, colour: bool = False
) -> bytes:
    """The unified diff from ``before`` to ``after``; empty when they are equal.

    :param before: None for a file that is to be made.
    :param path: the file's path as the headers shall show it, see :func:`header_path`.
    :param entries: the journal; a hunk names the transforms of the applied ones whose lines it changes.
    :param colour: with ANSI escapes as git has them by default.
    """
    if before == after:
        return b""
    old, new = _lines(before or b""), _lines(after)
    applied = [entry for entry in entries if entry.kind == "applied"]
    out = [
        _coloured(_BOLD, b"--- " + (b"/dev/null" if before is None else _quoted("a/" + path)) + b"\n", colour),
        _coloured(_BOLD, b"+++ " + _quoted("b/" + path) + b"\n", colour),
    ]
    for changes in _hunks(_changes(old, new)):
        out.extend(_hunk(changes, old, new, applied, colour))
    return b"".join(out)


def header_path(path: str) -> str:
    """``path`` as ``git apply`` and ``patch -p1`` find it: relative to the current folder where it lies in
    it, else absolute without the leading slash, for ``patch -p1 -d /``."""
    absolute = os.path.abspath(path)
    here = os.getcwd().rstrip(os.sep) + os.sep
    relative = absolute[len(here) :] if absolute.startswith(here) else os.path.splitdrive(absolute)[1]
    return relative.replace(os.sep, "/").lstrip("/")


def _lines(data: bytes) -> list[bytes]:
    lines = data.split(b"\n")
    last = lines.pop()
    lines = [line + b"\n" for line in lines]
    if last:
        lines.append(last)
    return lines


def _changes(old: Sequence[bytes], new: Sequence[bytes]) -> list[_Change]:
    # difflib's cost grows with what it is given, and most of a file stays: the common ends are cut off first.
    head = 0
    shorter = min(len(old), len(new))
    while head < shorter and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < shorter - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    old_stop, new_stop = len(old) - tail, len(new) - tail
    if head in (old_stop, new_stop):
        return [_Change(head, old_stop, head, new_stop)]

    from difflib import SequenceMatcher

    # Its guess at which lines are too common to matter spoils the diff of a long repetitive file; without it
    # the time is quadratic, which thousands of lines cannot afford.
    guess = max(old_stop, new_stop) - head > 1000
    matcher = SequenceMatcher(None, old[head:old_stop], new[head:new_stop], guess)
    return [
        _Change(i1 + head, i2 + head, j1 + head, j2 + head)
        for tag, i1, i2, j1, j2 in matcher.get_opcodes()
        if tag != "equal"
    ]


def _hunks(changes: Iterable[_Change]) -> list[list[_Change]]:
    """Changes whose context would touch or overlap share a hunk."""
    hunks: list[list[_Change]] = []
    for change in changes:
        if hunks and change.start - hunks[-1][-1].stop <= 2 * CONTEXT:
            hunks[-1].append(change)
        else:
            hunks.append([change])
    return hunks


def _hunk(
    changes: Sequence[_Change],
    old: Sequence[bytes],
    new: Sequence[bytes],
    applied: Iterable[Entry],
    colour: bool,
) -> Iterable[bytes]:
    first, last = changes[0], changes[-1]
    start = max(0, first.start - CONTEXT)
    stop = min(len(old), last.stop + CONTEXT)
    new_start = first.new_start - (first.start - start)
    new_stop = last.new_stop + (stop - last.stop)
    ranges = f"@@ -{_range(start, stop)} +{_range(new_start, new_stop)} @@".encode()
    names = ", ".join(_names(changes, start, stop, applied)).encode()
    yield _coloured(_CYAN, ranges, colour) + (b" " + names if names else b"") + b"\n"
    at = start
    for change in changes:
        yield from (_line(b" ", line) for line in old[at : change.start])
        for line in old[change.start : change.stop]:
            yield _coloured(_RED, _line(b"-", line), colour)
        for line in new[change.new_start : change.new_stop]:
            yield _coloured(_GREEN, _line(b"+", line), colour)
        at = change.stop
    yield from (_line(b" ", line) for line in old[at:stop])


def _range(start: int, stop: int) -> str:
    length = stop - start
    if length == 1:
        return str(start + 1)
    # POSIX: an empty range names the line before it.
    return f"{start + 1 if length else start},{length}"


def _names(changes: Iterable[_Change], start: int, stop: int, applied: Iterable[Entry]) -> list[str]:
    """The transforms behind ``changes``: those whose lines were changed; for a change that only inserts,
    those whose lines it adjoins; failing both, those with lines in the hunk."""
    names: dict[str, None] = {}
    near: dict[str, None] = {}
    for entry in applied:
        first, last = entry.start_line - 1, entry.end_line  # 0-based, half-open
        for change in changes:
            low, high = change.start, change.stop
            if low == high:
                low, high = low - 1, high + 1
            if first < high and low < last:
                names[entry.transform] = None
                break
        else:
            if first < stop and start < last:
                near[entry.transform] = None
    return list(names or near)


def _line(mark: bytes, line: bytes) -> bytes:
    if line.endswith(b"\n"):
        return mark + line
    return mark + line + b"\n\\ No newline at end of file\n"


def _coloured(escape: bytes, line: bytes, colour: bool) -> bytes:
    if not colour:
        return line
    # Each line on its own: a pager shows them one by one.
    return b"\n".join(escape + part + _PLAIN if part else part for part in line.split(b"\n"))


def _quoted(path: str) -> bytes:
    """A header's path as git writes it: in C's quotes where it holds a quote, a backslash or a control
    character, with a final tab where it holds a space, so that readers know where it ends."""
    raw = os.fsencode(path)
    if any(byte < 32 or byte in b'"\\\x7f' for byte in raw):
        return b'"' + b"".join(_escaped(byte) for byte in raw) + b'"'
    return raw + b"\t" if b" " in raw else raw


def _escaped(byte: int) -> bytes:
    if byte in b'"\\':
        return b"\\" + bytes([byte])
    if byte < 32 or byte == 127:
        return b"\\%03o" % byte
    return bytes([byte])
