"""The checklist as a table, and for programs.

Version 1 of the JSON, which only ever gains keys::

    {
      "version": 1, "dockopt": "0.1.0", "command": "score",
      "files": [
        {
          "path": "api/Dockerfile", "score": 46,        # of 100; null with an error
          "error": null,                                # or {"message": "…", "line": 3}
          "lines": [
            {
              "id": "non-root", "title": "Run as non-root user",
              "status": "fail",                         # pass | part | fail | unknown | none (does not apply)
              "points": 0, "possible": 12,
              "evidence": "the container runs as root (…)",
              "transforms": ["add-user"],               # those that put it right
              "fix": "dockopt fix --unsafe-fixes: add-user"
            }
          ]
        }
      ],
      "errors": [],                                     # those that belong to no file
      "lowest": 46                                      # of all files; null without any
    }
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from dockopt import __version__
from dockopt.engine.score import Score

_MARKS = {"pass": "yes", "part": "partly", "fail": "no", "unknown": "?", "none": "-"}


class Judged(NamedTuple):
    """A file and what it came to; ``error`` for one that could not be read."""

    path: str
    score: Score


def table(judged: Judged, *, colour: bool = False, width: int | None = None) -> str:
    """One file's table under its score.

    :param width: of the terminal; where it is too narrow, evidence stands below the line it belongs to.
    """
    lines = judged.score.lines
    head = f"{judged.path}: {judged.score.points} of 100"
    rows = [("", "points", "line", "evidence")]
    for line in lines:
        points = f"{line.points}/{line.possible}" if line.possible else "-"
        rows.append((_MARKS[line.status], points, line.title, line.evidence))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    before = sum(widths) + 8
    if width is not None and before + max(len(text) for line in lines for text in (line.evidence, line.fix)) > width:
        return _narrow(head, rows, [line.fix for line in lines], width, colour)
    out = [_bold(head, colour)]
    for row, fix in zip(rows, ["", *(line.fix for line in lines)], strict=True):
        text = f"  {row[0]:<{widths[0]}}  {row[1]:>{widths[1]}}  {row[2]:<{widths[2]}}  {row[3]}".rstrip()
        out.append(_bold(text, colour) if row is rows[0] else text)
        if fix:
            out.append(" " * before + f"→ {fix}")
    return "".join(line + "\n" for line in out)


def _narrow(head: str, rows: list[tuple[str, str, str, str]], fixes: list[str], width: int, colour: bool) -> str:
    from textwrap import wrap

    marks, points = (max(len(row[column]) for row in rows) for column in range(2))
    indent = " " * (marks + points + 6)
    out = [_bold(head, colour)]
    for row, fix in zip(rows[1:], fixes, strict=True):
        out.append(_bold(f"  {row[0]:<{marks}}  {row[1]:>{points}}  {row[2]}", colour))
        for text in (row[3], f"→ {fix}" if fix else ""):
            out += wrap(text, max(width, 40), initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
    return "".join(line + "\n" for line in out)


def report(judged: Iterable[Judged], errors: Sequence[str] = ()) -> str:
    """The whole report for programs, one line ended by a newline."""
    import json

    files = [_file(each) for each in judged]
    scores = [file["score"] for file in files if isinstance(file["score"], int)]
    value = {
        "version": 1,
        "dockopt": __version__,
        "command": "score",
        "files": files,
        "errors": list(errors),
        "lowest": min(scores) if scores else None,
    }
    return json.dumps(value, separators=(",", ":")) + "\n"


def _file(judged: Judged) -> dict[str, object]:
    score = judged.score
    error = None if score.error is None else {"message": score.error, "line": score.error_line}
    return {
        "path": judged.path,
        "score": None if error else score.points,
        "error": error,
        "lines": [line._asdict() for line in score.lines],
    }


def _bold(text: str, colour: bool) -> str:
    return f"\x1b[1m{text}\x1b[m" if colour else text
