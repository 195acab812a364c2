"""BuildKit's word processing; the tables are our own, its are tried by bench/buildkit_testfiles.py."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dockopt.syntax import words
from dockopt.syntax.words import ExpansionError, expand_known, process_word, process_words, same_value

ENV = {"A": "one", "B": "two words", "EMPTY": "", "P": "/usr/local/bin"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x$A", "xone"),
        ("${A}b", "oneb"),
        ("'$A'", "$A"),
        ('"$A"', "one"),
        ("\\$A", "$A"),
        ("${NONE:-d}", "d"),
        ("${NONE-d}", "d"),
        ("${EMPTY:-d}", "d"),
        ("${EMPTY-d}", ""),
        ("${A:+yes}", "yes"),
        ("${NONE:+yes}", ""),
        ("${NONE:-${A}}", "one"),
        ("${P##*/}", "bin"),
        ("${P#*/}", "usr/local/bin"),
        ("${P%/*}", "/usr/local"),
        ("${P%%/*}", ""),
        ("${P/local/share}", "/usr/share/bin"),
        ("${P//\\//-}", "-usr-local-bin"),
        ("$", "$"),
        ("a$.b", "a$.b"),
    ],
)
def test_process_word(text: str, expected: str) -> None:
    assert process_word(text, ENV) == expected


@pytest.mark.parametrize("text", ["'open", '"open', "${", "${}", "${A", "${A?", "${NONE:?gone}", "${A:#x}", "${A!}"])
def test_what_buildkit_rejects(text: str) -> None:
    with pytest.raises(ExpansionError):
        process_word(text, ENV)


def test_words_are_split_after_expansion() -> None:
    assert process_words('x$B "$B" y', ENV) == ["xtwo", "words", "two words", "y"]


def test_unknown_names_are_not_guessed() -> None:
    assert expand_known("a${X:-b}", {"X": None}) is None
    assert expand_known("a$Y", {}) is None
    assert expand_known("a$X", {"X": "b"}) == "ab"


def test_the_backtick_escapes_where_the_directive_says_so() -> None:
    assert process_word("C:\\a`$A", ENV, "`") == "C:\\a$A"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("a$B", '"a$B"', True),
        ("a b", '"a b"', True),
        ("it\\'s", '"it\'s"', True),
        ("'$A'", '"\\$A"', True),
        ("${A:-x}", "${A-x}", False),
        ("${A:-x}", "$A", False),
        ("${A:+x}", "${A+x}", False),
        ("$A", "$B", False),
        ("${A#*/}", "${A#*:}", False),
        ("${A#*/}", '"${A#*/}"', False),
        ("${A:?no}", '"${A:?no}"', False),
        ('"a', '"a"', False),
    ],
)
def test_same_value(one: str, other: str, same: bool) -> None:
    assert same_value(one, other) is same


@settings(max_examples=400)
@given(st.text(alphabet="a b'\"=<é$\\`\t", max_size=12), st.sampled_from("\\`"))
def test_the_quick_way_reads_words_as_the_lexer_does(text: str, escape: str) -> None:
    def outcome(read: Callable[[], str]) -> str | type[Exception]:
        try:
            return read()
        except ExpansionError as error:
            return type(error)

    assert outcome(lambda: process_word(text, {}, escape)) == outcome(lambda: words._Lexer(text, {}, escape).run()[0])
