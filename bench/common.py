"""What the bench scripts share: finding Dockerfiles, an independent reading of comments, tables."""

from __future__ import annotations

import importlib.util
import json
import os
import statistics
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

NAMES = ("dockerfile", "dockerfile.*", "*.dockerfile", "containerfile", "containerfile.*", "*.containerfile")
BOM = b"\xef\xbb\xbf"


def need_dockopt() -> None:
    """End with one clear line where dockopt cannot be imported."""
    if importlib.util.find_spec("dockopt") is None:
        sys.exit(
            "dockopt is not installed here: run pip install -e . in the checkout, or set PYTHONPATH=src:transforms"
        )


def dockerfiles(folder: Path, limit: int | None = None) -> list[Path]:
    """Every Dockerfile below ``folder``, sorted by path; the first ``limit`` of them when given."""
    found: list[Path] = []
    for base, folders, files in os.walk(folder):
        folders.sort()
        found += [Path(base, name) for name in files if any(fnmatch(name.lower(), n) for n in NAMES)]
    found.sort()
    return found if limit is None else found[:limit]


def comment_lines(data: bytes) -> Counter[bytes]:
    """The text of every line whose first mark is ``#``, wherever it stands, as a multiset.

    Directives, comments inside continuations and comments of a heredoc's script all count. This knows
    nothing of the grammar on purpose: it must not share a mistake with the reader it checks.
    """
    lines = (line.strip() for line in data.removeprefix(BOM).split(b"\n"))
    return Counter(line for line in lines if line.startswith(b"#"))


def trailing_comments(script: str) -> list[str]:
    """The comments a POSIX shell would see after code in ``script``, one for each line that has one.

    A ``#`` opens a comment where a word could start and nothing quotes it (XCU 2.3, rules 8 and 9).
    """
    found: list[str] = []
    quote = ""
    word_start = True
    position = 0
    while position < len(script):
        char = script[position]
        if quote:
            if char == "\\" and quote == '"':
                position += 1
            elif char == quote:
                quote = ""
        elif char == "\\":
            position += 1
            word_start = False
        elif char in "'\"":
            quote = char
            word_start = False
        elif char == "#" and word_start:
            end = script.find("\n", position)
            end = len(script) if end < 0 else end
            found.append(script[position:end].strip())
            position = end
            continue
        else:
            word_start = char in " \t\n;&|()"
        position += 1
    return found


def line_ending(data: bytes) -> str:
    """``lf``, ``crlf``, ``mixed`` or ``none``."""
    crlf = data.count(b"\r\n")
    bare = data.count(b"\n") - crlf
    if crlf and bare:
        return "mixed"
    return "crlf" if crlf else "lf" if bare else "none"


def style_changes(before: bytes, after: bytes) -> list[str]:
    """Which of byte-order mark, line ending and final newline differ between the two."""
    changes = []
    if before.startswith(BOM) != after.startswith(BOM):
        changes.append("byte-order mark")
    was, now = line_ending(before), line_ending(after)
    # A file of one line has no line ending to keep; in a mixed one a change may take the last of a kind.
    if was in ("lf", "crlf") and now not in (was, "none"):
        changes.append(f"line ending {was} became {now}")
    if before.endswith(b"\n") != after.endswith(b"\n"):
        changes.append("final newline")
    return changes


def percentile(values: Sequence[float], share: float) -> float:
    """The value that ``share`` (0 to 1) of ``values`` do not exceed; 0.0 for none."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def median(values: Sequence[float]) -> float:
    return statistics.median(values) if values else 0.0


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A plain text table; numbers are set to the right."""
    cells = [[str(cell) for cell in row] for row in rows]
    raw = [list(head), *cells]
    widths = [max(len(row[i]) for row in raw) for i in range(len(head))]

    def line(row: Sequence[str]) -> str:
        parts = [
            cell.rjust(width) if i and cell[:1] in "0123456789-+." else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        return "  ".join(parts).rstrip()

    return "\n".join([line(raw[0]), "  ".join("-" * width for width in widths), *map(line, cells)])


def share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"


def write_json(path: str | None, value: Any) -> None:
    if path:
        Path(path).write_text(json.dumps(value, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def batches(items: Sequence[Path], size: int) -> Iterator[Sequence[Path]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
