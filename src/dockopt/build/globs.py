"""Globs over absolute paths, as effects and the lists of volatile paths use them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache


def _translated(pattern: str) -> str:
    out: list[str] = []
    position = 0
    while position < len(pattern):
        if pattern.startswith("/**/", position):
            out.append("/(?:.*/)?")
            position += 4
        elif pattern.startswith("/**", position) and position + 3 == len(pattern):
            out.append("(?:/.*)?")
            position += 3
        elif pattern.startswith("**", position):
            out.append(".*")
            position += 2
        elif pattern[position] == "*":
            out.append("[^/]*")
            position += 1
        elif pattern[position] == "?":
            out.append("[^/]")
            position += 1
        else:
            out.append(re.escape(pattern[position]))
            position += 1
    return "".join(out)


def compiled(patterns: Iterable[str]) -> re.Pattern[str]:
    """One expression that matches what any of the globs matches, whole.

    ``*`` and ``?`` stay inside one component, ``**`` does not; a final ``/**`` means the folder itself and
    everything below it. No pattern matches nothing.
    """
    return _compiled(tuple(patterns))


@cache
def _compiled(patterns: tuple[str, ...]) -> re.Pattern[str]:
    if not patterns:
        return re.compile(r"(?!)")
    return re.compile("(?:" + "|".join(map(_translated, patterns)) + r")\Z", re.DOTALL)
