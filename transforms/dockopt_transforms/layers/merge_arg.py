"""Neighbouring ARG instructions as one."""

from __future__ import annotations

from collections.abc import Iterator

from dockopt.api import Comment, Document, Facts, Instruction, Node, Phase, Proposal, Refusal, Transform
from dockopt_transforms.layers._leaks import Obstacle
from dockopt_transforms.layers._neighbours import keys, merges, references


class MergeArg(Transform):
    """Merge neighbouring ARG instructions into one.

    What:
        Joins ARG instructions of a stage that stand directly below one another, one name a line.

    Why:
        One block of build arguments reads better than a column of keywords. It is off by default, since
        scripts and update bots often look for ``ARG NAME=`` at the start of a line, and builders before
        Docker 20.10 and older Podman take one argument an ARG.

    Safety:
        Safe: the arguments and their defaults stay the same.

    Refuses:
        before-from: an ARG above the first FROM is what tools read to find the base image
        documented: the comment above documents the argument (docker build --call=outline)
        value-refers: a default names an argument that the ARG above declares
        duplicate-key: both declare the same argument
        comment-between: the comment between them belongs to the second alone
        tool-comment: a comment for a linter or another tool belongs to one of them alone
        open-quote: a quote or a variable is not closed

    References:
        https://docs.docker.com/reference/dockerfile/#arg
        https://docs.docker.com/reference/cli/docker/buildx/build/#call
    """

    id = "merge-arg"
    phase = Phase.LAYERS
    default = False
    mentions = ("arg",)

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        meta = {node.id for node in facts.stages.meta}
        documented = _documented(document)

        def apart(group: list[Instruction], node: Instruction) -> Obstacle | None:
            if node.id in meta:
                return Obstacle("before-from", "tools read the ARG above the first FROM to find the base image")
            if group[0].id in documented:
                return Obstacle("documented", "the comment above documents the first argument alone")
            known = {key for other in group for key in keys(other)}
            used = sorted(known & references(node))
            if used:
                return Obstacle("value-refers", f"a default names {used[0]}, which the ARG above declares")
            doubled = sorted(known & set(keys(node)))
            if doubled:
                return Obstacle("duplicate-key", f"both declare {doubled[0]}")
            return None

        yield from merges(document, facts, "ARG", apart)


def _documented(document: Document) -> set[int]:
    """The ids of instructions with a comment right above them."""
    found: set[int] = set()
    before: Node | None = None
    for node in document.nodes:
        if isinstance(node, Instruction) and isinstance(before, Comment):
            found.add(node.id)
        before = node
    return found
