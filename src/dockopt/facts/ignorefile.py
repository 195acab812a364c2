"""``.dockerignore``: which paths of a build context the builder never sees.

Follows moby/patternmatcher (``patternmatcher.go`` and ``ignorefile/ignorefile.go``), the only definition
there is; https://docs.docker.com/build/concepts/context/#dockerignore-files describes it. A pattern it
would reject makes the build fail, and here sets :attr:`IgnoreRules.error`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

# What Go's unicode.IsSpace takes.
_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
_LITERAL_IN_GO = frozenset(".+()|{}$")


class PatternError(ValueError):
    """A pattern Docker rejects."""


class IgnoreRules:
    """The rules of one ignore file, in order: the last that matches a path, or a folder above it, decides."""

    def __init__(self, text: str = "", source: str = "") -> None:
        self.source = source  #: the file's path, empty where there is none
        self.error: str | None = None  #: why Docker would refuse the file
        self.patterns: list[_Pattern] = []
        for number, pattern in read_lines(text):
            try:
                self.patterns.append(_Pattern(pattern, number))
            except PatternError as error:
                self.error = self.error or f"{source or '.dockerignore'}:{number}: {error}"
        self.exceptions = any(pattern.exclusion for pattern in self.patterns)

    def match(self, path: str) -> bool:
        """Whether ``path`` (slashes, relative to the context) is hidden from the build.

        moby's ``MatchesOrParentMatches``.
        """
        return self.decide(path)[0]

    def decide(self, path: str) -> tuple[bool, str]:
        """:meth:`match`, and which rule decided: ``.dockerignore:3: *.md``; empty for none."""
        path = clean(path)
        if path == ".":
            return False, ""  # "Don't let them exclude everything, kind of silly."
        parts = path.split("/")
        parents = ["/".join(parts[: end + 1]) for end in range(len(parts) - 1)]
        hidden, rule = False, ""
        for pattern in self.patterns:
            if pattern.exclusion != hidden:
                continue
            if pattern.match(path) or any(pattern.match(parent) for parent in parents):
                hidden = not pattern.exclusion
                rule = (
                    f"{self.source or '.dockerignore'}:{pattern.line}: {'!' if pattern.exclusion else ''}{pattern.text}"
                )
        return hidden, rule

    def may_hold_exceptions(self, folder: str) -> bool:
        """Whether a hidden folder can still hold a path that a ``!`` rule brings back."""
        prefix = folder + "/"
        for pattern in self.patterns:
            if pattern.exclusion:
                fixed = re.split(r"[*?\[\\]", pattern.text, maxsplit=1)[0]
                if fixed.startswith(prefix) or prefix.startswith(fixed):
                    return True
        return False


def read_lines(text: str) -> list[tuple[int, str]]:
    """The patterns of an ignore file with their lines (1-based); ``ignorefile.ReadAll``."""
    found: list[tuple[int, str]] = []
    for number, line in enumerate(text.split("\n"), 1):
        line = line.removesuffix("\r")  # bufio.ScanLines
        if number == 1:
            line = line.removeprefix("\ufeff")
        if line.startswith("#"):
            continue
        pattern = line.strip(_SPACE)
        if not pattern:
            continue
        invert = pattern[0] == "!"
        if invert:
            pattern = pattern[1:].strip(_SPACE)
        if pattern:
            pattern = clean(pattern)
            if len(pattern) > 1 and pattern[0] == "/":
                pattern = pattern[1:]
        found.append((number, "!" + pattern if invert else pattern))
    return found


def clean(path: str) -> str:
    """Go's ``filepath.Clean`` on a path with slashes."""
    rooted = path.startswith("/")
    parts: list[str] = []
    for part in path.split("/"):
        if part in ("", "."):
            continue
        if part == "..":
            if parts and parts[-1] != "..":
                parts.pop()
            elif not rooted:
                parts.append(part)
        else:
            parts.append(part)
    return ("/" if rooted else "") + "/".join(parts) or "."


class _Pattern:
    """``patternmatcher.Pattern``: an exact string, a prefix, a suffix or a regular expression."""

    def __init__(self, text: str, line: int) -> None:
        text = clean(text)
        self.line = line
        self.exclusion = text.startswith("!")
        if self.exclusion:
            if len(text) == 1:
                raise PatternError('illegal exclusion pattern: "!"')
            text = text[1:]
        self.text = text
        check_syntax(text)
        self._kind, self._regexp = _compile(text)

    def match(self, path: str) -> bool:
        if self._kind == "exact":
            return path == self.text
        if self._kind == "prefix":
            return path.startswith(self.text[:-2])
        if self._kind == "suffix":
            suffix = self.text[2:]
            return path.endswith(suffix) or (suffix[:1] == "/" and path == suffix[1:])
        return self._regexp is not None and self._regexp.search(path) is not None


