"""Neighbouring LABEL instructions as one."""

from __future__ import annotations

from collections.abc import Iterator

from dockopt.api import Document, Facts, Instruction, Phase, Proposal, Refusal, Transform
from dockopt_transforms.layers._leaks import Obstacle
from dockopt_transforms.layers._neighbours import keys, merges


class MergeLabel(Transform):
    """Merge neighbouring LABEL instructions into one.

    What:
        Joins LABEL instructions that stand directly below one another, one key a line.

    Why:
        One block of labels reads better than a column of keywords, and the image's history gets shorter.

    Safety:
        Safe: the labels stay the same. Labels are no variables, so no value can name another label.

    Refuses:
        duplicate-key: both set the same label
        legacy-form: one of them is in the form without an equals sign, which holds one key only
        comment-between: the comment between them belongs to the second alone
        tool-comment: a comment for a linter or another tool belongs to one of them alone
        open-quote: a quote or a variable is not closed

    References:
        https://docs.docker.com/reference/dockerfile/#label
    """

    id = "merge-label"
    phase = Phase.LAYERS
    local = True
    instructions = ("LABEL",)

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        yield from merges(document, facts, "LABEL", _apart)


def _apart(group: list[Instruction], node: Instruction) -> Obstacle | None:
    if any(pair.legacy for other in (*group, node) for pair in other.pairs):
        return Obstacle("legacy-form", "the form without an equals sign holds one key only")
    known = {_plain(key) for other in group for key in keys(other)}
    doubled = sorted(known & {_plain(key) for key in keys(node)})
    if doubled:
        return Obstacle("duplicate-key", f"both set {doubled[0]}")
    return None


def _plain(key: str) -> str:
    return key.replace('"', "").replace("'", "")
