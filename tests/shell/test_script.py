"""Scripts: the top-level list, the commands in it, their words."""

from itertools import pairwise

import pytest

from dockopt.shell.edits import delete_item, delete_word
from dockopt.shell.script import parse_script, read_script
from dockopt.syntax.spans import splice_text


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("a && b || c; d &", [("a", ""), ("b", "&&"), ("c", "||"), ("d", ";")]),
        ("a | b && (c; d)", [("a | b", ""), ("(c; d)", "&&")]),
        ("a && b > f c", [("a", ""), ("b > f c", "&&")]),
        ("a\nb", [("a", ""), ("b", "\n")]),
        ("if x; then y; fi && z", [("if x; then y; fi", ""), ("z", "&&")]),
    ],
)
def test_top_level_list(text: str, items: list[tuple[str, str]]) -> None:
    script = parse_script(text)
    assert [(text[item.start : item.end], item.operator) for item in script.items] == items


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ('rm \'x y\' "q\\"z" a\\ b', ("rm", "x y", 'q"z', "a b")),
        ("pip install foo[x] $Y", ("pip", "install", "foo[x]", None)),
        ("x >f y", ("x", "y")),
        ("é ü", ("é", "ü")),
        ("[ -f x ]", ("[", None, "]")),
    ],
)
def test_words(text: str, values: tuple[str | None, ...]) -> None:
    assert parse_script(text).commands[0].values == values


def test_commands_know_what_they_stand_in() -> None:
    script = parse_script("a $(b) && for i in x; do c; done | d")
    assert [(command.name, command.within) for command in script.commands] == [
        ("a", ()),
        ("b", ("command_substitution",)),
        ("c", ("pipeline", "for_statement", "do_group")),
        ("d", ("pipeline",)),
    ]


@pytest.mark.parametrize(
    ("text", "holds"),
    [("a && b", True), ("a; b", False), ("a && b # c", False), ("a &", False), ("a;", False), ("a && (b || c)", True)],
)
def test_and_list(text: str, holds: bool) -> None:
    assert parse_script(text).and_list is holds


def test_a_broken_script_is_an_error() -> None:
    assert parse_script("if a; then").error


@pytest.mark.parametrize(
    ("text", "index", "expected"),
    [
        ("a && b && c", 0, "b && c"),
        ("a && b && c", 1, "a && c"),
        ("a && b && c", 2, "a && b"),
        ("a && b || c", 1, None),
        ("a || b", 0, None),
        ("a", 0, None),
        ("a; b", 1, "a"),
        ("a &&     b &&     c", 1, "a &&     c"),
        ("a &&\n  b &&\n  c", 1, "a &&\n  \n  c"),
        ("a\nb\nc", 1, "a\nc"),
        ("a &&\n  b;\n  c", 1, "a; \n  c"),
        ("a     && b     && c", 1, "a     && c"),
        ("a &&     b", 0, "     b"),
    ],
)
def test_deleting_an_element(text: str, index: int, expected: str | None) -> None:
    edit = delete_item(parse_script(text), index)
    assert (splice_text(text, [edit]) if edit else None) == expected


def test_deleting_a_word_takes_the_space_before_it() -> None:
    script = parse_script("a  -q b")
    assert splice_text(script.text, [delete_word(script, script.commands[0].words[1])]) == "a b"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sed s/-$L$// | bash && /tmp/cargo-$R-$A/install.sh x", ["/tmp/cargo-$R-$A/install.sh", "x"]),
        ("sed s/-$L$// && export PATH=$P:$H/bin", ["export", "PATH=$P:$H/bin"]),
        ("sed s/-$L$// && D=$P-$H/bin make", ["make"]),
        ("./configure --prefix=`pwd`/build", ["./configure", "--prefix=`pwd`/build"]),
    ],
)
def test_no_word_is_cut_behind_a_dollar(text: str, words: list[str]) -> None:
    script = read_script(text)
    outer = [command for command in script.commands if "command_substitution" not in command.within]
    assert [word.text for word in outer[-1].words] == words
    assert all(one.end < other.start for one, other in pairwise(outer[-1].words))
