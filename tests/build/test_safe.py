"""Safety is earned: fixtures of safe changes are built before and after, and nothing undeclared may differ.

Two fixtures of each transform by default, ``DOCKOPT_FIXTURES=1`` for one, ``all`` for every one. Base images are
stand-ins, see :mod:`tests.build.fixtures`; what cannot be built here is counted and named at the end.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dockopt.build.engine import Engine
from dockopt.build.verify import Prover
from dockopt.testing import Case, cases
from tests.build.fixtures import BUILT, LEFT, Images, outside, target

pytestmark = pytest.mark.engine

ROOT = Path(__file__).resolve().parents[2] / "fixtures"
ENOUGH = int(os.environ.get("DOCKOPT_FIXTURES", "2").replace("all", "10000"))

SAFE: dict[str, list[Case]] = {}
for _case in cases(ROOT):
    if _case.after != _case.before and not _case.settings.get("unsafe"):
        SAFE.setdefault(_case.transform, []).append(_case)


@pytest.fixture(scope="module")
def images(engine: Engine) -> Images:
    return Images(engine)


@pytest.mark.parametrize("transform", SAFE)
def test_safe_changes_leave_no_undeclared_difference(
    transform: str, engine: Engine, images: Images, tmp_path: Path
) -> None:
    built = 0
    for number, case in enumerate(sorted(SAFE[transform], key=lambda case: not case.settings.get("example"))):
        folder = tmp_path / str(number)
        folder.mkdir()
        how = target(case, folder, images)
        if how is None:
            LEFT.setdefault("no such base image here", []).append(case.name)
            continue
        proof = Prover(engine).prove(case.before, case.options, [how], outside(case, folder))
        if proof.problem:
            LEFT.setdefault("does not build as it is, for want of what it needs", []).append(case.name)
            continue
        found = [reason for dropped in proof.dropped for reason in dropped.failure.reasons + dropped.failure.log]
        assert not found, f"{case.name}: " + "\n".join(found)
        assert proof.proven and proof.outcome.after == case.after
        built += 1
        if built == ENOUGH:
            break
    BUILT[transform] = built
