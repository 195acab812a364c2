from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.support import BEFORE, Run


@pytest.fixture
def dockopt(tmp_path: Path) -> Run:
    """The command, in an empty folder."""
    return Run(tmp_path)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A Dockerfile in that folder, holding ``BEFORE``."""
    path = tmp_path / "Dockerfile"
    path.write_bytes(BEFORE)
    return path
