"""Files beside the Dockerfile that a fix writes: .dockerignore."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.cli.support import Run

DOCKERFILE = b"FROM debian:trixie-slim\nMAINTAINER me\nCOPY . /srv\n"
FIX = ("fix", "--unsafe-fixes", "--select=dockerignore,replace-maintainer")


@pytest.fixture
def project(dockopt: Run) -> Path:
    (dockopt.folder / "Dockerfile").write_bytes(DOCKERFILE)
    (dockopt.folder / "start").write_text("echo started\n")
    return dockopt.folder


def test_it_is_written_with_the_dockerfile_and_the_second_run_is_silent(dockopt: Run, project: Path) -> None:
    done = dockopt(*FIX)
    assert (done.code, done.out) == (0, b"fixed Dockerfile: replace-maintainer, dockerignore\n")
    assert ".git\n" in (project / ".dockerignore").read_text()
    assert b"LABEL" in (project / "Dockerfile").read_bytes()
    before = (project / ".dockerignore").read_bytes()
    again = dockopt(*FIX)
    assert (again.code, again.out) == (0, b"")
    assert (project / ".dockerignore").read_bytes() == before


@pytest.mark.parametrize("existing", [None, b"*.md"])
def test_git_applies_the_diff(dockopt: Run, project: Path, existing: bytes | None) -> None:
    subprocess.run(["git", "init", "-q"], cwd=project, check=True)
    if existing is not None:
        (project / ".dockerignore").write_bytes(existing)
        (project / ".env").write_text("A=1\n")
    done = dockopt(*FIX, "--diff")
    assert done.code == 1
    assert (b"--- /dev/null\n+++ b/.dockerignore\n" in done.out) == (existing is None)
    assert (project / "Dockerfile").read_bytes() == DOCKERFILE
    subprocess.run(["git", "apply", "-"], cwd=project, input=done.out, check=True)
    applied = {name: (project / name).read_bytes() for name in ("Dockerfile", ".dockerignore")}
    (project / "Dockerfile").write_bytes(DOCKERFILE)
    if existing is None:
        (project / ".dockerignore").unlink()
    else:
        (project / ".dockerignore").write_bytes(existing)
    assert dockopt(*FIX).code == 0
    assert applied == {name: (project / name).read_bytes() for name in applied}


def test_check_counts_it_and_json_lists_it(dockopt: Run, project: Path) -> None:
    (project / "Dockerfile").write_bytes(DOCKERFILE.replace(b"MAINTAINER me\n", b""))
    assert dockopt(*FIX, "--check").code == 1
    assert not (project / ".dockerignore").exists()
    done = dockopt(*FIX, "--diff", "--output-format=json")
    assert done.code == 1
    report = json.loads(done.out)
    (file,) = report["files"]
    assert (file["changed"], file["written"], file["diff"]) == (True, False, "")
    (other,) = file["files"]
    assert (other["path"], other["created"]) == (".dockerignore", True)
    assert other["diff"].startswith("--- /dev/null\n+++ b/.dockerignore\n@@ -0,0 +1,")
    written = json.loads(dockopt(*FIX, "--output-format=json").out)["files"][0]
    assert (written["written"], written["files"]) == (True, [{"path": ".dockerignore", "created": True}])


def test_several_dockerfiles_share_one(dockopt: Run, project: Path) -> None:
    (project / "Dockerfile.debug").write_bytes(DOCKERFILE)
    diff = dockopt(*FIX, "--diff").out
    assert diff.count(b"+++ b/.dockerignore") == 1
    assert diff.count(b"+LABEL") == 2
    done = dockopt(*FIX)
    assert done.code == 0, done
    assert dockopt(*FIX, "--check").code == 0


def test_without_unsafe_fixes_it_waits(dockopt: Run, project: Path) -> None:
    done = dockopt("fix", "--select=dockerignore")
    assert done.code == 0
    assert "what --unsafe-fixes would add" in done.err
    assert not (project / ".dockerignore").exists()


def test_where_it_cannot_be_written_nothing_is(dockopt: Run, project: Path) -> None:
    patch = (
        "import dockopt.workspace.write as write\n"
        "from dockopt.workspace.read import FileProblem\n"
        "def put(path, before, after): raise FileProblem(path, 'is read-only')\n"
        "write.put = put\n"
    )
    done = dockopt(*FIX, patch=patch)
    assert done.code == 2
    assert "dockopt: Dockerfile: was left alone: its .dockerignore is read-only" in done.err
    assert (project / "Dockerfile").read_bytes() == DOCKERFILE


@pytest.mark.parametrize("existing", [None, b"*.md\n"])
def test_where_the_dockerfile_cannot_be_written_it_goes_again(
    dockopt: Run, project: Path, existing: bytes | None
) -> None:
    if existing is not None:
        (project / ".dockerignore").write_bytes(existing)
        (project / ".env").write_text("A=1\n")
    patch = (
        "import dockopt.workspace.write as write\n"
        "from dockopt.workspace.read import FileProblem\n"
        "replace = write.replace\n"
        "def failing(source, data):\n"
        "    if source.path.endswith('Dockerfile'): raise FileProblem(source.path, 'is read-only')\n"
        "    replace(source, data)\n"
        "write.replace = failing\n"
    )
    done = dockopt(*FIX, patch=patch)
    assert done.code == 2
    assert (project / "Dockerfile").read_bytes() == DOCKERFILE
    found = (project / ".dockerignore").read_bytes() if (project / ".dockerignore").exists() else None
    assert found == existing
    assert not [name for name in os.listdir(project) if name.endswith(".tmp")]
