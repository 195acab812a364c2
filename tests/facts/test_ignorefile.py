"""``.dockerignore``: the rules Docker documents, and those only patternmatcher's source tells."""

import pytest

from dockopt.facts.ignorefile import IgnoreRules, PatternError, check_syntax, clean, read_lines


@pytest.mark.parametrize(
    ("rules", "path", "hidden"),
    [
        # https://docs.docker.com/build/concepts/context/#syntax, its own examples
        ("# comment\n*/temp*\n*/*/temp*\ntemp?\n", "somedir/temporary.txt", True),
        ("*/temp*\n", "somedir/subdir/temporary.txt", False),
        ("*/*/temp*\n", "somedir/subdir/temporary.txt", True),
        ("temp?\n", "tempa", True),
        ("temp?\n", "temp", False),
        ("temp?\n", "dir/tempa", False),
        ("**/*.go\n", "main.go", True),
        ("**/*.go\n", "a/b/c/main.go", True),
        ("*.md\n!README.md\n", "README.md", False),
        ("*.md\n!README.md\n", "CHANGELOG.md", True),
        ("*.md\n!README*.md\nREADME-secret.md\n", "README-secret.md", True),
        ("*.md\nREADME-secret.md\n!README*.md\n", "README-secret.md", False),
        ("/foo/bar\n", "foo/bar", True),
        ("foo/bar/\n", "foo/bar/x", True),
        ("./foo\n", "foo", True),
        ("foo/../bar\n", "bar", True),
        # a rule for a folder holds for all below it
        ("node_modules\n", "node_modules/a/b.js", True),
        ("node_modules\n", "app/node_modules/a.js", False),
        ("**/node_modules\n", "app/node_modules/a.js", True),
        ("**/node_modules\n", "node_modules", True),
        # the last match decides, also for what lies below
        ("docs\n!docs/README.md\n", "docs/README.md", False),
        ("docs\n!docs/README.md\n", "docs/other.md", True),
        ("*\n!src\n", "src/a/b.py", False),
        ("*\n!src\n", "other/a.py", True),
        ("*\n!src\nsrc/secret\n", "src/secret/key", True),
        ("**\n!**/*.py\n", "a/b.py", False),
        ("!app.py\n*.py\n", "app.py", True),
        # stars
        ("a/*\n", "a/b/c", True),
        ("a/*.txt\n", "a/b/c.txt", False),
        ("a**/*.txt\n", "a/b/c.txt", True),
        ("a/**\n", "a", False),
        ("a/**\n", "a/b/c", True),
        ("**\n", "anything/at/all", True),
        ("**/\n", "anything", True),
        ("**lock\n", "deep/yarn.lock", True),
        ("**/.env\n", "bar.env", False),
        ("*\n", ".hidden", True),
        # classes, escapes, and what is no wildcard here
        ("[a-c].txt\n", "b.txt", True),
        ("[^a-c].txt\n", "b.txt", False),
        ("[^a-c].txt\n", "d.txt", True),
        ("a\\*b\n", "a*b", True),
        ("a\\*b\n", "axb", False),
        ("a.b\n", "axb", False),
        ("a+(b)|{c}$\n", "a+(b)|{c}$", True),
        ("caf?\n", "café", True),
        # lines
        ("  spaced  \n", "spaced", True),
        ("# not a rule\n", "# not a rule", False),
        (" #file\n", "#file", True),
        ("\ufeffa\n", "a", True),
        ("a\r\nb\r\n", "b", True),
        ("! a\n", "a", False),
        ("a\n\n\n", "a", True),
        (".\n", "a", False),
        ("/\n", "a", False),
        ("", "a", False),
        ("*\n", ".", False),
    ],
)
def test_match(rules: str, path: str, hidden: bool) -> None:
    read = IgnoreRules(rules)
    assert read.error is None
    assert read.match(path) is hidden


@pytest.mark.parametrize("pattern", ["[", "[a", "[]a]", "[^]", "[-a]", "[a-]", "a\\", "[a-\\]", "x[", "\\q", "[z-a]"])
def test_patterns_docker_refuses(pattern: str) -> None:
    rules = IgnoreRules(f"ok\n{pattern}\n", ".dockerignore")
    assert rules.error is not None and rules.error.startswith(".dockerignore:2: ")


def test_a_lone_exclamation_mark_is_refused() -> None:
    assert "illegal exclusion" in (IgnoreRules("!\n").error or "")


@pytest.mark.parametrize("pattern", ["[]a]", "[a-]", "a\\"])
def test_check_syntax(pattern: str) -> None:
    with pytest.raises(PatternError):
        check_syntax(pattern)


def test_the_deciding_rule_is_named() -> None:
    rules = IgnoreRules("# c\n*.txt\n!req*.txt\n", "app/.dockerignore")
    assert rules.decide("a.txt") == (True, "app/.dockerignore:2: *.txt")
    assert rules.decide("req.txt") == (False, "app/.dockerignore:3: !req*.txt")
    assert rules.decide("b.py") == (False, "")


def test_folders_that_may_hold_exceptions() -> None:
    rules = IgnoreRules("*\n!src/app\n!a*/b\n")
    assert (
        rules.may_hold_exceptions("src") and rules.may_hold_exceptions("src/app/x") and rules.may_hold_exceptions("abc")
    )
    assert not rules.may_hold_exceptions("other")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a//b/", "a/b"),
        ("./a", "a"),
        ("a/../b", "b"),
        ("../a", "../a"),
        ("/../a", "/a"),
        ("", "."),
        ("//a", "/a"),
        ("a/..", "."),
    ],
)
def test_clean(path: str, expected: str) -> None:
    assert clean(path) == expected


def test_read_lines() -> None:
    assert read_lines("#a\n\n /b/ \n!  c/./d\n") == [(3, "b"), (4, "!c/d")]
