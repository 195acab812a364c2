"""Rewritten scripts call what they called, whatever fails: a short run of bench/fuzz_scripts.py."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from dockopt.engine.pipeline import Options


@pytest.fixture(scope="module")
def fuzz() -> ModuleType:
    path = Path(__file__).resolve().parents[2] / "bench" / "fuzz_scripts.py"
    spec = importlib.util.spec_from_file_location("fuzz_scripts", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("unsafe", [False, True])
def test_scripts_behave_as_before(fuzz: ModuleType, tmp_path: Path, unsafe: bool) -> None:
    bin = fuzz.stand_ins(tmp_path / "bin")
    options = Options(unsafe=unsafe, ignore=fuzz.LEFT_OUT)
    found = [difference for seed in range(1, 21) if (difference := fuzz.compare(seed, options, bin)) is not None]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("RUN foo t00q && bar t01q\n", "RUN foo t00q; bar t01q\n"),
        ("RUN foo t00q; bar t01q\n", "RUN foo t00q && bar t01q\n"),
        ("RUN foo t00q && bar t01q\n", "RUN bar t01q && foo t00q\n"),
        ("RUN foo t00q && bar t01q\n", "RUN foo t00q\n"),
        ("RUN set -e; tar t00q; foo t01q\n", "RUN set -e; tar t00q && rm x; foo t01q\n"),
        ("RUN cd a\nRUN foo t00q\n", "RUN cd a && foo t00q\n"),
        ("RUN X=1; true\nRUN foo t00q\n", "RUN X=1; export X; foo t00q\n"),
    ],
)
def test_a_script_that_does_something_else_is_seen(fuzz: ModuleType, tmp_path: Path, text: str, wrong: str) -> None:
    bin = fuzz.stand_ins(tmp_path / "bin")
    sides = ["FROM debian:12\n" + each for each in (text, wrong)]
    outcomes = [[fuzz.carry_out(side, fail, bin) for fail in ("", "t00q", "t01q")] for side in sides]
    assert outcomes[0] != outcomes[1]
