"""BuildKit's word processing: quotes, escapes and ``$VAR`` expansion in Dockerfile arguments.

Follows ``frontend/dockerfile/shell/lex.go`` of moby/buildkit, the only definition there is: the
reference page describes a subset. Its own tables, ``wordsTest`` and ``envVarTest``, pass
(``bench/buildkit_testfiles.py``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

# Go's unicode.IsSpace; Python's str.isspace() also takes U+001C to U+001F, which Go does not.
SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"

_SPECIAL_PARAMETERS = "@*#?-$!0"
_PLAIN = re.compile(r"[A-Za-z0-9_.,:=+@-]+")
_QUOTED = re.compile(r"""'[^']*'|"[^"]*\"""")
#: No variable, neither escape token, no quote left open.
_QUOTED_ONLY = re.compile(r"""(?:[^'"$\\`]++|'[^'$\\`]*+'|"[^"$\\`]*+")*+\Z""")


class ExpansionError(ValueError):
    """A word BuildKit rejects: an unclosed quote, a bad substitution, an unsupported modifier."""


def process_word(text: str, env: Mapping[str, str], escape: str = "\\") -> str:
    """Expand and unquote ``text`` as one word.

    :raises ExpansionError: where BuildKit would reject it.
    """
    if _QUOTED_ONLY.match(text):  # as most are: nothing but quotes to take away
        return _QUOTED.sub(_inside, text) if "'" in text or '"' in text else text
    return _Lexer(text, env, escape).run()[0]


def _inside(match: re.Match[str]) -> str:
    return match[0][1:-1]


def process_words(text: str, env: Mapping[str, str], escape: str = "\\") -> list[str]:
    """Expand, unquote and split ``text`` into words; the split comes after the expansion.

    :raises ExpansionError: where BuildKit would reject it.
    """
    return _Lexer(text, env, escape).run()[1]


def raw_words(text: str, *, raw_quotes: bool, raw_escapes: bool) -> list[str]:
    """Split ``text`` as BuildKit does to look for heredocs: unset variables stay as written.

    :raises ExpansionError: where BuildKit would reject it.
    """
    lexer = _Lexer(text, {}, "\\", raw_quotes=raw_quotes, raw_escapes=raw_escapes, skip_unset=True)
    return lexer.run()[1]


class UnresolvedError(ExpansionError):
    """Raised by :func:`expand_known` for a name whose value is not known here."""


def expand_known(text: str, env: Mapping[str, str | None], escape: str = "\\") -> str | None:
    """Expand ``text`` where every variable it reads has a known value, else return None.

    A name that is absent, or mapped to None, has a value nobody can tell from the file: a build argument,
    or whatever the base image's environment says (every image sets ``PATH``, at least).
    """
    if "$" not in text and escape not in text:
        if "'" not in text and '"' not in text:
            return text
        if text[0] == text[-1] and text[0] in "\"'" and text.count(text[0]) == 2 and len(text) > 1:
            return text[1:-1]  # one quoted string, as most values are
    elif _PLAIN_REFERENCES.match(text):
        try:
            return _REFERENCE.sub(lambda match: _known(env, match[1] or match[2]), text)
        except UnresolvedError:
            return None
    try:
        return process_word(text, _Known(env), escape)
    except ExpansionError:
        return None


def _known(env: Mapping[str, str | None], name: str) -> str:
    value = env.get(name)
    if value is None:
        raise UnresolvedError(name)
    return value


_REFERENCE = re.compile(r"\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})", re.A)
_PLAIN_REFERENCES = re.compile(r"(?:[\w./:=+,@ -]++|\$[A-Za-z_]\w*+|\$\{[A-Za-z_]\w*+\})*+\Z", re.A)
_PATTERN_MODIFIER = re.compile(r"\$\{\w+[#%/]")


def same_value(one: str, other: str, escape: str = "\\") -> bool:
    """Whether two spellings of a word give one value whatever its variables hold.

    Tried with every variable set, empty, and unset, which tells ``:-``, ``-``, ``:+`` and ``+`` apart. A word
    that cuts or replaces by a pattern, or that BuildKit rejects, is only the same as itself.
    """
    if one == other:
        return True
    if _PATTERN_MODIFIER.search(one) or _PATTERN_MODIFIER.search(other):
        return False
    environments: tuple[Mapping[str, str], ...] = (_MARKED, _EMPTY, {})
    try:
        return all(process_word(one, env, escape) == process_word(other, env, escape) for env in environments)
    except ExpansionError:
        return False


class _Every(Mapping[str, str]):
    """An environment in which every name has a value made from ``form``."""

    def __init__(self, form: str) -> None:
        self._form = form

    def __getitem__(self, name: str) -> str:
        return self._form.format(name)

    def __iter__(self):  # type: ignore[no-untyped-def]
        return iter(())

    def __len__(self) -> int:
        return 0


