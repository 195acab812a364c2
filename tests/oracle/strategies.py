"""Dockerfiles made up by hypothesis: valid, odd and broken ones, close to the edges of the grammar."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.oracle.buildkit import KNOWN

#: Escape token of a file, as its ``# escape=`` directive sets it.
ESCAPES = st.sampled_from(["\\", "\\", "\\", "`"])
LINE_ENDINGS = st.sampled_from(["\n", "\n", "\n", "\r\n"])
SPACES = st.sampled_from([" ", " ", " ", "  ", "\t", " \t "])
GAPS = st.sampled_from(["", "", " ", "\t", "    "])

WORDS = st.sampled_from(
    [
        "a", "b.c", "/etc/x", "apt-get", "-y", "&&", "||", ";", "|", "curl", "$HOME", "${A:-b}", "${A}",
        "'q r'", '"q r"', '"$X"', "a=b", 'a="b c"', "a='b'", "=x", "x=", "http://h/p?q=1#f", "#no", "a#b",
        "\\n", "a\\ b", "`x`", "$(id)", "[", "]", "[a]", ">", ">>", "<", "<in", "<<<", "1<2", "--flag", "--",
        "naïve", "日本", "'", '"', "'a", 'b"', "\\", "`", "a\\", "é\\", "\\\\", "'\\''", "{}", "*", "?", ",",
    ]
)  # fmt: skip
FLAGS = st.sampled_from(
    [
        "--mount=type=cache,target=/x", "--from=build", "--chown=1:1", "--link", "--platform=$BUILDPLATFORM",
        "--interval=5s", "--network=none", "--x='a b'", '--x="a b"', "--x=a\\ b", "--", "---", "--x=", "-x",
    ]
)  # fmt: skip
JSON_FORMS = st.sampled_from(
    [
        '["a"]', '["a", "b c"]', '[ "a" , "b" ]', "[]", '["\\u00e9", "\\n\\t\\"\\\\"]', "['a', 'b']",
        '["a",]', '["a"', '["a" "b"]', '["a"] b', "[1]", '["a", 1]', '[["a"]]', '["a"', "[a]", '["\\ud83d\\ude00"]',
        '["\\ud83d"]', '["a"]  ', '["\\x"]', '["\t"]', "[true, null]", "[1] x", '["a", "b"]]', '["<<EOF"]',
    ]
)  # fmt: skip
KEYWORDS = st.sampled_from([*sorted(KNOWN), "RUN", "RUN", "NONSENSE"])
DELIMITERS = st.sampled_from(["EOF", "'EOF'", '"EOF"', "E'O'F", "a.b", "-EOF", "-'EOF'", "$EOF", "\\EOF", "EOF2"])
NAMES = {"'": "", '"': "", "\\": ""}
BODY_LINES = st.sampled_from(
    ["echo a", "# a comment", "", "\techo tab", "a \\", "<<EOF", "RUN x", "EOF ", " EOF", "#!/bin/bash", "é"]
)
COMMENTS = st.sampled_from(["#", "# x", "  # indented", "\t#tab", "# ends with \\", "#escape=`", "# check=skip=all"])
DIRECTIVES = st.sampled_from(
    [
        "# syntax=docker/dockerfile:1",
        "#syntax = x",
        "# check=skip=all",
        "# escape=x",
        "# other=1",
        "#",
        "# SYNTAX=y",
    ]
)


@st.composite
def argument_lists(draw: st.DrawFn, keyword: str) -> str:
    """What follows the keyword, on one logical line."""
    if draw(st.integers(0, 4)) == 0:
        return draw(JSON_FORMS)
    flags = draw(st.lists(FLAGS, max_size=2)) if draw(st.booleans()) else []
    words = draw(st.lists(WORDS, max_size=6))
    if keyword in ("ENV", "LABEL") and draw(st.booleans()):
        words = [f"k{i}={word}" for i, word in enumerate(words)]
    if keyword == "HEALTHCHECK":
        words.insert(0, draw(st.sampled_from(["CMD", "NONE", "cmd", '["a"]'])))
    text = draw(GAPS)
    for word in [*flags, *words]:
        text += word + draw(SPACES)
    return text


@st.composite
def instructions(draw: st.DrawFn, escape: str, depth: int = 0) -> list[str]:
    """The physical lines of one instruction, without line endings."""
    keyword = draw(KEYWORDS)
    written = draw(st.sampled_from([keyword, keyword, keyword.lower(), keyword.title()]))
    if keyword == "ONBUILD" and depth == 0:
        inner = draw(instructions(escape, 1))
        return [f"{draw(GAPS)}{written} {inner[0].lstrip()}", *inner[1:]]
    line = draw(GAPS) + written + draw(SPACES) + draw(argument_lists(keyword))
    bodies: list[str] = []
    if keyword in ("RUN", "COPY", "ADD", "CMD") and draw(st.integers(0, 4)) == 0:
        for _ in range(draw(st.integers(1, 2))):
            delimiter = draw(DELIMITERS)
            gap = draw(st.sampled_from(["", "", "", " "]))
            line += f" {draw(st.sampled_from(['', '', '3']))}<<{gap}{delimiter}"
            name = delimiter.removeprefix("-").translate(str.maketrans(NAMES))
            bodies += draw(st.lists(BODY_LINES, max_size=4))
            tab = "\t" if delimiter.startswith("-") and draw(st.booleans()) else ""
            bodies += [] if draw(st.integers(0, 19)) == 0 else [tab + name]
        line += draw(GAPS)
    return [*draw(continued(line, escape)), *bodies]


@st.composite
def continued(draw: st.DrawFn, line: str, escape: str) -> list[str]:
    """``line`` cut into physical lines at random places, with comments and blank lines between them."""
    cuts = sorted(draw(st.lists(st.integers(1, max(1, len(line))), max_size=3)))
    if draw(st.booleans()):
        cuts = []
    lines = []
    start = 0
    for cut in cuts:
        lines.append(line[start:cut] + escape + draw(st.sampled_from(["", "", " ", "\t"])))
        lines += draw(st.lists(st.one_of(COMMENTS, st.just(""), st.just("  ")), max_size=2))
        start = cut
    lines.append(line[start:])
    if draw(st.integers(0, 19)) == 0:
        lines[-1] += escape
    return lines


@st.composite
def dockerfiles(draw: st.DrawFn) -> str:
    """A whole file's text. Most are accepted by BuildKit, some are not."""
    escape = draw(ESCAPES)
    lines = draw(st.lists(DIRECTIVES, max_size=2))
    if escape != "\\" or draw(st.integers(0, 9)) == 0:
        lines.insert(0, f"# escape={escape}")
    if draw(st.integers(0, 3)):
        lines.append("FROM scratch")
    for _ in range(draw(st.integers(0, 5))):
        lines += draw(st.one_of(instructions(escape), st.lists(st.one_of(COMMENTS, st.just("")), max_size=2)))
    ending = draw(LINE_ENDINGS)
    if draw(st.integers(0, 9)) == 0:
        text = "".join(line + draw(LINE_ENDINGS) for line in lines)
    else:
        text = "".join(line + ending for line in lines)
    if draw(st.integers(0, 4)) == 0:
        text = text.removesuffix("\n").removesuffix("\r")
    return draw(st.sampled_from(["", "", "", "\ufeff"])) + text
