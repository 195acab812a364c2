"""A real container engine for the tests marked ``engine``."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from dockopt.build.engine import Engine, EngineGone
from dockopt.report.units import change, size
from tests.build.fixtures import BUILT, LEFT, SIZES, leftovers

#: Set by ``.ci/run``: a missing engine is then a failure, not a reason to skip.
REQUIRED = "DOCKOPT_TEST_ENGINE"

#: ``podman`` or ``nerdctl``, to try another than docker.
CLIENT = "DOCKOPT_TEST_CLIENT"

HOW = 'no container engine answers; start Docker, or here: eval "$(../shared/engine/up)"'


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many fixtures were built, and of which transforms none; what whole applications weigh."""
    for name, (before, after) in SIZES.items():
        terminalreporter.write_line(f"{name}: {size(before)} → {size(after)} ({change(before, after)})")
    if BUILT:
        none = sorted(name for name, count in BUILT.items() if not count)
        shown = len(BUILT) - len(none)
        terminalreporter.write_line(
            f"fixtures of safe changes built before and after: {sum(BUILT.values())}, of {shown} transforms"
        )
        terminalreporter.write_line(f"none could be built here: {', '.join(none) or '-'}")
        for reason, names in sorted(LEFT.items()):
            terminalreporter.write_line(f"tried, not built here ({reason}): {len(names)}: {', '.join(names)}")


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """One engine for all tests; afterwards nothing it made may be left."""
    try:
        one = Engine(os.environ.get(CLIENT))
    except EngineGone as problem:
        if os.environ.get(REQUIRED):
            raise
        pytest.skip(f"{HOW} ({problem})")
    with one:
        yield one
    assert leftovers(one) == []