# NUL cannot stand in a Dockerfile's values: a mark never meets itself in the text.
_MARKED, _EMPTY = _Every("\0{}\0"), _Every("")


class _Known(Mapping[str, str]):
    def __init__(self, env: Mapping[str, str | None]) -> None:
        self._env = env

    def __getitem__(self, name: str) -> str:
        value = self._env.get(name)
        if value is None:
            raise UnresolvedError(name)
        return value

    def __iter__(self):  # type: ignore[no-untyped-def]
        return iter(self._env)

    def __len__(self) -> int:
        return len(self._env)


class _Lexer:
    def __init__(
        self,
        text: str,
        env: Mapping[str, str],
        escape: str,
        *,
        raw_quotes: bool = False,
        raw_escapes: bool = False,
        skip_unset: bool = False,
    ) -> None:
        self.text = text
        self.pos = 0
        self.env = env
        self.escape = escape
        self.raw_quotes = raw_quotes
        self.raw_escapes = raw_escapes
        self.skip_unset = skip_unset

    def run(self) -> tuple[str, list[str]]:
        return self._until(None, self.raw_escapes)

    def _peek(self) -> str:
        return self.text[self.pos] if self.pos < len(self.text) else ""

    def _next(self) -> str:
        ch = self._peek()
        self.pos += 1 if ch else 0
        return ch

    def _until(self, stop: str | None, raw_escapes: bool) -> tuple[str, list[str]]:
        saved, self.raw_escapes = self.raw_escapes, raw_escapes
        try:
            return self._scan(stop)
        finally:
            self.raw_escapes = saved

    def _scan(self, stop: str | None) -> tuple[str, list[str]]:
        result: list[str] = []
        words = _Words()
        while ch := self._peek():
            plain = _PLAIN.match(self.text, self.pos)
            if plain is not None:  # a stretch no rule looks at
                self.pos = plain.end()
                words.raw(plain[0])
                result.append(plain[0])
                continue
            if stop is not None and ch == stop:
                self.pos += 1
                return "".join(result), words.finish()
            if ch == "'":
                part = self._single_quoted()
                words.raw(part)
            elif ch == '"':
                part = self._double_quoted()
                words.raw(part)
            elif ch == "$":
                part = self._dollar()
                words.split(part)
            elif ch == "<":
                part = self._less_than()
                words.raw(part)
            else:
                self.pos += 1
                part = ch
                if ch == self.escape:
                    part = ""
                    if self.raw_escapes:
                        words.raw(ch)
                        part = ch
                    following = self._next()
                    if not following:
                        result.append(part)
                        break
                    words.raw(following)
                    part += following
                else:
                    words.split(ch)
            result.append(part)
        if stop is not None:
            raise ExpansionError(f"unexpected end of statement while looking for matching {stop}")
        return "".join(result), words.finish()

    def _single_quoted(self) -> str:
        end = self.text.find("'", self.pos + 1)
        if end < 0:
            raise ExpansionError("unexpected end of statement while looking for matching single-quote")
        part = self.text[self.pos : end + 1] if self.raw_quotes else self.text[self.pos + 1 : end]
        self.pos = end + 1
        return part

    def _double_quoted(self) -> str:
        out: list[str] = []
        self.pos += 1
        if self.raw_quotes:
            out.append('"')
        while True:
            ch = self._peek()
            if not ch:
                raise ExpansionError("unexpected end of statement while looking for matching double-quote")
            if ch == '"':
                self.pos += 1
                if self.raw_quotes:
                    out.append('"')
                return "".join(out)
            if ch == "$":
                out.append(self._dollar())
                continue
            self.pos += 1
            if ch == self.escape:
                if self.raw_escapes:
                    out.append(ch)
                following = self._peek()
                if not following:
                    continue
                if following in ('"', "$", self.escape):
                    self.pos += 1
                    ch = following
            out.append(ch)

    def _less_than(self) -> str:
        self.pos += 1
        if self._peek() != "<":
            return "<"
        self.pos += 1
        # BuildKit since 0.21 keeps white space between << and the delimiter in one word.
        start = self.pos
        while self._peek() in ("\t", "\r", " ") and self._peek():
            self.pos += 1
        return "<<" + self.text[start : self.pos]

    def _dollar(self) -> str:
        self.pos += 1
        if self._peek() != "{":
            name = self._name()
            if not name:
                return "$"
            value = self._get(name)
            if value is None:
                return "$" + name if self.skip_unset else ""
            return value
        self.pos += 1
        ch = self._peek()
        if not ch:
            raise ExpansionError("syntax error: missing '}'")
        if ch in "{}:":
            raise ExpansionError("syntax error: bad substitution")
        name = self._name()
        ch = self._next()
        if ch == "}":
            value = self._get(name)
            if value is None:
                return "${" + name + "}" if self.skip_unset else ""
            return value
        if ch == "/":
            return self._replace(name)
        modifier = ch
        if ch == ":":
            ch = self._next()
            modifier += ch
        elif ch not in ("+", "-", "?", "#", "%"):
            raise ExpansionError(f"unsupported modifier ({modifier}) in substitution")
        return self._modified(name, ch, modifier)

    def _modified(self, name: str, ch: str, modifier: str) -> str:
        null_is_unset = modifier.startswith(":")
        pattern = ch in ("#", "%")
        if null_is_unset and pattern:
            raise ExpansionError(f"unsupported modifier ({modifier}) in substitution")
        word = self._closing("}", pattern)
        value = self._get(name)
        if self.skip_unset and value is None:
            return "${" + name + modifier + word + "}"
        present = value is not None and not (null_is_unset and value == "")
        if ch == "-":
            return value if present and value is not None else word
        if ch == "+":
            return word if present else ""
        if ch == "?":
            if not present or value is None:
                default = "is not allowed to be unset" if value is None else "is not allowed to be empty"
                raise ExpansionError(f"{name}: {word or default}")
            return value
        if pattern:
            greedy = word.startswith(ch)
            word = word[1:] if greedy else word
            return (_trim_suffix if ch == "%" else _trim_prefix)(word, value or "", greedy)
        raise ExpansionError(f"unsupported modifier ({modifier}) in substitution")

    def _closing(self, stop: str, raw_escapes: bool) -> str:
        try:
            return self._until(stop, raw_escapes)[0]
        except UnresolvedError:
            raise
        except ExpansionError:
            if not self._peek():
                raise ExpansionError(f"syntax error: missing '{stop}'") from None
            raise

    def _replace(self, name: str) -> str:
        everywhere = self._peek() == "/"
        if everywhere:
            self.pos += 1
        pattern = self._closing("/", True)
        replacement = self._closing("}", True)
        value = self._get(name)
        if self.skip_unset and value is None:
            return "${" + f"{name}/{pattern}/{replacement}" + "}"
        regex = _glob_regex(pattern, greedy=True, anchored=False)
        return regex.sub(lambda _: replacement, value or "", count=0 if everywhere else 1)

    def _name(self) -> str:
        start = self.pos
        ch = self._peek()
        if ch.isdigit():
            while self._peek().isdigit():
                self.pos += 1
            return self.text[start : self.pos]
        if ch and ch in _SPECIAL_PARAMETERS:
            self.pos += 1
            return ch
        while (ch := self._peek()) and (ch.isalpha() or ch.isdigit() or ch == "_"):
            self.pos += 1
        return self.text[start : self.pos]

    def _get(self, name: str) -> str | None:
        try:
            return self.env[name]
        except KeyError:
            return None


