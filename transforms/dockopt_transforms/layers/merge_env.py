"""Neighbouring ENV instructions as one."""

from __future__ import annotations

from collections.abc import Iterator

from dockopt.api import Document, Facts, Instruction, Phase, Proposal, Refusal, Transform
from dockopt_transforms.layers._leaks import Obstacle
from dockopt_transforms.layers._neighbours import keys, merges, references


class MergeEnv(Transform):
    """Merge neighbouring ENV instructions into one.

    What:
        Joins ENV instructions that stand directly below one another, one key a line.

    Why:
        One block of settings reads better than a column of keywords, and the image's history gets shorter.

    Safety:
        Safe: the environment stays the same. BuildKit expands all values of one ENV with the environment
        from before it, so nothing is merged that names a variable set in the same block.

    Refuses:
        value-refers: a value names a variable that the ENV above sets
        duplicate-key: both set the same variable
        legacy-form: one of them is in the form without an equals sign, which holds one key only
        comment-between: the comment between them belongs to the second alone
        tool-comment: a comment for a linter or another tool belongs to one of them alone
        open-quote: a quote or a variable is not closed

    References:
        https://docs.docker.com/reference/dockerfile/#env
    """

    id = "merge-env"
    phase = Phase.LAYERS
    local = True
    instructions = ("ENV",)

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        yield from merges(document, facts, "ENV", _apart)


def _apart(group: list[Instruction], node: Instruction) -> Obstacle | None:
    if any(pair.legacy for other in (*group, node) for pair in other.pairs):
        return Obstacle("legacy-form", "the form without an equals sign holds one key only")
    known = {key for other in group for key in keys(other)}
    used = sorted(known & references(node))
    if used:
        return Obstacle("value-refers", f"a value names {used[0]}, which the ENV above sets")
    doubled = sorted(known & set(keys(node)))
    if doubled:
        return Obstacle("duplicate-key", f"both set {doubled[0]}")
    return None
