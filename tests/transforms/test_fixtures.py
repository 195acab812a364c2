"""Every fixture, through the public runner."""

from pathlib import Path

import pytest

from dockopt.engine.registry import registry
from dockopt.testing import Case, cases, check

ROOT = Path(__file__).resolve().parents[2] / "fixtures"
CASES = cases(ROOT)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_case(case: Case) -> None:
    problems = check(case)
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("spec", registry().specs, ids=[spec.id for spec in registry().specs])
def test_every_transform_has_more_refusals_than_rewrites_and_one_example(spec) -> None:  # type: ignore[no-untyped-def]
    own = [case for case in CASES if case.transform == spec.id]
    examples = [case for case in own if case.settings.get("example")]
    assert len(examples) == 1, f"{spec.id} has {len(examples)} examples"
    changed = sum(case.after != case.before or (case.folder / "files").is_dir() for case in own)
    assert len(own) - changed > changed, f"{spec.id}: {changed} rewrites, {len(own) - changed} refusals"
