"""A plug-in with one transform. It imports ``dockopt.api`` and nothing else of dockopt."""

from __future__ import annotations

from collections.abc import Iterator

from dockopt.api import Document, Editor, Effects, Facts, Instruction, Phase, Proposal, Refusal, Transform


class DropEmptyLabel(Transform):
    """Drop a LABEL whose only value is empty.

    What:
        Removes ``LABEL key=""`` where it is the instruction's only key.

    Why:
        An empty label says nothing, and a template often leaves one behind.

    Safety:
        Safe: only the declared label goes.

    Refuses:
        several-keys: the instruction sets other keys too

    References:
        https://docs.docker.com/reference/dockerfile/#label
    """

    id = "drop-empty-label"
    phase = Phase.METADATA
    aliases = ("EX001",)
    mentions = ("label",)

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        for node in document.instructions:
            if node.name != "LABEL" or not any(pair.value in ('""', "''", "") for pair in node.pairs):
                continue
            if len(node.pairs) > 1:
                yield Refusal(node, "several-keys", "the instruction sets other keys too")
            else:
                yield _drop(node)


def _drop(node: Instruction) -> Proposal:
    def edit(editor: Editor) -> None:
        editor.remove(node)

    key = node.pairs[0].key
    return Proposal(node, f"drop the empty label {key}", edit, effects=Effects(config=(f"label:{key}",)))
