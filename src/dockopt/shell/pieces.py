"""A script cut into the simple commands it is a row of.

Most scripts of RUN instructions are plain commands joined by ``&&``. An edit changes one of them or adds one,
and merging RUN instructions only puts them in a row; so what was read of a command, by itself, is kept, and
read again is only what is new. A command is plain where nothing in it can reach beyond it: words, simple
quotes, ``$NAME`` and redirections; no parentheses, braces, backslashes, comments or reserved words.
"""

from __future__ import annotations

import re

_PARAMETER = r"\$\w++|\$\{\w++\}"
_WORD = rf"""(?:[^\s'"\\`$(){{}}\[\]<>|&;#!]++|{_PARAMETER}|"(?:[^"\\`$]++|{_PARAMETER})*+"|'[^']*+')++"""
_REDIRECTION = rf"[12]?>>?[ \t]*+{_WORD}|[12]?>&[12]"
_PIECE = re.compile(
    rf"[ \t]*+({_WORD}(?:[ \t]++(?:{_REDIRECTION}|{_WORD}))*+)[ \t]*+(?:(&&|\|\|?|;)(?![;&|])|\Z)", re.A
)
_TOKEN = re.compile(rf"({_REDIRECTION})|{_WORD}", re.A)
_PART = re.compile(r"""[^'"]++|'[^']*+'|"[^"]*+\"""")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*+\+?=", re.A)
#: What opens, closes or continues something longer than a command.
_RESERVED = re.compile(
    r"(?:if|then|else|elif|fi|do|done|case|esac|while|until|for|in|function|select|time|coproc)(?![^ \t])"
)


def cut(text: str) -> list[re.Match[str]]:
    """The commands of a script as matches, each with its text and the operator behind it; none where one is not plain."""
    found: list[re.Match[str]] = []
    pos, end = 0, len(text)
    while pos < end:
        match = _PIECE.match(text, pos)
        if match is None:
            return []
        found.append(match)
        pos = match.end()
    return found


def tokens(command: str) -> list[re.Match[str]]:
    """The words of a plain command, and its redirections as matches with a first group."""
    return list(_TOKEN.finditer(command))


def value(word: str) -> str | None:
    """A word of a plain command after quote removal, None where an expansion decides."""
    if "'" not in word and '"' not in word:
        return None if "$" in word else word
    found: list[str] = []
    for part in _PART.findall(word):
        if part[0] == "'":
            found.append(part[1:-1])
        elif "$" in part:
            return None
        else:
            found.append(part[1:-1] if part[0] == '"' else part)
    return "".join(found)


def is_assignment(word: str) -> bool:
    """Whether a word before the command's name sets a variable."""
    return _ASSIGNMENT.match(word) is not None


def reserved(command: str) -> bool:
    """Whether a command begins with a reserved word."""
    return _RESERVED.match(command) is not None
