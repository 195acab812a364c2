"""Stages, states and scripts of a document."""

import pytest

from dockopt.facts.facts import Facts
from dockopt.facts.value import Known, Unknown
from dockopt.syntax.document import Document, load


def facts(text: str) -> Facts:
    return Facts(load(text.encode()))


def test_which_stages_ship() -> None:
    found = facts(
        "FROM a AS base\nRUN x\nFROM base AS build\nRUN y\nFROM debian AS extra\nRUN z\nFROM base\nCOPY --from=build /x /x\n"
    )
    stages = found.stages
    assert [(stage.name, stages.ships(stage)) for stage in stages.all] == [
        ("base", True),
        ("build", False),
        ("extra", True),
        ("", True),
    ]


def test_a_mount_and_a_number_count_as_reading_from_a_stage() -> None:
    found = facts("FROM a AS b\nFROM c AS d\nFROM e\nCOPY --from=0 /x /x\nRUN --mount=type=bind,from=d,target=/d ls\n")
    assert found.stages.copied == {0, 1}


def test_the_base_of_a_stage_follows_arguments_before_the_first_from() -> None:
    found = facts("ARG V=3.13\nARG X\nFROM python:${V}-slim AS a\nFROM a\nFROM $X\n")
    a, b, c = found.stages.all
    assert (a.base, b.parent, c.base) == ("python:3.13-slim", a, None)


def test_state_follows_user_workdir_and_env() -> None:
    found = facts(
        'FROM debian\nWORKDIR app\nENV A=1 B=$A\nENV C=$A\nUSER me\nARG D\nWORKDIR sub/$D\nWORKDIR x\nSHELL ["/bin/bash","-c"]\nRUN y\n'
    )
    state = found.state(found.document.instructions[-1])
    assert isinstance(state.user, Known) and state.user.value == "me"
    assert isinstance(state.workdir, Unknown)
    assert state.env["C"] == "1"
    assert state.env["B"] is None, "one ENV expands with the environment before it"
    assert state.shell == ("/bin/bash", "-c")
    run = found.scripts[0]
    assert found.shell(run) == "bash"


def test_an_unknown_base_gives_no_user_and_no_directory() -> None:
    found = facts("FROM acme/base\nWORKDIR app\nRUN x\n")
    state = found.state(found.document.instructions[-1])
    assert isinstance(state.user, Unknown) and isinstance(state.workdir, Unknown)


@pytest.mark.parametrize(
    ("text", "opaque"),
    [
        ("RUN apt-get install x", False),
        ('SHELL ["powershell", "-Command"]\nRUN x', True),
        ('SHELL ["/bin/bash", "-o", "pipefail", "-c"]\nRUN x', False),
        ("RUN if x; then", True),
        ("RUN <<EOF\n#!/usr/bin/env python3\nprint(1)\nEOF", True),
        ("RUN <<EOF\nset -e\napt-get update\nEOF", False),
    ],
)
def test_opaque_scripts(text: str, opaque: bool) -> None:
    assert (facts(f"FROM debian\n{text}\n").scripts[-1].opaque is not None) is opaque


def test_windows_images_have_another_shell() -> None:
    assert facts("FROM mcr.microsoft.com/windows/servercore:ltsc2022\nRUN dir\n").scripts[0].opaque is not None


def test_heredoc_scripts_are_read_from_their_body() -> None:
    view = facts("FROM debian\nRUN <<EOF\napt-get update\nmake\nEOF\n").scripts[0]
    assert [command.name for command in view.commands] == ["apt-get", "make"]
    fed = facts("FROM debian\nRUN cat <<EOF > /x && make\nhello\nEOF\n").scripts[0]
    assert [command.name for command in fed.commands] == ["cat", "make"]


def test_states_are_kept_only_where_nothing_but_runs_changed() -> None:
    before = facts("FROM debian\nENV A=1\nRUN x\nENV B=1\nRUN y\n")
    assert before.states
    nodes = before.document.nodes
    dropped = Facts(Document(nodes[:-1]), None, before)
    assert dropped.states is before.states
    moved = Facts(Document([nodes[0], nodes[2], nodes[1], *nodes[3:]]), None, before)
    assert moved.states is not before.states
    assert "A" not in moved.state(nodes[2]).env  # type: ignore[arg-type]
    without = Facts(Document([nodes[0], *nodes[2:]]), None, before)
    assert without.states is not before.states
