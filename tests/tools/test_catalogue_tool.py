"""The generator of the documentation: complete docstrings in, pages out."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from types import ModuleType

import pytest

from dockopt.engine.registry import registry
from dockopt.testing import Case

TOOLS = Path(__file__).parents[2] / "tools"
DOCSTRING = """Do a thing with ``x``.

    What:
        Does it,
        carefully.

    Why: because

    Safety:
        Safe.

    Refuses:
        no-x: there is no ``x``
            to be found
        no-y: nor ``y``

    References:
        https://example.org/x the page
    """


@pytest.fixture
def catalogue(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(TOOLS))
    return importlib.import_module("catalogue")


def test_a_docstring_is_cut_into_its_sections(catalogue: ModuleType) -> None:
    docs = catalogue.read_docstring("do-thing", DOCSTRING)
    assert docs.summary == "Do a thing with ``x``."
    assert docs.sections["What"] == "Does it,\ncarefully."
    assert docs.sections["Why"] == "because"
    assert catalogue.entries(docs.sections["Refuses"]) == ["no-x: there is no ``x`` to be found", "no-y: nor ``y``"]


@pytest.mark.parametrize(
    ("docstring", "complaint"),
    [
        (None, "lacks What, Why, Safety, Refuses, References"),
        (DOCSTRING.replace("Safety:", "Danger:"), "lacks Safety"),
        (DOCSTRING.replace("no-y: ", ""), "'nor ``y``' is no 'cause: sentence'"),
        (DOCSTRING + "\n    Notes:\n        more\n", "has Notes"),
    ],
)
def test_an_incomplete_docstring_is_named(catalogue: ModuleType, docstring: str | None, complaint: str) -> None:
    with pytest.raises(catalogue.Incomplete, match=f"^do-thing: .*{complaint}"):
        catalogue.read_docstring("do-thing", docstring)


def test_a_page_has_every_section_and_the_example_as_a_diff(catalogue: ModuleType) -> None:
    spec = (
        registry().specs[0]._replace(id="do-thing", aliases=("DL1",), safety="unsafe", mildest="unsafe", default=False)
    )
    case = Case(Path(), "do-thing", b"FROM a\nRUN x\n", b"FROM a\nRUN y\n", {})
    page = catalogue.page(spec, catalogue.read_docstring("do-thing", DOCSTRING), case)
    for line in (
        "# do-thing",
        "| Safety | unsafe: applied by `dockopt fix --unsafe-fixes` |",
        "| Default | off; runs when selected |",
        "- `no-x`: there is no `x` to be found",
        "- `no-y`: nor `y`",
        "- <https://example.org/x> the page",
        "-RUN x",
        "+RUN y",
    ):
        assert line in page.splitlines()


def test_every_transform_is_in_the_catalogue(catalogue: ModuleType) -> None:
    files = {path.name: text for path, text in catalogue.generated().items()}
    for spec in registry().specs:
        assert f"{spec.id}.md" in files
        assert f"[{spec.id}](" in files["README.md"]


def test_a_transform_that_judges_each_change_says_so() -> None:
    spec = registry().specs[0]._replace(safety="unsafe", mildest="safe")
    assert spec.range == "safe or unsafe"
    assert spec._replace(mildest="unsafe").range == "unsafe"
    assert spec._replace(safety="safe").range == "safe"
    assert spec._replace(safety="manual", mildest="manual").range == "manual"


def test_the_safety_section_speaks_of_the_levels_the_table_shows(catalogue: ModuleType) -> None:
    for spec in registry().specs:
        section = catalogue.read_docstring(spec.id, registry().load(spec.id).__doc__).sections["Safety"]
        named = {level for level in ("safe", "unsafe", "manual") if re.search(rf"\b{level}\b", section, re.I)}
        assert named == set(spec.range.split(" or ")), spec.id
