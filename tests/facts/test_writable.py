"""Which folders a Dockerfile shows to be written."""

from __future__ import annotations

import pytest

from dockopt.facts.facts import Facts
from dockopt.facts.value import Known, Unknown
from dockopt.facts.writable import declared_folders, is_system, writable
from dockopt.syntax.document import load


def _facts(text: str) -> Facts:
    return Facts(load(text.encode()))


@pytest.mark.parametrize("path", ["/", "/etc/app", "/usr/share/x", "/tmp", "/var/lib/apt/lists", "/usr/src"])
def test_folders_of_the_distribution(path: str) -> None:
    assert is_system(path)


@pytest.mark.parametrize("path", ["/app", "/usr/src/app", "/var/lib/app", "/data", "/etcetera", "/var/cache/nginx"])
def test_folders_of_the_program(path: str) -> None:
    assert not is_system(path)


def test_volumes_and_made_folders_with_their_lines() -> None:
    facts = _facts("FROM debian:12\nWORKDIR /srv\nRUN mkdir -p logs /data /etc/app\nVOLUME /keep\n")
    found = declared_folders(facts, facts.stages.all[-1])
    assert isinstance(found, Known)
    assert [(each.path, each.keep, each.evidence) for each in found.value] == [
        ("/keep", True, "line 4: VOLUME"),
        ("/srv/logs", False, "line 3: mkdir logs"),
        ("/data", True, "line 3: mkdir /data"),
    ]


def test_folders_of_another_stage_do_not_count() -> None:
    facts = _facts("FROM debian:12 AS build\nRUN mkdir -p /work\nFROM debian:12\nRUN mkdir -p /data\n")
    found = declared_folders(facts, facts.stages.all[-1])
    assert isinstance(found, Known)
    assert [each.path for each in found.value] == ["/data"]


@pytest.mark.parametrize(
    "run",
    ["RUN mkdir -p $WHERE", "RUN cd /x && mkdir -p y", "ARG D\nVOLUME $D", "RUN mkdir -p /{a,b}"],
)
def test_what_only_the_build_knows(run: str) -> None:
    facts = _facts(f"FROM debian:12\n{run}\n")
    assert isinstance(declared_folders(facts, facts.stages.all[-1]), Unknown)


def test_what_variables_commands_and_servers_name() -> None:
    facts = _facts(
        "FROM debian:12\nENV CACHE_DIR=/var/cache/app HOME_PAGE=/index DATA_DIR=relative\n"
        'CMD ["server", "--pid=/run/app/app.pid"]\n'
    )
    found = {each.path: each.keep for each in writable(facts, facts.stages.all[-1], "server")}
    assert found == {"/tmp": False, "/var/cache/app": False, "/run/app": False}
    nginx = {each.path for each in writable(facts, facts.stages.all[-1], "nginx")}
    assert {"/var/cache/nginx", "/run"} <= nginx and "/run/app" not in nginx
