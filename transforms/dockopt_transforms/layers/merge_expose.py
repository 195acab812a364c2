"""Neighbouring EXPOSE instructions as one."""

from __future__ import annotations

from collections.abc import Iterator

from dockopt.api import Document, Facts, Instruction, Phase, Proposal, Refusal, Transform
from dockopt_transforms.layers._leaks import Obstacle
from dockopt_transforms.layers._neighbours import merges


class MergeExpose(Transform):
    """Merge neighbouring EXPOSE instructions into one.

    What:
        Joins EXPOSE instructions that stand directly below one another: on one line while it is short, else
        one port a line.

    Why:
        The ports of an image are one fact, and the image's history gets shorter.

    Safety:
        Safe: the same ports are exposed.

    Refuses:
        duplicate-key: both expose the same port
        comment-between: the comment between them belongs to the second alone
        tool-comment: a comment for a linter or another tool belongs to one of them alone
        open-quote: a quote or a variable is not closed

    References:
        https://docs.docker.com/reference/dockerfile/#expose
    """

    id = "merge-expose"
    phase = Phase.LAYERS
    local = True
    instructions = ("EXPOSE",)

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        yield from merges(document, facts, "EXPOSE", _apart)


def _apart(group: list[Instruction], node: Instruction) -> Obstacle | None:
    known = {_port(word) for other in group for word in other.args}
    doubled = sorted(known & {_port(word) for word in node.args})
    return Obstacle("duplicate-key", f"both expose {doubled[0]}") if doubled else None


def _port(word: str) -> str:
    return word.lower().removesuffix("/tcp")
