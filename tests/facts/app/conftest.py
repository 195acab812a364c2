"""A project in a temporary folder, and the facts of its Dockerfile."""

from collections.abc import Callable
from pathlib import Path

import pytest

from dockopt.facts.app.model import App
from dockopt.facts.facts import Facts
from dockopt.facts.outside import Outside
from dockopt.facts.value import Known
from dockopt.syntax.document import load

Project = Callable[..., Facts]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    def make(dockerfile: str, **files: str) -> Facts:
        (tmp_path / ".git").mkdir(exist_ok=True)
        for name, text in {**files, "Dockerfile": dockerfile}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return Facts(load(dockerfile.encode()), Outside(str(tmp_path / "Dockerfile")))

    return make


def app_of(facts: Facts) -> App:
    found = facts.app
    assert isinstance(found, Known), found
    return found.value
