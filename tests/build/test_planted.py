"""Faults planted among twenty transforms: each is caught by building, named exactly, and left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from dockopt.api import Document, Editor, Effects, Facts, Options, Phase, Proposal, Refusal, Registry, Spec, Transform
from dockopt.build.behave import RunSettings
from dockopt.build.engine import BuildSettings, Engine
from dockopt.build.verify import Proof, Prover, Target
from dockopt.engine import pipeline

pytestmark = pytest.mark.engine

BEFORE = b"""\
FROM debian:trixie-slim
ENV APP_MODE=production
COPY --chown=7:7 data.txt /app/data.txt
RUN mkdir /state && chmod 755 /state
CMD ["sh", "-c", "date > /state/started || exit 1; trap 'exit 0' TERM; sleep 1000 & wait"]
"""

NETWORK = "host"
RUN = RunSettings(network=NETWORK, settle=1.5, start_timeout=20, grace=3)


def adds(id: str, line: str, effects: Effects = Effects(), before: str = "CMD") -> type[Transform]:  # noqa: B008
    """A transform that inserts ``line`` before the instruction ``before``."""

    class Made(Transform):
        """Do something for a test."""

        phase = Phase.RUNTIME

        def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
            if line in document.text:
                return
            node = next(node for node in document.instructions if node.name == before)
            edit: Callable[[Editor], None] = lambda editor: editor.insert_before(node, line + "\n")  # noqa: E731
            yield Proposal(node, f"add {line}", edit, effects=effects)

    Made.id = id
    return Made


class Fault(NamedTuple):
    transform: type[Transform]
    position: int  #: among the twenty
    says: str  #: what the report says of it


FAULTS = {
    "drops a file": Fault(adds("t-drop", "RUN rm /app/data.txt"), 0, "/app/data.txt is missing"),
    "changes ENV": Fault(adds("t-env", "ENV APP_MODE=test"), 7, "env:APP_MODE is test, was production"),
    "breaks the build": Fault(adds("t-break", "RUN echo out of luck && exit 3"), 12, "no longer builds"),
    "adds USER to an app that must write": Fault(
        adds("t-user", "USER nobody", Effects(config=("user",))), 19, "exited with code 1, was running"
    ),
    "health check never passes": Fault(
        adds("t-health", "HEALTHCHECK --retries=1 CMD exit 1", Effects(config=("healthcheck",))), 15, "unhealthy"
    ),
    "changes ownership": Fault(
        adds("t-owner", "RUN chown 8:8 /app/data.txt"), 4, "owner of /app/data.txt is 8:8, was 7:7"
    ),
}


def prove(engine: Engine, folder: Path, transforms: list[type[Transform]]) -> Proof:
    (folder / "data.txt").write_text("data\n")
    registry = Registry([Spec.of(each) for each in transforms], {each.id: each for each in transforms})
    prover = Prover(engine, known=registry)
    target = Target(str(folder), BuildSettings(network=NETWORK), RUN)
    return prover.prove(BEFORE, Options(), [target])


def harmless(number: int) -> type[Transform]:
    label = f"test.t{number:02d}"
    return adds(f"t-{number:02d}", f"LABEL {label}=x", Effects(config=(f"label:{label}",)))


@pytest.mark.parametrize("name", FAULTS)
def test_planted_fault_is_named_among_twenty(
    name: str, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The proof from the text would catch some of these: here the build alone must.
    monkeypatch.setattr(pipeline, "prove", lambda *_: None)
    fault = FAULTS[name]
    transforms = [harmless(number) for number in range(19)]
    transforms.insert(fault.position, fault.transform)

    proof = prove(engine, tmp_path, transforms)

    assert proof.proven, proof.problem
    assert [entry.transform for dropped in proof.dropped for entry in dropped.entries] == [fault.transform.id]
    assert fault.says in "\n".join(proof.dropped[0].failure.reasons)
    applied = {entry.transform for entry in proof.outcome.entries if entry.kind == "applied"}
    assert applied == {each.id for each in transforms} - {fault.transform.id}
    assert proof.builds - 2 <= 6
    if name == "breaks the build":
        assert any("out of luck" in line for line in proof.dropped[0].failure.log)


def test_two_faults_are_both_left_out(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "prove", lambda *_: None)
    drop, owner = FAULTS["drops a file"].transform, FAULTS["breaks the build"].transform
    proof = prove(engine, tmp_path, [harmless(0), drop, harmless(1), owner])
    assert proof.proven
    assert sorted(entry.transform for dropped in proof.dropped for entry in dropped.entries) == ["t-break", "t-drop"]
    assert b"test.t00" in proof.outcome.after and b"test.t01" in proof.outcome.after


def test_declared_effects_are_no_fault(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "prove", lambda *_: None)
    proof = prove(
        engine,
        tmp_path,
        [
            adds("t-drop", "RUN rm -r /app", Effects(files_removed=("/app/**",))),
            adds("t-env", "ENV APP_MODE=test", Effects(config=("env:APP_MODE",))),
        ],
    )
    assert proof.proven and not proof.dropped
    assert {(each.difference.what, each.transforms) for each in proof.judged} == {
        ("env:APP_MODE", ("t-env",)),
        ("/app/data.txt", ("t-drop",)),
        ("/app", ("t-drop",)),
    }


def test_original_that_does_not_build(engine: Engine, tmp_path: Path) -> None:
    text = BEFORE.replace(b"mkdir /state", b"echo no luck; exit 4")
    registry = Registry([Spec.of(harmless(0))], {"t-00": harmless(0)})
    target = Target(str(tmp_path), BuildSettings(network=NETWORK), RUN)
    (tmp_path / "data.txt").write_text("data\n")
    proof = Prover(engine, known=registry).prove(text, Options(), [target])
    assert not proof.proven
    assert "does not build as it is" in proof.problem
    assert any("no luck" in line for line in proof.log)
    assert proof.outcome.after == text
