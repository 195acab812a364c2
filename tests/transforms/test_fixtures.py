"""Every fixture, through the public runner."""

from functools import cache
from pathlib import Path

import pytest

from dockopt.engine.pipeline import Options
from dockopt.engine.registry import Spec, registry
from dockopt.facts.facts import Facts
from dockopt.syntax.document import load
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


@cache
def proposed() -> dict[str, set[str]]:
    """How safe what each transform proposes in its own fixtures is."""
    found: dict[str, set[str]] = {}
    for case in CASES:
        outcome = run(case, case.before, Options(unsafe=True, select=(case.transform,)))
        found.setdefault(case.transform, set()).update(
            entry.safety
            for entry in outcome.entries
            if entry.kind in ("applied", "waiting", "manual") and entry.transform == case.transform
        )
    return found


@pytest.mark.parametrize("spec", registry().specs, ids=[spec.id for spec in registry().specs])
def test_what_a_transform_says_of_its_safety_is_what_its_fixtures_show(spec) -> None:  # type: ignore[no-untyped-def]
    """By ``mildest`` the engine leaves a transform out where only safe changes are wanted, and nobody would miss it.

    One that says ``safe`` and never is costs every plain run; one that may be and does not say so is never applied
    there. Each has a fixture for the safest and for the most daring of what it proposes, so this needs no exceptions.
    """
    shown = [safety for safety in ("safe", "unsafe", "manual") if safety in proposed()[spec.id]]
    assert shown, f"no fixture of {spec.id} proposes anything"
    assert spec.mildest == shown[0], f"{spec.id}: mildest is {spec.mildest}, fixtures show {shown}"
    assert spec.safety == shown[-1], f"{spec.id}: safety is {spec.safety}, fixtures show {shown}"


@pytest.mark.parametrize("spec", registry().specs, ids=[spec.id for spec in registry().specs])
def test_a_transform_says_nothing_of_a_file_without_what_it_is_about(spec: Spec) -> None:
    """The engine does not even ask it there: by ``instructions``, ``managers`` and ``mentions``."""
    transform = registry().load(spec.id)
    for case in CASES:
        if not case.settings.get("example") and case.transform != spec.id:
            continue
        facts = Facts(load(case.before))
        if (
            (spec.instructions and facts.names.isdisjoint(spec.instructions))
            or (spec.managers and facts.managers.isdisjoint(spec.managers))
            or (spec.mentions and not facts.mentions(*spec.mentions))
        ):
            assert list(transform.propose(facts.document, facts)) == [], case.name


@pytest.mark.parametrize("options", [Options(acting_only=True), Options(unsafe=True)], ids=["plain", "unsafe"])
def test_made_together_or_one_by_one_the_text_is_the_same(options: Options) -> None:
    """What is ``local`` or about ``scripts`` is made in one edit with others; with ``careful`` nothing is."""
    for case in CASES:
        together, apart = run(case, case.before, options), run(case, case.before, options._replace(careful=True))
        assert together.after == apart.after, case.name
