from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.oracle.buildkit import BuildKit


@pytest.fixture(scope="module")
def buildkit() -> Iterator[BuildKit]:
    """One worker a module: other tests look for child processes that should be gone."""
    process = BuildKit()
    yield process
    process.close()
