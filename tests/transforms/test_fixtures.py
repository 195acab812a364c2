"""Every fixture, through the public runner."""

from pathlib import Path

import pytest

from dockopt.engine.pipeline import Options
from dockopt.engine.registry import registry
from dockopt.testing import Case, cases, check, run

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


@pytest.mark.parametrize("case", [case for case in CASES if case.before != case.after], ids=lambda case: case.name)
def test_what_says_it_is_never_safe_never_is(case: Case) -> None:
    spec = registry().spec(case.transform)
    if spec.mildest == "safe":
        assert spec.safety in ("safe", "unsafe", "manual")
        return
    outcome = run(case, case.before, Options(unsafe=True, select=(spec.id,)))
    own = {entry.safety for entry in outcome.entries if entry.kind == "applied" and entry.transform == spec.id}
    assert own == {"unsafe"}
