"""Of several CMD, ENTRYPOINT or HEALTHCHECK in a stage only the last counts."""

from __future__ import annotations

from collections.abc import Iterator

from dockopt.api import Document, Editor, Facts, Instruction, Phase, Proposal, Refusal, Transform
from dockopt_transforms.repair._lines import remove

_LAST_WINS = ("CMD", "ENTRYPOINT", "HEALTHCHECK")


class DropDeadInstructions(Transform):
    """Drop a CMD, ENTRYPOINT or HEALTHCHECK that a later one of the stage replaces.

    What:
        Takes out all but the last of each in a stage. Their comments stay.

    Why:
        The earlier ones do nothing and mislead: a reader believes that all of them run.

    Safety:
        Safe: the image's configuration holds only the last one either way.

    Refuses:
        nothing: no builder reads any but the last one of a stage

    References:
        https://docs.docker.com/reference/build-checks/multiple-instructions-disallowed/
        https://docs.docker.com/reference/dockerfile/#cmd
        hadolint DL4003, DL4004, DL3012
    """

    id = "drop-dead-instructions"
    phase = Phase.REPAIR
    local = True
    aliases = ("DL4003", "DL4004", "DL3012", "MultipleInstructionsDisallowed")
    instructions = ("CMD", "ENTRYPOINT", "HEALTHCHECK")

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        if all(len(facts.named(name)) < 2 for name in _LAST_WINS):
            return
        for stage in facts.stages.all:
            last: dict[str, Instruction] = {}
            for node in reversed(stage.instructions):
                name = node.name
                if name not in _LAST_WINS:
                    continue
                if name in last:
                    yield _drop(document, node, last[name])
                else:
                    last[name] = node


def _drop(document: Document, node: Instruction, winner: Instruction) -> Proposal:
    def edit(editor: Editor) -> None:
        remove(editor, document, node)

    return Proposal(
        node,
        f"drop {node.name}: the one of line {winner.start_line} replaces it",
        edit,
        evidence=(f"line {winner.start_line}: {winner.line[:60].strip()}",),
    )
