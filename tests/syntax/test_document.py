"""Loading and dumping: lossless for all bytes, BuildKit's reading of lines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockopt.syntax.document import dump, load
from dockopt.syntax.nodes import Blank, Comment, Directive, Instruction

PIECES = st.sampled_from(
    [
        b"FROM debian\n",
        b"RUN a && \\\n",
        b"    b\n",
        b"# comment\n",
        b"\n",
        b"  # inside\r\n",
        b"\\\n",
        b"RUN <<EOF\n",
        b"EOF\n",
        b"COPY <<-'X' /a\n",
        b"\tX\n",
        b"ENV a b\n",
        b'CMD ["a"]',
        b"# escape=`\n",
        b"RUN a `\n",
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"\r\n",
        b"\t",
        b"onbuild run x\n",
    ]
)


@given(st.lists(PIECES, max_size=12).map(b"".join) | st.binary(max_size=80))
def test_dump_gives_the_loaded_bytes(data: bytes) -> None:
    assert dump(load(data)) == data


def test_nodes_of_a_small_file() -> None:
    document = load(b"# syntax=docker/dockerfile:1\n# hello\n\nFROM a AS b\nRUN x \\\n  # why\n\n  y\n")
    kinds = [type(node) for node in document.nodes]
    assert kinds == [Directive, Comment, Blank, Instruction, Instruction]
    run = document.instructions[1]
    assert (run.name, run.line, run.comments) == ("RUN", "RUN x   y", ("# why",))
    assert (run.start_line, run.end_line) == (5, 8)
    assert document.problems == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("RUN a \\  \n b", "RUN a  b"),
        ("RUN a \\x\nRUN b", "RUN a \\x"),
        ("RUN pkg\\\nname", "RUN pkgname"),
        ("RUN a \\\n# c\n\n b", "RUN a  b"),
        ("  RUN a", "RUN a"),
        ("\\\nRUN a", "RUN a"),
        ("RUN a \\\\\n", "RUN a \\\\"),
    ],
)
def test_continuations_join_as_in_buildkit(text: str, expected: str) -> None:
    assert load(text.encode()).instructions[0].line == expected


def test_escape_directive_changes_the_continuation() -> None:
    document = load(b"# escape=`\nFROM a\nRUN a `\n  C:\\b\\\nRUN c\n")
    assert [node.line for node in document.instructions] == ["FROM a", "RUN a   C:\\b\\", "RUN c"]


def test_escape_is_not_read_below_a_comment() -> None:
    document = load(b"# hello\n# escape=`\nFROM a\nRUN a `\nRUN b\n")
    assert document.escape == "\\"
    assert len(document.instructions) == 3


@pytest.mark.parametrize(
    ("head", "names"),
    [
        ("RUN <<EOF", ["EOF"]),
        ("RUN cat <<A 3<<'B' > /x", ["A", "B"]),
        ("COPY <<-X /a", ["X"]),
        ("ADD << EOF /a", ["EOF"]),
        ("ONBUILD RUN <<E", ["E"]),
        ('RUN ["a", "<<EOF"]', []),
        ("ENV a=<<EOF", []),
        ("RUN echo 1<<<x", []),
        ("RUN cat <\\\n<A > /x", ["A"]),
        ("RUN cat <<\\\nA > /x && \\\n  true", ["A"]),
        ('COPY a <<"', []),
    ],
)
def test_heredocs_are_found_where_buildkit_finds_them(head: str, names: list[str]) -> None:
    body = "".join(f"{name} body\n{name}\n" for name in names)
    document = load(f"FROM a\n{head}\n{body}CMD x\n".encode())
    node = document.instructions[1]
    assert [doc.word.name for doc in node.heredocs] == names
    assert document.problems == ()
    assert document.instructions[-1].name == "CMD"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("FROM a\nRUN <<EOF\nx\n", 2, "unterminated heredoc"),
        ("FROM a\nFORM b\n", 2, "did you mean FROM"),
        ("FROM a b\n", 1, "one or three"),
        ("FROM a AS 1b\n", 1, "invalid name"),
        ("FROM a\nENV x\n", 2, "two arguments"),
        ("FROM a\nENV x=1 y\n", 2, "can't find ="),
        ("FROM a\nCMD [1]\n", 2, "strings only"),
        ("FROM a\nSHELL bash -c\n", 2, "JSON form"),
        ("FROM a\nHEALTHCHECK curl x\n", 2, "try CMD"),
        ("FROM a\nCOPY x\n", 2, "at least two"),
        ("RUN x\nFROM a\n", 1, "before the first FROM"),
        ("ARG x\n", 1, "no FROM"),
        ("# escape=x\nFROM a\n", 1, "invalid escape token"),
        ("FROM a\nONBUILD ONBUILD RUN x\n", 2, "Chaining"),
    ],
)
def test_what_buildkit_rejects_is_a_problem(text: str, line: int, words: str) -> None:
    problem = load(text.encode()).problems[0]
    assert problem.line == line
    assert words in problem.message


@pytest.mark.parametrize(
    ("text", "json"),
    [
        ('CMD ["a", "b\\n"]', ("a", "b\n")),
        ('CMD [ "\\u00e9" ]', ("é",)),
        ("CMD []", ()),
        ("CMD ['a']", None),
        ('CMD ["a"] # trailing', None),
        ('HEALTHCHECK --interval=5s CMD ["a"]', ("a",)),
        ('ENTRYPOINT ["a",]', None),
    ],
)
def test_json_form(text: str, json: tuple[str, ...] | None) -> None:
    assert load(f"FROM x\n{text}\n".encode()).instructions[1].json == json


def test_flags_and_pairs() -> None:
    document = load(
        b'FROM --platform=linux/amd64 a\nCOPY --from=b --chown="x y" c d\nENV a="1 2" b=$c\nENV old way of  it\n'
    )
    from_, copy, env, old = document.instructions
    assert from_.flags[0].value == "linux/amd64"
    assert [flag.text for flag in copy.flags] == ["--from=b", "--chown=x y"]
    assert copy.args == ("c", "d")
    assert [(pair.key, pair.value) for pair in env.pairs] == [("a", '"1 2"'), ("b", "$c")]
    assert [(pair.key, pair.value, pair.legacy) for pair in old.pairs] == [("old", "way of  it", True)]
