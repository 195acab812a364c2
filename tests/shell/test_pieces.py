"""Scripts put together from their commands say what reading them as a whole says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockopt.shell import pieces
from dockopt.shell.script import Script, parse_script, read_script

PLAIN = [
    "apt-get update",
    "apt-get install -y curl git",
    "pip install 'a b' \"c d\" --no-cache-dir",
    "export PATH=/opt/bin:$PATH HOME",
    "unset A B",
    "A=1 make -j$N",
    "A=1",
    "A=1 B=two",
    '$TOOL run "$HOME/${NAME}.txt"',
    "curl -fsSL https://example.org/a.sh?b=c > /tmp/a.sh",
    "make 2>&1 >/dev/null",
    "echo done >> log more words",
    "rm -rf /var/lib/apt/lists/* ~/.cache",
    "cd src",
    "local x=1",
    "printf '%s\\n' a",
    ":",
]


def shown(script: Script) -> object:
    """Everything a script says, comparable."""
    commands = [
        (one.kind, one.start, one.end, one.outer_end, one.name, one.words, one.assignments, one.redirects, one.within)
        for one in script.commands
    ]
    items = [command.item for command in script.commands]
    return script.error, script.comments, script.has_heredoc, script.end_operator, script.items, commands, items


@pytest.mark.parametrize("command", PLAIN)
def test_a_plain_command_is_a_piece(command: str) -> None:
    assert [match[1] for match in pieces.cut(command)] == [command]
    assert shown(parse_script(command)) == shown(read_script(command))


@given(
    st.lists(st.tuples(st.sampled_from(PLAIN), st.sampled_from([" && ", "; ", " || ", "&&", " \t&&   "])), min_size=1)
)
def test_rows_of_commands_read_as_a_whole(row: list[tuple[str, str]]) -> None:
    text = "".join(command + operator for command, operator in row[:-1]) + row[-1][0]
    assert pieces.cut(text)
    assert shown(parse_script(text)) == shown(read_script(text))


@pytest.mark.parametrize(
    "text",
    ["a | b && make", "a | b; c", "cat a | grep b > c && d", "a && b | c >> d", "x=1 | y", "a || b | c"],
)
def test_pipelines_read_as_a_whole(text: str) -> None:
    assert pieces.cut(text)
    assert shown(parse_script(text)) == shown(read_script(text))


def test_a_redirection_behind_a_pipeline_belongs_to_its_last_command() -> None:
    for text in ("cat a | sort -u > b", "(cat a) | sort -u > b"):
        last = parse_script(text).commands[-1]
        assert (last.name, [redirect.text for redirect in last.redirects]) == ("sort", ["> b"])


def test_a_command_behind_a_pipeline_is_no_part_of_it() -> None:
    # The grammar takes "tar -x && rm b" for the last part of a pipeline of three.
    script = parse_script('curl "$A" | gunzip | tar -x && rm b || make')
    assert [(item.kind, item.operator) for item in script.items] == [
        ("pipeline", ""),
        ("command", "&&"),
        ("command", "||"),
    ]
    assert [(command.item, command.top) for command in script.commands] == [
        (0, False),
        (0, False),
        (0, False),
        (1, True),
        (2, True),
    ]


def test_a_word_with_two_variables_is_one_word() -> None:
    # The grammar cuts it behind the second "$".
    command = parse_script("tar xf $NAME-$VERSION.tar.gz").commands[0]
    assert [word.text for word in command.words] == ["tar", "xf", "$NAME-$VERSION.tar.gz"]
    assert command.words[2].value is None


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("plain", "plain"),
        ("*.deb", "*.deb"),
        ("'a b'", "a b"),
        ("'$A'", "$A"),
        ('"a b"', "a b"),
        ("a'b c'\"d\"", "ab cd"),
        ("''", ""),
        ("$A", None),
        ('"a $A"', None),
        ("a'b'$A", None),
    ],
)
def test_values_of_words(word: str, value: str | None) -> None:
    assert pieces.value(word) == value
    assert read_script(f"echo {word}").commands[0].words[1].value == value


@pytest.mark.parametrize(
    "text",
    [
        "if a; then b; fi",
        "a && (b)",
        "a && { b; }",
        "a & b",
        "a &",
        "a # why",
        "a \\$b",
        "echo $(b)",
        "echo `b`",
        "cat <<EOF",
        "! a && b",
        "[ -f a ] && b",
        'echo "a\\"b"',
        "a |& b",
        "a;; b",
        "echo ${A:-b}",
        "a 'b",
        "for a in b; do c; done",
        "a\nb",
        "a &&",
        "a || | b",
        "time make",
        "echo ä && make",
        "",
    ],
)
def test_anything_else_is_read_as_a_whole(text: str) -> None:
    assert shown(parse_script(text)) == shown(read_script(text))


def test_words_behind_a_redirection_belong_to_the_command_in_a_list_within_a_pipeline() -> None:
    text = "p || apt-get install a > /dev/null b | cat"
    for script in (parse_script(text), read_script(text)):
        assert [word.text for word in script.commands[1].words] == ["apt-get", "install", "a", "b"]
