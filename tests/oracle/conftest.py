from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.oracle.buildkit import BuildKit


@pytest.fixture(scope="session")
def buildkit() -> Iterator[BuildKit]:
    process = BuildKit()
    yield process
    process.close()
