"""How BuildKit splits one logical line: keyword, flags, JSON form, key-value pairs, heredoc words.

Follows ``frontend/dockerfile/parser`` of moby/buildkit (``split_command.go``, ``line_parsers.go``).
Offsets are into the logical line: continuations removed, comment lines dropped.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from dockopt.syntax.words import SPACE, ExpansionError, raw_words

KEYWORDS = frozenset(
    [
        "ADD",
        "ARG",
        "CMD",
        "COPY",
        "ENTRYPOINT",
        "ENV",
        "EXPOSE",
        "FROM",
        "HEALTHCHECK",
        "LABEL",
        "MAINTAINER",
        "ONBUILD",
        "RUN",
        "SHELL",
        "STOPSIGNAL",
        "USER",
        "VOLUME",
        "WORKDIR",
    ]
)
JSON_KEYWORDS = frozenset(("ADD", "CMD", "COPY", "ENTRYPOINT", "RUN", "SHELL", "VOLUME"))
HEREDOC_KEYWORDS = frozenset(("ADD", "COPY", "RUN"))

_WHITESPACE = re.compile(r"[\t\v\f\r ]+")
_PLAIN_WORD = re.compile(f"[^{SPACE}]+")
_WORD = {
    escape: re.compile(
        rf"""(?:[^{SPACE}'"{quoted}]+|{quoted}.|"(?:[^"{quoted}]|{quoted}.)*"|'[^']*')+""",
        re.S,
    )
    for escape, quoted in (("\\", "\\\\"), ("`", "`"))
}
_HEREDOC = re.compile(r"(\d*)<<(-?)\s*([^<]*)\Z")
_JSON_STRING = r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"'
_JSON_ARRAY = re.compile(
    rf"\[[ \t\r\n]*(?:{_JSON_STRING}[ \t\r\n]*(?:,[ \t\r\n]*{_JSON_STRING}[ \t\r\n]*)*)?\][ \t\r\n]*\Z"
)
_JSON_ITEM = re.compile(_JSON_STRING)
_JSON_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))")
_JSON_SIMPLE = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


_new = tuple.__new__  #: of a NamedTuple, without the call of its own ``__new__``


class GrammarError(ValueError):
    """A line BuildKit rejects."""


class Flag(NamedTuple):
    """A builder flag, ``--mount=type=cache,target=/x``: as BuildKit reads it, and where it stands."""

    text: str  #: quotes and escapes removed, as BuildKit gives it
    start: int
    end: int

    @property
    def name(self) -> str:
        return self.text[2:].partition("=")[0]

    @property
    def value(self) -> str | None:
        """The value, or None for a bare ``--link``."""
        _, equals, value = self.text.partition("=")
        return value if equals else None


class Token(NamedTuple):
    """A word as ``parseWords`` cuts it: quotes and escapes kept."""

    text: str
    start: int
    end: int


class Pair(NamedTuple):
    """One key of ENV or LABEL, with its raw value; the legacy form has ``legacy`` set."""

    key: str
    value: str  #: raw: quotes, escapes and ``$`` as written
    start: int
    end: int
    value_start: int
    legacy: bool


class HeredocWord(NamedTuple):
    """``<<EOF`` as it stands on the instruction's line."""

    name: str
    expand: bool  #: False where any part of the delimiter is quoted
    chomp: bool  #: ``<<-``: leading tabs are removed
    fd: int


@lru_cache(maxsize=4096)  # the proof reads lines again, and many a line stands in many files
def split_line(line: str, escape: str) -> tuple[str, int, tuple[Flag, ...], int, int]:
    """Cut a logical line: keyword, its start, flags, and the span of the arguments."""
    end = len(line.rstrip(SPACE))
    start = len(line) - len(line.lstrip(SPACE))
    match = _WHITESPACE.search(line, start, end)
    if match is None:
        return line[start:end], start, (), end, end
    keyword = line[start : match.start()]
    args_start = match.end()
    flags: tuple[Flag, ...] = ()
    if line.startswith("--", args_start):
        flags, args_start = _flags(line, args_start, end, escape)
    while args_start < end and line[args_start] in SPACE:
        args_start += 1
    return keyword, start, flags, args_start, end


def _flags(line: str, pos: int, end: int, escape: str) -> tuple[tuple[Flag, ...], int]:
    flags: list[Flag] = []
    while True:
        while pos < end and line[pos] in SPACE:
            pos += 1
        if not line.startswith("--", pos) or pos + 1 >= end:
            return tuple(flags), pos
        start = pos
        quote = ""
        text: list[str] = []
        while pos < end:
            ch = line[pos]
            if not quote and ch in SPACE:
                break
            if not quote and ch in "'\"":
                quote = ch
            elif quote and ch == quote:
                quote = ""
            elif ch == escape:
                if pos + 1 < end:
                    pos += 1
                    text.append(line[pos])
            else:
                text.append(ch)
            pos += 1
        word = "".join(text)
        if word == "--":
            return tuple(flags), pos
        flags.append(Flag(word, start, pos))


def parse_json(text: str) -> tuple[str, ...] | None:
    """The strings of a JSON array, or None where ``text`` is not JSON (BuildKit then reads words).

    :raises GrammarError: valid JSON that holds something other than strings.
    """
    text = text.lstrip(SPACE)
    if not text.startswith("["):
        return None
    if _JSON_ARRAY.match(text):
        return tuple(_json_string(item) for item in _JSON_ITEM.findall(text))
    import json  # only for arrays that are malformed or hold non-strings: seldom, and json is slow to import

    def reject(name: str) -> None:
        raise ValueError(name)  # Go's decoder knows no NaN or Infinity

    try:
        value = json.loads(text, parse_constant=reject)
    except (ValueError, RecursionError):
        return None
    if isinstance(value, list) and not all(isinstance(item, str) for item in value):
        raise GrammarError("when using JSON array syntax, arrays must be comprised of strings only")
    return None


def _json_string(quoted: str) -> str:
    text = quoted[1:-1]
    if "\\" not in text:
        return text

    def unescape(match: re.Match[str]) -> str:
        if match[1]:
            return chr(int(match[1], 16))
        return _JSON_SIMPLE.get(match[2], match[2])

    text = _JSON_ESCAPE.sub(unescape, text)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def tokens(line: str, start: int, end: int, escape: str) -> list[Token]:
    """BuildKit's ``parseWords``: cut on white space outside quotes; quotes and escapes stay."""
    if "'" not in line and '"' not in line and escape not in line:
        return [_new(Token, (match[0], *match.span())) for match in _PLAIN_WORD.finditer(line, start, end)]
    return _quick_tokens(line, start, end, escape) or _slow_tokens(line, start, end, escape)


def _quick_tokens(line: str, start: int, end: int, escape: str) -> list[Token]:
    """The words where every quote is closed and every escape has something to escape; else none."""
    pattern = _WORD[escape]
    found: list[Token] = []
    pos = start
    while True:
        while pos < end and line[pos] in SPACE:
            pos += 1
        if pos >= end:
            return found
        match = pattern.match(line, pos, end)
        if match is None or (match.end() < end and line[match.end()] not in SPACE):
            return []
        stop = match.end()
        found.append(_new(Token, (match[0], pos, stop)))
        pos = stop


def _slow_tokens(line: str, start: int, end: int, escape: str) -> list[Token]:
    """BuildKit's own loop, character by character."""
    found: list[Token] = []
    pos = start
    while True:
        while pos < end and line[pos] in SPACE:
            pos += 1
        if pos >= end:
            return found
        first = pos
        quote = ""
        kept: list[str] = []
        while pos < end:
            ch = line[pos]
            if not quote and ch in SPACE:
                break
            if not quote:
                if ch in "'\"":
                    quote = ch
            elif ch == quote:
                quote = ""
            if ch == escape and quote != "'":
                if pos + 1 >= end:  # an escape token that ends the line is dropped
                    pos += 1
                    quote = ""
                    continue
                kept.append(ch)
                pos += 1
                ch = line[pos]
            kept.append(ch)
            pos += 1
        if kept:
            found.append(Token("".join(kept), first, pos))


def pairs(line: str, start: int, end: int, escape: str, keyword: str) -> list[Pair]:
    """The keys and raw values of ENV or LABEL.

    :raises GrammarError: a word without ``=`` after the first, or a legacy form without value.
    """
    words = tokens(line, start, end, escape)
    if not words:
        return []
    if "=" not in words[0].text:
        match = _WHITESPACE.search(line, start, end)
        if match is None:
            raise GrammarError(f"{keyword} must have two arguments")
        return [Pair(line[start : match.start()], line[match.end() : end], start, end, match.end(), True)]
    found: list[Pair] = []
    for word in words:
        key, equals, value = word.text.partition("=")
        if not equals:
            raise GrammarError(f"Syntax error - can't find = in {word.text!r}. Must be of the form: name=value")
        found.append(Pair(key, value, word.start, word.end, word.start + len(key) + 1, False))
    return found


def whitespace_words(text: str) -> list[str]:
    """BuildKit's ``parseStringsWhitespaceDelimited``."""
    return _WHITESPACE.split(text) if text else []


def heredoc_words(line: str) -> list[HeredocWord]:
    """The heredocs a logical line opens, in order.

    :raises GrammarError: where BuildKit's lexer gives up on the delimiter.
    """
    try:
        words = raw_words(line, raw_quotes=True, raw_escapes=True)
    except ExpansionError:
        return []
    return [doc for word in words if (doc := parse_heredoc(word)) is not None]


def parse_heredoc(word: str) -> HeredocWord | None:
    """Read one word as a heredoc opener, None where it is none."""
    match = _HEREDOC.match(word)
    if match is None or not match[3]:
        return None
    try:
        plain = raw_words(match[3], raw_quotes=False, raw_escapes=False)
        if len(plain) != 1:
            return None
        quoted = raw_words(match[3], raw_quotes=True, raw_escapes=False)
    except ExpansionError as error:
        raise GrammarError(str(error)) from None
    if len(quoted) != 1:
        raise GrammarError(f"internal lexing of heredoc produced inconsistent results: {match[3]}")
    count = plain[0].count("'") + plain[0].count('"')
    count_quoted = quoted[0].count("'") + quoted[0].count('"')
    return HeredocWord(plain[0], count == count_quoted, match[2] == "-", int(match[1] or 0))
