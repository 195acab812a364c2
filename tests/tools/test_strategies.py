"""Every strategy and every line of the checklist has what carries it out, a fixture and a page."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockopt.engine.registry import registry
from dockopt.engine.score import ITEMS
from tools.strategies import NOT_YET, STRATEGIES, TARGET, missing, render

ROOT = Path(__file__).parents[2]
NAMED = {id for _, _, ids, _ in STRATEGIES for id in ids} | {id for item in ITEMS for id in item.transforms}
IDS = sorted(NAMED - set(NOT_YET))


def test_the_page_is_current() -> None:
    assert TARGET.read_text(encoding="utf-8") == render()


def test_nothing_is_without_a_transform() -> None:
    assert missing() == []


def test_what_is_missing_is_told_and_nothing_else() -> None:
    known = {spec.id for spec in registry().specs}
    assert set(NOT_YET) <= NAMED
    assert not known & set(NOT_YET), "it exists by now: take it out of the list"


@pytest.mark.parametrize("id", IDS)
def test_a_transform_named_has_fixture_and_page(id: str) -> None:
    assert id in {spec.id for spec in registry().specs}
    assert list((ROOT / "fixtures" / id).glob("*/before.Dockerfile"))
    assert (ROOT / "docs" / "transforms" / f"{id}.md").is_file()
