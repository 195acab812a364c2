"""Unified diffs, tried on git and patch themselves."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dockopt.engine.model import Entry
from dockopt.report.diff import header_path, unified


def applied(transform: str, start: int, end: int) -> Entry:
    return Entry("applied", transform, start, end, "message")


def headers(diff: bytes) -> list[str]:
    return [line.decode() for line in diff.split(b"\n") if line.startswith(b"@@")]


def test_equal_texts_have_no_diff() -> None:
    assert unified(b"a\n", b"a\n", "Dockerfile") == b""


def test_the_form() -> None:
    before = b"FROM a\nMAINTAINER x\nRUN b\n"
    after = b"FROM a\nLABEL x\nRUN b\n"
    assert unified(before, after, "api/Dockerfile", [applied("replace-maintainer", 2, 2)]) == (
        b"--- a/api/Dockerfile\n+++ b/api/Dockerfile\n@@ -1,3 +1,3 @@ replace-maintainer\n"
        b" FROM a\n-MAINTAINER x\n+LABEL x\n RUN b\n"
    )


def test_final_newline() -> None:
    assert unified(b"a\nb", b"a\nc\n", "x").endswith(b" a\n-b\n\\ No newline at end of file\n+c\n")
    assert unified(b"a\nb\nc", b"a\nX\nc", "x").endswith(b"-b\n+X\n c\n\\ No newline at end of file\n")


def test_bytes_pass_unchanged() -> None:
    diff = unified(b"a\r\n\xff\x0c\x1cb\n", b"a\r\n\xfe\x0c\x1cb\n", "x")
    assert diff.endswith(b"@@ -1,2 +1,2 @@\n a\r\n-\xff\x0c\x1cb\n+\xfe\x0c\x1cb\n")


class TestNames:
    text = b"".join(b"RUN %d\n" % number for number in range(1, 41))

    def changed(self, *numbers: int) -> bytes:
        for number in numbers:
            self.text = self.text.replace(b"RUN %d\n" % number, b"RUN changed\n", 1)
        return self.text

    def names(self, after: bytes, *entries: Entry) -> list[str]:
        return [line.split("@@", 2)[2].strip() for line in headers(unified(TestNames.text, after, "x", entries))]

    def test_each_hunk_its_own(self) -> None:
        after = self.changed(3, 20, 38)
        entries = (applied("c", 38, 38), applied("a", 2, 4), applied("b", 20, 20), applied("a", 20, 20))
        assert self.names(after, *entries) == ["a", "b, a", "c"]

    def test_context_is_not_a_change(self) -> None:
        assert self.names(self.changed(3), applied("a", 3, 3), applied("b", 5, 5)) == ["a"]

    def test_only_what_was_applied(self) -> None:
        waiting = Entry("waiting", "b", 3, 3, "message")
        refused = Entry("refused", "c", 3, 3, "message")
        assert self.names(self.changed(3), waiting, refused, applied("a", 1, 9)) == ["a"]

    def test_an_insertion_belongs_to_the_lines_it_adjoins(self) -> None:
        after = self.text.replace(b"RUN 20\n", b"RUN 20\nUSER x\n")
        assert self.names(after, applied("a", 20, 20), applied("b", 18, 18)) == ["a"]
        assert self.names(after, applied("c", 21, 21)) == ["c"]

    def test_else_to_lines_in_the_hunk(self) -> None:
        after = self.text.replace(b"RUN 20\n", b"RUN 20\nUSER x\n")
        assert self.names(after, applied("a", 18, 18), applied("b", 1, 1)) == ["a"]

    def test_nobody(self) -> None:
        assert self.names(self.changed(3)) == [""]


def test_colour() -> None:
    diff = unified(b"a\nb\n", b"a\nc", "x", [applied("t", 2, 2)], colour=True)
    assert diff == (
        b"\x1b[1m--- a/x\x1b[m\n\x1b[1m+++ b/x\x1b[m\n\x1b[36m@@ -1,2 +1,2 @@\x1b[m t\n a\n\x1b[31m-b\x1b[m\n"
        b"\x1b[32m+c\x1b[m\n\x1b[32m\\ No newline at end of file\x1b[m\n"
    )


def test_header_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").mkdir()
    monkeypatch.chdir(tmp_path / "a")
    assert header_path("./b/../Dockerfile") == "Dockerfile"
    assert header_path(str(tmp_path / "a/b/Dockerfile")) == "b/Dockerfile"
    assert header_path("../Dockerfile") == str(tmp_path / "Dockerfile").lstrip("/")


def git_apply(folder: Path, diff: bytes) -> None:
    subprocess.run(["git", "apply", "--whitespace=nowarn", "-"], cwd=folder, input=diff, check=True)


def patch(folder: Path, diff: bytes) -> None:
    run = subprocess.run(["patch", "-p1", "--no-backup-if-mismatch"], cwd=folder, input=diff, capture_output=True)
    assert run.returncode == 0, run.stdout + run.stderr
    assert b"fuzz" not in run.stdout and b"offset" not in run.stdout


@pytest.mark.parametrize("apply", [git_apply, patch])
@pytest.mark.parametrize(
    "name",
    [
        "Dockerfile",
        "deep/er/x.Dockerfile",
        "two words/Dockerfile",
        'Dockerfile."quoted"',
        "Dockerfile.\\",
        "Dockerfile.é",
    ],
)
def test_applies_whatever_the_name(tmp_path: Path, apply: object, name: str) -> None:
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"a\r\nb")
    assert callable(apply)
    apply(tmp_path, unified(b"a\r\nb", b"a\r\nc\n", name, [applied("some-transform", 2, 2)]))
    assert file.read_bytes() == b"a\r\nc\n"


# Few different lines, so that texts have much in common and repeat themselves.
texts = st.builds(
    lambda lines, last: b"".join(lines) + last,
    st.lists(
        st.sampled_from([b"a\n", b"b\n", b"\n", b"c\r\n", b"-- x\n", b"++ x\n", b"@@ -1 @@\n", b"\xff\x0b\x85\n"])
    ),
    st.sampled_from([b"", b"a", b"\\ No newline", b"d\r"]),
)


@pytest.mark.parametrize("apply", [git_apply, patch])
@settings(max_examples=60, deadline=None)
@given(before=texts.filter(len), after=texts.filter(len))
def test_applies_whatever_the_text(
    tmp_path_factory: pytest.TempPathFactory, apply: object, before: bytes, after: bytes
) -> None:
    folder = tmp_path_factory.mktemp("apply")
    (folder / "Dockerfile").write_bytes(before)
    diff = unified(before, after, "Dockerfile", [applied("t", 1, 2)])
    assert callable(apply)
    if diff:
        apply(folder, diff)
    assert (folder / "Dockerfile").read_bytes() == after


def test_a_repetitive_file_has_a_small_diff() -> None:
    lines = [b"RUN step %d\n" % (number % 10) for number in range(900)]
    after = [*lines[:100], b"USER x\n", *lines[100:-100], b"CMD y\n", *lines[-100:]]
    diff = unified(b"".join(lines), b"".join(after), "x")
    assert headers(diff) == ["@@ -98,6 +98,7 @@", "@@ -798,6 +799,7 @@"]


@pytest.mark.parametrize("period", [1, 50, 40_000])
def test_a_large_file_takes_no_time(period: int) -> None:
    lines = [b"RUN step %d\n" % (number % period) for number in range(40_000)]
    after = [b"USER x\n", *lines[1:20_000], b"USER x\n", *lines[20_000:-1], b"CMD y\n"]
    start = time.perf_counter()
    diff = unified(b"".join(lines), b"".join(after), "x")
    assert time.perf_counter() - start < 5
    assert diff


def test_a_file_that_is_to_be_made_comes_from_dev_null() -> None:
    assert unified(None, b"a\nb\n", "x/.dockerignore") == (
        b"--- /dev/null\n+++ b/x/.dockerignore\n@@ -0,0 +1,2 @@\n+a\n+b\n"
    )
