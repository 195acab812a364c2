"""Where newer BuildKit and 0.12.5 (or its Python wrapper) part ways, dockopt follows the newer one.

Each test shows both sides, so that :mod:`tests.oracle.buildkit` leaves out nothing that is not real.
"""

from __future__ import annotations

import pytest

from dockopt.api import load
from tests.oracle.buildkit import BuildKit, differences, newer_only, rejected


def test_a_space_may_stand_before_a_heredoc_name(buildkit: BuildKit) -> None:
    text = "FROM a\nRUN << EOF\necho\nEOF\n"
    assert len(buildkit.read(text).commands) == 4
    document = load(text.encode())
    assert [doc.word.name for doc in document.instructions[1].heredocs] == ["EOF"]
    assert differences(document, buildkit) == []


def test_a_spaced_heredoc_name_may_start_with_a_dash(buildkit: BuildKit) -> None:
    text = "FROM a\nRUN << -EOF\necho\n-EOF\n"
    assert len(buildkit.read(text).commands) == 4
    document = load(text.encode())
    word = document.instructions[1].heredocs[0].word
    assert (word.name, word.chomp) == ("-EOF", False)
    assert newer_only(document)


def test_text_after_a_json_array_makes_it_a_shell_form(buildkit: BuildKit) -> None:
    text = 'FROM a\nCMD ["a"] b\n'
    command = buildkit.read(text).commands[1]
    assert command["json"] and command["value"] == ["a"]
    document = load(text.encode())
    assert document.instructions[1].json is None
    assert document.instructions[1].args == ('["a"] b',)
    assert newer_only(document)


def test_a_check_directive_does_not_end_the_directives(buildkit: BuildKit) -> None:
    text = "# check=skip=all\n# escape=`\nFROM a\nRUN b `\nc\n"
    assert len(buildkit.read(text).commands) == 3
    document = load(text.encode())
    assert [node.line for node in document.instructions] == ["FROM a", "RUN b c"]
    assert newer_only(document)


def test_flags_are_escaped_by_the_files_escape_token(buildkit: BuildKit) -> None:
    text = "# escape=`\nFROM a\nRUN --x=C:\\y z\n"
    assert buildkit.read(text).commands[1]["flags"] == ["--x=C:y"]
    document = load(text.encode())
    assert [flag.text for flag in document.instructions[1].flags] == ["--x=C:\\y"]
    assert newer_only(document)


def test_a_pattern_modifier_beside_a_heredoc(buildkit: BuildKit) -> None:
    text = "FROM a\nRUN echo ${x#y} <<EOF\nb\nEOF\n"
    assert len(buildkit.read(text).commands) == 4
    document = load(text.encode())
    assert len(document.instructions) == 2
    assert newer_only(document)


def test_the_wrapper_drops_flags_and_heredocs_inside_onbuild(buildkit: BuildKit) -> None:
    text = "FROM a\nONBUILD RUN --network=none <<EOF\nb\nEOF\n"
    command = buildkit.read(text).commands[1]
    assert command["flags"] == command["heredocs"] == []
    node = load(text.encode()).instructions[1]
    assert node.inner is not None
    assert [flag.text for flag in node.inner.flags] == ["--network=none"]
    assert len(node.heredocs) == 1


def test_the_parser_accepts_unknown_keywords_and_the_build_does_not(buildkit: BuildKit) -> None:
    text = "FROM a\nFOO b\n"
    assert buildkit.read(text).error is None
    document = load(text.encode())
    assert not rejected(document)
    assert [problem.line for problem in document.problems] == [2]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# only a comment\n",
        "\n\n",
        "FROM a\nENV x\n",
        "FROM a\nENV a=b c\n",
        'FROM a\nCMD ["a", ["b"]]\n',
        "FROM a\nRUN <<EOF\nb\n",
        "# escape=x\nFROM a\n",
        "# escape=`\n# escape=`\nFROM a\n",
        pytest.param(f"FROM a\nRUN {'x' * 65536}\n", id="a line of more than 65,535 bytes"),
    ],
)
def test_both_reject(buildkit: BuildKit, text: str) -> None:
    assert buildkit.read(text).error
    document = load(text.encode())
    if document.instructions:
        assert len(document.problems) > 0
