"""What a person reads on a narrow terminal: no line is broken by the terminal, no word is lost."""

from __future__ import annotations

import re

import pytest

from dockopt.api import registry
from dockopt.engine.score import Line, Score
from dockopt.report import catalogue, score

SPECS = registry().specs
LINK = re.compile(r"https?://\S+")


def words(text: str) -> list[str]:
    return sorted(re.findall(r"[\w-]+", text))


def test_rules_keep_one_line_each_where_there_is_room() -> None:
    wide = catalogue.table(SPECS)
    assert len(wide.splitlines()) == len(SPECS) + 1
    assert catalogue.table(SPECS, width=1000) == wide


def test_rules_on_80_columns() -> None:
    narrow = catalogue.table(SPECS, width=80)
    assert max(map(len, narrow.splitlines())) <= 80
    heads = [line.split()[0] for line in narrow.splitlines() if not line.startswith(" ")]
    assert heads == [spec.id for spec in SPECS]
    for spec in SPECS:
        assert all(alias in narrow for alias in spec.aliases)


@pytest.mark.parametrize("spec", SPECS, ids=[spec.id for spec in SPECS])
def test_explanations_on_80_columns_say_the_same(spec: object) -> None:
    docstring = registry().load(spec.id).__doc__ or ""  # type: ignore[attr-defined]
    wide = catalogue.explanation(spec, docstring)  # type: ignore[arg-type]
    narrow = catalogue.explanation(spec, docstring, width=80)  # type: ignore[arg-type]
    assert words(narrow) == words(wide)
    text = LINK.sub("", narrow.partition("\nExample:")[0])
    assert max(map(len, text.splitlines())) <= 80


def test_score_on_80_columns() -> None:
    lines = (
        Line("a", "Use slim base images", 0, 10, "fail", "line 1: debian; " + "there is one " * 9, ("slim-base",), "x " * 60),
        Line("b", "Short", 0, 0, "none", "nothing to do", (), ""),
    )  # fmt: skip
    judged = score.Judged("Dockerfile", Score(lines))
    narrow = score.table(judged, width=80)
    assert max(map(len, narrow.splitlines())) <= 80
    assert set(words(score.table(judged))) - set(words(narrow)) == {"line", "evidence", "points"} - set(words(narrow))
    assert score.table(judged, width=1000) == score.table(judged)
