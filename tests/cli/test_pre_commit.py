"""The hook, run by the real pre-commit on a real git repository."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from dockopt.workspace.discovery import is_dockerfile_name
from tests.cli.support import BEFORE, Run

MANIFEST = Path(__file__).parents[2] / ".pre-commit-hooks.yaml"


@pytest.fixture(scope="module")
def hook() -> dict[str, Any]:
    (hook,) = yaml.safe_load(MANIFEST.read_text())
    assert isinstance(hook, dict)
    return hook


def test_the_manifest_is_valid() -> None:
    subprocess.run([sys.executable, "-m", "pre_commit", "validate-manifest", MANIFEST], check=True)


@pytest.mark.parametrize(
    "name",
    [
        "Dockerfile", "dockerfile", "containerfile", "Dockerfile.dev", "Dockerfile-dev", "Dockerfile_dev",
        "Containerfile.x", "api.Dockerfile", "api.dockerfile", "web.containerfile", "Dockerfile.3.12",
        "Dockerfile.j2", "Dockerfile.jinja", "Dockerfile.tmpl", "Dockerfile.yml", "Dockerfile.orig", "Dockerfile~",
        "Dockerfile.dockerignore", "Dockerfile.md", "api.dockerfile.j2", "Dockerfiles", "MyDockerfile", "Dockerfile.",
        "dockerfile.py", "dockerfile-x", "README.md", "Makefile",
    ],
)  # fmt: skip
def test_the_hook_takes_the_names_that_dockopt_takes(hook: dict[str, Any], name: str) -> None:
    for path in (name, f"deep/er/{name}"):
        taken = re.search(hook["files"], path) is not None and re.search(hook["exclude"], path) is None
        assert taken == is_dockerfile_name(name)


def test_a_source_file_is_not_for_the_hook(hook: dict[str, Any]) -> None:
    # Only its contents could tell, and pre-commit does not look at them.
    for name in ("Dockerfile.go", "Dockerfile.py", "Dockerfile.java"):
        assert re.search(hook["exclude"], name)


def test_fixes_fails_the_commit_and_passes_the_second_time(
    dockopt: Run, tmp_path_factory: pytest.TempPathFactory, hook: dict[str, Any]
) -> None:
    repository = dockopt.folder
    environment = dockopt.environment(
        {
            "PRE_COMMIT_HOME": str(tmp_path_factory.mktemp("home")),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b",
        }
    )  # fmt: skip

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(words, cwd=repository, env=environment, capture_output=True, text=True)

    def git(*words: str) -> str:
        done = run("git", *words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    # The hook as published, but for the environment pre-commit would build for it from the network.
    program, *words = shlex.split(hook["entry"])
    assert program == "dockopt"
    local = {**hook, "language": "system", "entry": shlex.join([sys.executable, "-m", "dockopt", *words])}
    configuration = {"repos": [{"repo": "local", "hooks": [local]}]}
    (repository / ".pre-commit-config.yaml").write_text(json.dumps(configuration))
    (repository / "services/api").mkdir(parents=True)
    for name in ("Dockerfile", "services/api/Dockerfile.dev", "Dockerfile.j2", "notes.txt"):
        (repository / name).write_bytes(BEFORE)
    git("init", "-q")
    assert run(sys.executable, "-m", "pre_commit", "install").returncode == 0
    git("add", "-A")

    first = run("git", "commit", "-q", "-m", "first")
    assert first.returncode == 1, first.stderr
    assert "files were modified by this hook" in first.stderr
    assert "fixed services/api/Dockerfile.dev: replace-maintainer" in first.stderr
    assert sorted(git("diff", "--name-only").split()) == ["Dockerfile", "services/api/Dockerfile.dev"]

    git("add", "-A")
    second = run("git", "commit", "-q", "-m", "second")
    assert second.returncode == 0, second.stderr
    assert "Passed" in second.stderr
    assert b"LABEL" in (repository / "Dockerfile").read_bytes()
    assert git("status", "--short") == ""

    (repository / "Dockerfile").write_bytes(b"FROM a\nNONSENSE b\n")
    git("add", "-A")
    third = run("git", "commit", "-q", "-m", "third")
    assert third.returncode == 1
    assert "dockopt: Dockerfile:2: BuildKit rejects this file" in third.stderr
