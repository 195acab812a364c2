"""A registry for the tests marked ``registry``, and no login of whoever runs the tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dockopt.facts.online import images
from tests.online.server import Registry, program, running

HOW = "no docker-registry is installed; on Debian: apt-get install docker-registry"


@pytest.fixture(autouse=True)
def alone(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No login, no proxy, and nothing remembered from the test before."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path_factory.mktemp("docker")))
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setattr(images, "_known", {})


@pytest.fixture(scope="session")
def needs_registry() -> None:
    if program() is None:
        pytest.skip(HOW)


@pytest.fixture(scope="session")
def registry(needs_registry: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry that everybody may read and write; each test has its own repositories."""
    folder: Path = tmp_path_factory.mktemp("registry")
    with running(folder) as one:
        yield one
