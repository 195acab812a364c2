"""Source text of languages with C's comments and quotes: enough to find a literal call, no more.

:func:`mask` blanks comments, so that a pattern never matches in one; strings stay, since the patterns
look for literal arguments. A call whose argument is no literal is not found, and nothing follows from it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from dockopt.facts.value import Known

_TOKEN = {
    # A quote of Rust may open a lifetime, one of Go a rune: neither can hold a quote of its own.
    "c": re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|`(?:\\.|[^`\\])*`|(//[^\n]*|/\*.*?\*/)', re.S),
    "rust": re.compile(r'r(#*)".*?"\1|"(?:\\.|[^"\\])*"|(//[^\n]*|/\*.*?\*/)', re.S),
    "hash": re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|(\#[^\n]*)'),
    "xml": re.compile(r"(<!--.*?-->)", re.S),
}


def mask(text: str, kind: str = "c") -> str:
    """The text with its comments turned to spaces; line breaks stay where they are."""

    def one(match: re.Match[str]) -> str:
        comment = match[match.re.groups]
        return re.sub(r"[^\n]", " ", comment) if comment else match[0]

    return _TOKEN[kind].sub(one, text)


class Found(NamedTuple):
    match: re.Match[str]
    where: str  #: ``src/main.go:12``


def search(pattern: re.Pattern[str], masked: str, name: str) -> list[Found]:
    """All matches with their places."""
    found: list[Found] = []
    for match in pattern.finditer(masked):
        # A pattern that starts with white space may start on the line before.
        start = match.start() + len(match[0]) - len(match[0].lstrip())
        found.append(Found(match, f"{name}:{masked.count(chr(10), 0, start) + 1}"))
    return found


def first(pattern: re.Pattern[str], text: str, name: str, group: int = 1) -> Known[str] | None:
    """The first match's group with its place."""
    found = search(pattern, text, name)
    return Known(found[0].match[group], found[0].where) if found else None
