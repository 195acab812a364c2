"""The catalogue: names, order, and the generated index."""

import subprocess
import sys
from pathlib import Path

import pytest

from dockopt.engine.registry import PluginError, Registry, Spec, UnknownTransform, order, registry

ROOT = Path(__file__).resolve().parents[2]


def spec(id: str, phase: str = "REPAIR", after: tuple[str, ...] = (), aliases: tuple[str, ...] = ()) -> Spec:
    return Spec(id, aliases, phase, phase, "safe", True, "", "m", "C", after, ())


def test_phases_then_after_then_id() -> None:
    rows = [spec("z"), spec("a", after=("z",)), spec("b", "LAYERS"), spec("c")]
    assert [row.id for row in order(rows)] == ["c", "z", "a", "b"]


def test_a_circle_is_an_error() -> None:
    with pytest.raises(PluginError, match="wait for each other"):
        order([spec("a", after=("b",)), spec("b", after=("a",))])


def test_one_id_twice_is_an_error() -> None:
    with pytest.raises(PluginError, match="two transforms"):
        order([spec("a"), spec("a")])


def test_names_resolve_in_any_case_and_aliases_may_name_several() -> None:
    known = Registry([spec("a", aliases=("DL1",)), spec("b", aliases=("DL1", "Rule"))])
    assert known.resolve("dl1") == ("a", "b")
    assert known.resolve("RULE") == ("b",)
    assert known.resolve("repair") == ("a", "b")


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(UnknownTransform, match="did you mean 'merge-runs'"):
        Registry([spec("merge-runs")]).resolve("merge-run")


def test_every_row_loads_and_says_what_its_class_says() -> None:
    known = registry()
    for row in known.specs:
        assert Spec.of(type(known.load(row.id))) == row


def test_the_generated_index_is_fresh() -> None:
    done = subprocess.run([sys.executable, ROOT / "tools/index.py", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
