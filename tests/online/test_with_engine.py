"""What pin-base writes with ``--online`` is what Docker itself finds: an image pushed, pinned and built on."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from dockopt.build.engine import Engine
from dockopt.engine.pipeline import Options, rewrite
from dockopt.facts.outside import Outside
from tests.build.conftest import engine  # noqa: F401 - a fixture
from tests.online.server import Registry

ENVIRONMENT = dict(os.environ)
pytestmark = pytest.mark.engine


def docker(*words: str) -> str:
    # With Docker's own configuration, which names its plug-ins: the tests' is empty.
    done = subprocess.run(["docker", *words], env=ENVIRONMENT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_docker_builds_on_what_was_pinned(
    engine: Engine,  # noqa: F811
    registry: Registry,
    tmp_path: Path,
) -> None:
    base = f"{registry.host}/engine/base"
    names = [f"{base}:1.2", f"{base}:latest"]
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /one\nUSER 1001\nWORKDIR /srv\n")
    docker("build", "-q", *(f"--tag={name}" for name in names), str(tmp_path))
    try:
        for name in names:
            docker("push", "-q", name)
    finally:
        docker("rmi", *names)  # what is built below has to come from the registry
    text = f"FROM {base}\nWORKDIR app\nCOPY Dockerfile /two\n"
    options = Options(unsafe=True, select=("pin-base", "absolute-workdir"))
    outcome = rewrite(text.encode(), options, Outside(online=()))
    first, second, _ = outcome.after.decode().splitlines()
    assert first.startswith(f"FROM {base}:1.2@sha256:") and second == "WORKDIR /srv/app"
    (tmp_path / "Dockerfile").write_bytes(outcome.after)
    image = docker("build", "-q", str(tmp_path))
    try:
        shown = docker("image", "inspect", "--format", "{{.Config.User}} {{.Config.WorkingDir}}", image)
        assert shown == "1001 /srv/app"
    finally:
        docker("rmi", image)
