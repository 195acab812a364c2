from pathlib import Path

import pytest

from dockopt.build.engine import one_line, without_frontend
from dockopt.build.log import Mask, clean, missing_image, ran, relevant, step

FAILED = """\
#0 building with "default" instance using docker driver
#4 [1/2] FROM docker.io/library/debian:trixie-slim
#5 [2/2] RUN echo hi; exit 3
#5 0.111 hi
#5 ERROR: process "/bin/sh -c echo hi; exit 3" did not complete successfully: exit code: 3
------
 > [2/2] RUN echo hi; exit 3:
0.111 hi
------
Dockerfile:2
--------------------
   1 |     FROM debian:trixie-slim
   2 | >>> RUN echo hi; exit 3
--------------------
ERROR: failed to solve: process "/bin/sh -c echo hi; exit 3" did not complete successfully: exit code: 3
""".splitlines()


def test_relevant_lines_are_the_failed_steps_and_the_error() -> None:
    assert relevant(FAILED) == (
        " > [2/2] RUN echo hi; exit 3:",
        "0.111 hi",
        'ERROR: failed to solve: process "/bin/sh -c echo hi; exit 3" did not complete successfully: exit code: 3',
    )


def test_relevant_lines_of_a_builder_without_summary() -> None:
    assert relevant(["STEP 1/2: FROM x", "", "Error: no such image"]) == ("STEP 1/2: FROM x", "Error: no such image")
    assert len(relevant([f"line {number}" for number in range(1000)])) == 25


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "ERROR: failed to solve: nosuch.example/base:1: failed to resolve source metadata for nosuch.example/base:1: "
            'failed to do request: Head "https://nosuch.example/v2/base/manifests/1": dial tcp: lookup nosuch.example '
            "on 192.0.2.53:53: no such host",
            "nosuch.example/base:1 cannot be had (no such host)",
        ),
        (
            "ERROR: failed to solve: debian:x: failed to resolve source metadata for docker.io/library/debian:x: "
            "docker.io/library/debian:x: not found",
            "debian:x cannot be had (not found)",
        ),
        (
            "ERROR: failed to solve: a/b: pull access denied, repository does not exist or may require authorization: "
            "server message: insufficient_scope: authorization failed",
            "a/b cannot be had (pull access denied, repository does not exist or may require authorization)",
        ),
        (FAILED[-1], None),
    ],
)
def test_image_a_build_stopped_for(text: str, says: str | None) -> None:
    assert missing_image(text) == says


def test_steps_that_were_carried_out() -> None:
    lines = """\
#1 [internal] load build definition from Dockerfile
#1 DONE 0.0s
#2 [builder 1/4] FROM docker.io/library/python:3.13
#2 DONE 0.0s
#9 [context debian:bookworm-slim] load metadata for debian:trixie-slim
#9 DONE 0.1s
#3 [builder 2/4] COPY requirements.txt .
#3 CACHED
#4 [stage-1 2/3] COPY . .
#5 [builder 3/4] RUN pip install -r requirements.txt
#5 CACHED
#4 DONE 0.1s
#6 [stage-1 3/3] RUN make
#6 0.081 DONE with it
#6 DONE 1.1s
#7 exporting to image
#7 DONE 0.0s
""".splitlines()
    assert ran(lines) == ("COPY . .", "RUN make")


@pytest.mark.parametrize(
    ("line", "is_at"),
    [
        ("#7 [build 2/5] RUN make", "build 2/5 RUN make"),
        ("#4 [1/2] FROM docker.io/library/debian", "1/2 FROM docker.io/library/debian"),
        ("#1 [internal] load build definition from Dockerfile", None),
        ("#5 0.111 [2/2] RUN no", None),
    ],
)
def test_step(line: str, is_at: str | None) -> None:
    assert step(line) == is_at


def test_escapes_and_overwritten_text_are_dropped() -> None:
    assert clean("\x1b[32mok\x1b[0m\r\n") == "ok"
    assert clean("10%\r50%\r100%\n") == "100%"


def test_mask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = tmp_path / "key"
    secret.write_text("first line\nsecond line\n")
    monkeypatch.setenv("MY_TOKEN", "fromenvironment")
    monkeypatch.setenv("plain", "byitsid")
    mask = Mask.of(
        [f"id=a,src={secret}", "id=b,env=MY_TOKEN", "id=plain", "id=gone,src=/nowhere"],
        {"API_KEY": "argument", "VERSION": "1.2.3.4", "DB_PASSWORD": "abc"},
    )
    text = "first line, second line, fromenvironment, byitsid, argument, 1.2.3.4, abc"
    assert mask(text) == "***, ***, ***, ***, ***, 1.2.3.4, abc"  # three letters would blot out everything


def test_one_line() -> None:
    assert one_line("Error response from daemon: a\n  b\n") == "a b"


@pytest.mark.parametrize(
    ("before", "after", "image"),
    [
        (b"# syntax=docker/dockerfile:1\nFROM x\n", b"# frontend docker/dockerfile:1\nFROM x\n", "docker/dockerfile:1"),
        (b"#SYNTAX = a/b:2 \r\nFROM x\n", b"# frontend a/b:2\nFROM x\n", "a/b:2"),
        # A comment ends the directives, so it comes behind the others.
        (b"# syntax=a\n# escape=`\nFROM x\n", b"# escape=`\n# frontend a\nFROM x\n", "a"),
        (b"# a comment\n# syntax=a\nFROM x\n", b"# a comment\n# syntax=a\nFROM x\n", ""),
        (b"FROM x\n# syntax=a\n", b"FROM x\n# syntax=a\n", ""),
    ],
)
def test_without_frontend(before: bytes, after: bytes, image: str) -> None:
    assert without_frontend(before) == (after, image)