def _compile(pattern: str) -> tuple[str, re.Pattern[str] | None]:
    """``Pattern.compile``, its quirks kept: what it takes for a literal decides between suffix and regexp."""
    out: list[str] = ["\\A"]
    kind = "exact"
    position, first = 0, True
    while position < len(pattern):
        ch = pattern[position]
        position += 1
        if ch == "*":
            if pattern.startswith("*", position):
                position += 1
                if pattern.startswith("/", position):
                    position += 1
                if position == len(pattern):
                    if kind == "exact":
                        kind = "prefix"
                    else:
                        out.append(".*")
                        kind = "regexp"
                else:
                    out.append("(?:.*/)?")
                    kind = "regexp"
                if first:
                    kind = "suffix"
            else:
                out.append("[^/]*")
                kind = "regexp"
        elif ch == "?":
            out.append("[^/]")
            kind = "regexp"
        elif ch in _LITERAL_IN_GO:
            out.append("\\" + ch)
        elif ch == "\\":
            if position < len(pattern):
                out.append(_escaped(pattern[position]))
                position += 1
                kind = "regexp"
            else:
                out.append("\\\\")
        elif ch == "[":
            group, position = _class(pattern, position)
            out.append(group)
            kind = "regexp"
        elif ch == "]":
            out.append("\\]")
            kind = "regexp"
        else:
            out.append(ch)
        first = False
    if kind != "regexp":
        return kind, None
    try:
        return kind, re.compile("".join(out) + "\\Z", re.ASCII)
    except re.error as error:
        raise PatternError(f"syntax error in pattern: {pattern}") from error


def _escaped(ch: str) -> str:
    # moby passes the pair on to Go's regexp, where a letter is a class or an error.
    if ch in "dDwWsSbB":
        return "\\" + ch
    if ch.isascii() and ch.isalnum():
        raise PatternError(f"syntax error in pattern: \\{ch}")
    return re.escape(ch)


def _class(pattern: str, position: int) -> tuple[str, int]:
    """The character class that starts after ``[``; :func:`check_syntax` has seen that it is well formed."""
    out = ["["]
    if pattern.startswith("^", position):
        out.append("^")
        position += 1
    started = False
    while pattern[position] != "]" or not started:
        if pattern.startswith("[:", position):
            raise PatternError(f"POSIX class in {pattern}, which dockopt does not read")
        low, position = _class_character(pattern, position)
        high = low
        if pattern.startswith("-", position):
            high, position = _class_character(pattern, position + 1)
        if low > high:
            raise PatternError(f"syntax error in pattern: {pattern}")
        out.append(re.escape(low) if low == high else f"{re.escape(low)}-{re.escape(high)}")
        started = True
    return "".join(out) + "]", position + 1


def _class_character(pattern: str, position: int) -> tuple[str, int]:
    if pattern[position] == "\\":
        position += 1
    return pattern[position], position + 1


def check_syntax(pattern: str) -> None:
    """What makes Go's ``filepath.Match`` give ``ErrBadPattern``.

    :raises PatternError: for an unclosed or empty class, a range without an end, a backslash at the end.
    """
    bad = PatternError(f"syntax error in pattern: {pattern}")
    position, end = 0, len(pattern)

    def character(position: int) -> int:
        if position >= end or pattern[position] in "-]":
            raise bad
        if pattern[position] == "\\":
            position += 1
        if position + 1 >= end:  # getEsc: nothing may be left to close the class with
            raise bad
        return position + 1

    while position < end:
        ch = pattern[position]
        position += 1
        if ch == "\\":
            if position >= end:
                raise bad
            position += 1
        elif ch == "[":
            if pattern.startswith("^", position):
                position += 1
            count = 0
            while not (position < end and pattern[position] == "]" and count):
                position = character(position)
                if pattern.startswith("-", position):
                    position = character(position + 1)
                count += 1
            position += 1


class Hidden(NamedTuple):
    """A path the ignore file hides, and the rule that does: ``.dockerignore:3: *.md``."""

    path: str
    rule: str
