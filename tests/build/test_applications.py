"""Applications as people write them, built and run before and after everything ``--unsafe-fixes`` does."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path

import pytest

from dockopt.build.behave import RunSettings
from dockopt.build.engine import BuildSettings, Engine
from dockopt.build.verify import Prover, Target, with_files
from dockopt.engine.pipeline import Options
from dockopt.facts.outside import Outside
from dockopt.report.units import size
from tests.build.fixtures import SIZES, get

pytestmark = pytest.mark.engine

PROJECTS = Path(__file__).resolve().parents[2] / "fixtures" / "projects"

#: Within this time SIGTERM must end the container.
GRACE = 2.0


@pytest.mark.parametrize(
    ("name", "port", "paths", "health", "source", "install", "share"),
    [
        # FastAPI on python:3.13 with a compiler, shell-form CMD, ``COPY . .`` first.
        ("orders", 8000, ("/", "/health"), "/health", "app/store.py", "pip install", 0.40),
        ("basket", 3000, ("/", "/health"), "/health", "server.js", "npm ci", 0.60),
    ],
)
def test_naive_application(
    name: str, port: int, paths: tuple[str, ...], health: str, source: str, install: str, share: float,
    engine: Engine, tmp_path: Path,
) -> None:  # fmt: skip
    folder = tmp_path / name
    shutil.copytree(PROJECTS / name, folder, ignore=shutil.ignore_patterns("*.expected"))
    dockerfile = folder / "Dockerfile"
    data = dockerfile.read_bytes()
    run = RunSettings(tuple(get(port, path) for path in paths), network="none", grace=GRACE)
    target = Target(str(folder), BuildSettings(network="host"), run)
    proof = Prover(engine).prove(data, Options(unsafe=True), [target], Outside(str(dockerfile)))

    assert proof.proven and not proof.dropped, (proof.problem, proof.log, proof.dropped)
    before, after = proof.before, proof.after
    assert before is not None and after is not None
    SIZES[name] = (before.size, after.size)
    assert before.behaviour is not None and after.behaviour is not None
    assert [code for code, _ in before.behaviour.answers] == [0] * len(paths)
    assert after.behaviour.answers == before.behaviour.answers
    assert after.behaviour.health == "healthy"
    assert after.behaviour.stopped == "in time"
    assert after.user not in ("", "root", "0")
    assert health.encode() in proof.outcome.after
    assert after.size <= share * before.size, f"{size(before.size)} became {size(after.size)}"

    # A rebuild after a change of one source file takes the dependencies from the cache.
    after_target = with_files(target, proof.outcome.files)
    with (folder / source).open("a") as file:
        # New each time: the builder remembers what an earlier run of this test changed.
        file.write(f"\n{'//' if source.endswith('.js') else '#'} {uuid.uuid4()}\n")
    built = engine.build(proof.outcome.after, str(folder), after_target.build, ignore=after_target.ignore)
    engine.remove_image(built.reference)
    assert any(step.startswith("COPY") for step in built.ran)
    assert not any(install in step or "apt-get" in step for step in built.ran), built.ran
    assert install.encode() in proof.outcome.after
