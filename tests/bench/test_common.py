"""What the trials judge dockopt by must itself be right."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.common import comment_lines, dockerfiles, line_ending, percentile, style_changes, table, trailing_comments


def test_comment_lines_are_counted_wherever_they_stand() -> None:
    data = b"\xef\xbb\xbf# syntax=x\r\nRUN a \\\r\n  # b\r\n  c # d\r\n# b\r\nRUN <<EOF\n# e\nEOF\n"
    assert comment_lines(data) == {b"# syntax=x": 1, b"# b": 2, b"# e": 1}


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("a # b", ["# b"]),
        ("a;# b", ["# b"]),
        ("(# b\n)", ["# b"]),
        ("a#b", []),
        ("a '# b' \"# c\" \\# d", []),
        ('a "x\\"# b"', []),
        ("a ${#x} $# ", []),
        ("a # it's b && c\nd # e", ["# it's b && c", "# e"]),
    ],
)
def test_trailing_comments_are_those_a_shell_sees(script: str, found: list[str]) -> None:
    assert trailing_comments(script) == found


@pytest.mark.parametrize(
    ("data", "kind"), [(b"a", "none"), (b"a\nb\n", "lf"), (b"a\r\nb\r\n", "crlf"), (b"a\r\nb\n", "mixed")]
)
def test_line_ending(data: bytes, kind: str) -> None:
    assert line_ending(data) == kind


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        (b"a\n", b"b\nc\n", []),
        (b"a\n", b"a", ["final newline"]),
        (b"\xef\xbb\xbfa\n", b"a\n", ["byte-order mark"]),
        (b"a\r\nb\r\n", b"a\r\nb\n", ["line ending crlf became mixed"]),
        (b"a\nb\n", b"a\r\nb\r\n", ["line ending lf became crlf"]),
        (b"a\r\nb\n", b"b\n", []),
    ],
)
def test_style_changes(before: bytes, after: bytes, changes: list[str]) -> None:
    assert style_changes(before, after) == changes


def test_percentile() -> None:
    assert percentile([], 0.99) == 0.0
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert percentile([float(i) for i in range(100)], 0.99) == 99.0


def test_dockerfiles_are_found_by_name_in_order(tmp_path: Path) -> None:
    names = ["b/Dockerfile", "a/Dockerfile.dev", "a/x.dockerfile", "a/Containerfile", "a/notes.txt"]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = [str(file.relative_to(tmp_path)) for file in dockerfiles(tmp_path)]
    assert found == ["a/Containerfile", "a/Dockerfile.dev", "a/x.dockerfile", "b/Dockerfile"]
    assert len(dockerfiles(tmp_path, 2)) == 2


def test_table_sets_numbers_to_the_right() -> None:
    assert table(["name", "count"], [("a", 7), ("long name", 12)]).splitlines()[2:] == [
        "a              7",
        "long name     12",
    ]
