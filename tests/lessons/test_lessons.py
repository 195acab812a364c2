"""The cases of the field study that need more than one transform: a file in, the whole pipeline, the file out.

Each text is written for this test; docs/lessons.md says which case of the study it stands for.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dockopt.api import Options, dump, load, registry, rewrite

HERE = Path(__file__).resolve().parent
NAMES = sorted(path.name.removesuffix(".before.Dockerfile") for path in HERE.glob("*.before.Dockerfile"))
# The families these lessons are about; what restructures an image has its own fixtures.
UNSAFE = Options(
    unsafe=True,
    select=tuple(
        id
        for family in ("repair", "packages", "shell", "layers", "exec-form")
        for id in registry().resolve(family)
        if registry().spec(id).default
    ),
)


@pytest.mark.parametrize("name", NAMES)
def test_the_whole_pipeline_gives(name: str) -> None:
    before = (HERE / f"{name}.before.Dockerfile").read_bytes()
    expected = (HERE / f"{name}.after.Dockerfile").read_bytes()
    outcome = rewrite(before, UNSAFE)
    assert outcome.after.decode() == expected.decode()
    assert not [entry for entry in outcome.entries if entry.kind == "defect"]
    assert rewrite(outcome.after, UNSAFE).after == outcome.after


@pytest.mark.parametrize(
    "data",
    [b"", b"\n", b"\xef\xbb\xbf", b"# nothing\n\n# here", b"# syntax=docker/dockerfile:1\n", b"# escape=`\r\n\r\n"],
    ids=["empty", "blank", "bom", "comments", "syntax-only", "escape-only"],
)
def test_nothing_to_rewrite_stays_to_the_byte(data: bytes) -> None:
    assert dump(load(data)) == data
    assert rewrite(data, UNSAFE).after == data


STYLE = b"""# syntax=docker/dockerfile:1
# the base
FROM debian:12
MAINTAINER "A B" <a@example.org>
RUN apt-get update && \\
\tapt-get install -y jq

# set late
ENV A b c
ADD x.txt /x.txt
RUN echo one
RUN echo two
CMD jq ."""


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"], ids=["plain", "bom"])
@pytest.mark.parametrize("final", [b"", b"\n"], ids=["no-final-newline", "final-newline"])
@pytest.mark.parametrize("eol", [b"\n", b"\r\n"], ids=["lf", "crlf"])
def test_byte_order_mark_line_ends_and_final_newline_stay(bom: bytes, final: bytes, eol: bytes) -> None:
    plain = rewrite(STYLE + b"\n", UNSAFE).after
    assert plain != STYLE + b"\n"
    wanted = bom + (plain if final else plain.removesuffix(b"\n")).replace(b"\n", eol)
    assert rewrite(bom + (STYLE + final).replace(b"\n", eol), UNSAFE).after == wanted


@pytest.mark.parametrize(
    "head",
    [
        b"# syntax=docker/dockerfile:1\n",
        b"# escape=`\n",
        b"#syntax = docker/dockerfile:1\n# escape = `\n",
        b"# check=skip=JSONArgsRecommended\n# syntax=docker/dockerfile:1\n",
    ],
)
def test_directives_stay_first(head: bytes) -> None:
    body = b"FROM node:22\nMAINTAINER a@example.org\nADD . /srv\nENV A b\nENV C d\nRUN npm install\nCMD npm start\n"
    after = rewrite(head + body, UNSAFE).after
    assert after != head + body
    assert after.startswith(head)
    assert load(after).escape == load(head + body).escape


def test_the_table_names_what_there_is() -> None:
    root = HERE.parents[1]
    paths = re.findall(r"`((?:fixtures|tests)/[^`]+)`", (root / "docs" / "lessons.md").read_text("utf-8"))
    assert len(paths) > 100
    assert not [path for path in paths if not (root / path).exists()]
    named = {Path(path).name.removesuffix(".before.Dockerfile") for path in paths if path.startswith("tests/lessons/")}
    assert set(NAMES) <= named
