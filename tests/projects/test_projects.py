"""Whole applications through the whole pipeline, unsafe fixes included."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dockopt.engine.model import Outcome
from dockopt.engine.pipeline import Options
from tests.oracle.buildkit import BuildKit
from tools.projects import committed, expected, fixed, projects

PROJECTS = projects()
UNSAFE = Options(unsafe=True)


def test_there_is_one_for_each_ecosystem() -> None:
    manifests = {path.name for project in PROJECTS for path in project.rglob("*") if path.is_file()}
    assert len(PROJECTS) >= 12
    assert manifests >= {
        "requirements.txt", "pyproject.toml", "poetry.lock", "uv.lock", "package.json", "package-lock.json", "yarn.lock",
        "go.mod", "Cargo.toml", "pom.xml", "build.gradle", "Weather.csproj", "Makefile", "Gemfile", "composer.json",
    }  # fmt: skip


@pytest.fixture(scope="module")
def buildkit() -> Iterator[BuildKit]:
    """A process of its own: the parser brings Go's threads, which no later fork may meet."""
    process = BuildKit()
    yield process
    process.close()


@pytest.fixture(params=PROJECTS, ids=[project.name for project in PROJECTS])
def project(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


@pytest.mark.parametrize("options", [Options(), UNSAFE], ids=["safe", "unsafe"])
def test_it_is_proven_stays_put_and_buildkit_reads_it(project: Path, options: Options, buildkit: BuildKit) -> None:
    outcome = fixed(project, (project / "Dockerfile").read_bytes(), options)
    assert outcome.error is None
    assert not [entry for entry in outcome.entries if entry.kind == "defect"]
    assert outcome.changed or not options.unsafe
    again = fixed(project, outcome.after, options, outcome.files)
    assert _text(again) == outcome.after.decode()
    assert again.files == ()
    assert buildkit.read(outcome.after.decode()).error is None


def test_it_is_what_a_person_has_read(project: Path) -> None:
    """After a change that is meant to show here: ``python tools/projects.py``, and read the difference."""
    new, old = expected(project), committed(project)
    assert {name: data.decode() for name, data in new.items()} == {name: data.decode() for name, data in old.items()}


def _text(outcome: Outcome) -> str:
    return outcome.after.decode()
