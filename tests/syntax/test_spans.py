"""Edits by span: what was not asked for stays, emptied lines go, comments never do."""

import re

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from dockopt.syntax import spans
from dockopt.syntax.document import load
from dockopt.syntax.nodes import Instruction
from dockopt.syntax.spans import OverlapError, ordered, splice

RUN = b"RUN apt-get install -y foo \\\n    # about bar\n    bar \\\n\n    baz\n"


def _run(data: bytes = RUN) -> Instruction:
    return load(data).instructions[0]


@pytest.mark.parametrize(
    ("delete", "expected"),
    [
        ("    bar ", "RUN apt-get install -y foo \\\n    # about bar\n\n    baz\n"),
        ("    baz", "RUN apt-get install -y foo \\\n    # about bar\n    bar\n"),
        ("     bar     baz", "RUN apt-get install -y foo\n    # about bar\n"),
        (" -y", "RUN apt-get install foo \\\n    # about bar\n    bar \\\n\n    baz\n"),
    ],
)
def test_deleting(delete: str, expected: str) -> None:
    node = _run()
    start = node.line.index(delete)
    assert splice(node, [(start, start + len(delete), "")]) == expected


def test_inserting_keeps_everything_else() -> None:
    node = _run()
    at = node.line.index("install") + len("install")
    assert splice(node, [(at, at, " -q")]) == RUN.decode().replace("install", "install -q")


def test_the_space_before_a_continuation_stays() -> None:
    node = _run(b"RUN a && \\\n  b \\\n  && c\n")
    start = node.line.index(" &&")
    assert splice(node, [(start, node.line.index("b") + 1, "")]) == "RUN a \\\n  && c\n"


def test_overlapping_edits_are_refused() -> None:
    with pytest.raises(OverlapError):
        ordered([(0, 4, ""), (3, 5, "")])


def test_a_deleted_last_line_keeps_the_missing_final_newline() -> None:
    node = _run(b"RUN a && \\\n  b")
    start = node.line.index(" &&")
    assert splice(node, [(start, len(node.line), "")]) == "RUN a"


def test_heredoc_bodies_stay() -> None:
    node = load(b"RUN cat <<E > /a && \\\n  b\nx\nE\n").instructions[0]
    start = node.line.index(" && ")
    assert splice(node, [(start, len(node.line), "")]) == "RUN cat <<E > /a\nx\nE\n"


def test_an_edit_reaches_no_further_than_its_line() -> None:
    node = load(b"RUN cat <<E\nbody\nE\n").instructions[0]
    assert splice(node, [(4, 20, "x <<E")]) == "RUN x <<E\nbody\nE\n"


@pytest.mark.parametrize("replacement", ["b", ""])
def test_an_escape_alone_above_the_keyword_stays(replacement: str) -> None:
    node = _run(b"\\\nRUN a c\n")
    assert splice(node, [(4, 5, replacement)]) == f"\\\nRUN {replacement} c\n"


@pytest.mark.parametrize(
    ("data", "delete", "insert", "expected"),
    [
        (b"RUN a && \\\n  b && \\\n  c\n", "a && ", "", "RUN b && \\\n  c\n"),
        (b"RUN a \\\n  && b\n", "a   && ", "", "RUN b\n"),
        (b"RUN a && \\\n  # about b\n  b\n", "a && ", "", "RUN \\\n  # about b\n  b\n"),
        (b"RUN a && \\\n  b\n", "a && ", "--network=none \\\n  ", "RUN --network=none \\\n  b\n"),
        (b"RUN a && \\\n  # about b\n  b\n", "a && ", "--x=y \\\n  ", "RUN --x=y \\\n  # about b\n  b\n"),
    ],
)
def test_what_follows_a_deleted_beginning_moves_up(data: bytes, delete: str, insert: str, expected: str) -> None:
    node = _run(data)
    start = node.args_start
    end = node.line.index("b", start) if "# about" not in expected else start + len(delete)
    assert splice(node, [(start, start, insert)] * bool(insert) + [(start, end, "")]) == expected


LINES = st.lists(
    st.sampled_from(["a b", "  c", "dd && ee", "# note", "", "   ", "f  g ", "'q r'", "\tt"]), min_size=1, max_size=6
)


@given(LINES, st.data())
def test_any_deletion_leaves_the_other_characters_and_the_comments(lines: list[str], data: st.DataObject) -> None:
    content = ["RUN x", *lines, "end"]
    rows = [row if row.startswith("#") or not row.strip() else row + " \\" for row in content[:-1]] + [content[-1]]
    node = _run(("\n".join(rows) + "\n").encode())
    low = len("RUN x")
    start = data.draw(st.integers(low, len(node.line)))
    end = data.draw(st.integers(start, len(node.line)))
    made = load(splice(node, [(start, end, "")]).encode())
    instruction = made.instructions[0]
    wanted = node.line[:start] + node.line[end:]
    assert re.sub(r"\s", "", instruction.line) == re.sub(r"\s", "", wanted)
    left = [*instruction.comments, *(n.text.strip() for n in made.nodes if not isinstance(n, Instruction))]
    assert [text for text in left if text] == list(node.comments)
    assert len(made.instructions) == 1


ROWS = st.lists(
    st.sampled_from(["a b", " c", "d  ", " && e", "  ", "# note", "", "é 'q r'", "\\\\ f", "x\t"]),
    min_size=1,
    max_size=5,
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.filter_too_much])
@given(
    ROWS,
    st.sampled_from(["g\n", " g\n", "g", "g \n", "g\r\n", "\n", "\\\n"]),
    st.sampled_from(["\n", "\r\n", " \t\n"]),
    st.data(),
)
def test_putting_words_in_is_what_editing_line_by_line_makes(
    rows: list[str], end: str, eol: str, data: st.DataObject
) -> None:
    """The quick way and the long one agree wherever the quick one takes an edit."""
    nodes = load(("RUN one" + "".join(f" \\{eol}{row}" for row in rows) + end).encode()).instructions
    assume(nodes and not nodes[0].heredocs)
    node = nodes[0]
    start = data.draw(st.integers(0, len(node.line)))
    past = min(start + data.draw(st.integers(0, 4)), len(node.line))
    later = data.draw(st.integers(past, len(node.line)))
    words = st.sampled_from(["w", " w", "w ", "a \\\n  b", " ", ""])
    batch = [(start, past, data.draw(words)), (later, later, data.draw(words))][: data.draw(st.integers(1, 2))]
    quick = spans._put_in(node, batch)
    assume(quick is not None)
    assert quick == spans._by_lines(node, batch)