class _Words:
    __slots__ = ("_buffer", "_in_word", "_words")

    def __init__(self) -> None:
        self._words: list[str] = []
        self._buffer: list[str] = []
        self._in_word = False

    def split(self, text: str) -> None:
        for ch in text:
            if ch in SPACE:
                if self._in_word and any(self._buffer):
                    self._words.append("".join(self._buffer))
                    self._buffer.clear()
                    self._in_word = False
            else:
                self.raw(ch)

    def raw(self, text: str) -> None:
        self._buffer.append(text)
        self._in_word = True

    def finish(self) -> list[str]:
        if any(self._buffer):
            self._words.append("".join(self._buffer))
            self._buffer.clear()
        return self._words


def _glob_regex(pattern: str, *, greedy: bool, anchored: bool) -> re.Pattern[str]:
    out = ["^" if anchored else ""]
    i = 0
    while i < len(pattern):
        ch = pattern[i]
        i += 1
        if ch == "*":
            out.append(".*" if greedy else ".*?")
        elif ch == "?":
            out.append(".")
        elif ch == "\\":
            following = pattern[i] if i < len(pattern) else ""
            if following in ("}", "/"):
                continue
            if following not in ("*", "?", "\\"):
                raise ExpansionError(f"invalid pattern ({pattern}) in substitution: invalid escape")
            out.append("\\" + following)
            i += 1
        else:
            out.append(re.escape(ch))
    return re.compile("".join(out))


def _trim_prefix(pattern: str, value: str, greedy: bool) -> str:
    match = _glob_regex(pattern, greedy=greedy, anchored=True).search(value)
    return value[match.end() :] if match else value


def _trim_suffix(pattern: str, value: str, greedy: bool) -> str:
    # The shortest match at the end cannot be had from a leftmost search, so both sides are reversed.
    return _trim_prefix(_reverse_pattern(pattern), value[::-1], greedy)[::-1]


def _reverse_pattern(pattern: str) -> str:
    tokens = re.findall(r"\\.|.", pattern, re.S)
    return "".join(reversed(tokens))
