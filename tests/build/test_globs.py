import pytest

from dockopt.build.globs import compiled


@pytest.mark.parametrize(
    ("pattern", "matches", "not_matched"),
    [
        ("/a/*", ["/a/b"], ["/a", "/a/b/c", "/b/a"]),
        ("/a/**", ["/a", "/a/b", "/a/b/c"], ["/ab", "/b/a"]),
        ("/**/x", ["/x", "/a/x", "/a/b/x"], ["/x/a", "/ax"]),
        ("/home/*/.cache/**", ["/home/me/.cache", "/home/me/.cache/a/b"], ["/home/.cache", "/home/a/b/.cache"]),
        ("/a?c", ["/abc"], ["/ac", "/a/c"]),
        ("/a.b", ["/a.b"], ["/axb"]),
        ("/**", ["/", "/a", "/a/b"], []),
    ],
)
def test_globs(pattern: str, matches: list[str], not_matched: list[str]) -> None:
    expression = compiled((pattern,))
    assert [path for path in matches if not expression.match(path)] == []
    assert [path for path in not_matched if expression.match(path)] == []


def test_no_pattern_matches_nothing() -> None:
    assert compiled(()).match("/a") is None and compiled(()).match("") is None
