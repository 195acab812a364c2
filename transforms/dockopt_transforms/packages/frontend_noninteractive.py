"""A setting for the build that stays in the image."""

from __future__ import annotations

from collections.abc import Iterator

from dockopt.api import (
    Document,
    Edit,
    Editor,
    Effects,
    Facts,
    Instruction,
    Pair,
    Phase,
    Proposal,
    Refusal,
    Safety,
    Stage,
    Transform,
)

NAME = "DEBIAN_FRONTEND"
EFFECTS = Effects(config=(f"env:{NAME}",))


class FrontendNoninteractive(Transform):
    """Set DEBIAN_FRONTEND for the build only.

    What:
        Turns ``ENV DEBIAN_FRONTEND=noninteractive`` into an ARG. Other variables of the same ENV stay.

    Why:
        As ENV it is in the image for good: whoever installs something in a running container gets no
        questions and no hint why. An ARG holds for the RUNs of its stage and is gone afterwards.

    Safety:
        Unsafe: the image's environment loses the variable.

    Refuses:
        built-upon: a stage built from this one runs apt, and would not see the ARG
        set-again: the stage sets the variable more than once, to bring it back by hand
        used-elsewhere: another instruction of the stage refers to the variable, or the ENV holds it in a way that cannot be cut

    References:
        https://docs.docker.com/reference/dockerfile/#arg
        https://manpages.debian.org/bookworm/debconf-doc/debconf.7.en.html
    """

    id = "frontend-noninteractive"
    phase = Phase.PACKAGES
    mentions = ("debian_frontend",)
    safety = "unsafe"
    mildest = "unsafe"

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        for stage in facts.stages.all:
            found = [
                (node, pair)
                for node in stage.instructions
                if node.name == "ENV"
                for pair in node.pairs
                if pair.key == NAME
            ]
            if not found:
                continue
            node, pair = found[0]
            if pair.value.strip("\"'").lower() not in ("noninteractive", "non-interactive"):
                continue
            refusal = _refusal(facts, stage, node, len(found))
            yield refusal if refusal is not None else _proposal(document, node, pair)


def _refusal(facts: Facts, stage: Stage, node: Instruction, count: int) -> Refusal | None:
    if count > 1:
        return Refusal(node, "set-again", f"the stage sets {NAME} more than once")
    for other in stage.instructions:
        if other is node or other.name == "RUN":
            continue
        if f"${NAME}" in other.text or f"${{{NAME}" in other.text:
            return Refusal(node, "used-elsewhere", f"line {other.start_line} uses {NAME}")
    if len(node.pairs) > 1 and (node.text.count(NAME) > 1 or node.comments):
        return Refusal(node, "used-elsewhere", f"the ENV holds {NAME} together with what depends on it")
    heirs = facts.stages.descendants(stage)
    if any(view.stage in heirs for view, _ in facts.invocations("apt")):
        return Refusal(node, "built-upon", "a stage built from this one runs apt and would not see an ARG")
    return None


def _proposal(document: Document, node: Instruction, pair: Pair) -> Proposal:
    keyword = "arg" if node.keyword.islower() else "ARG"
    line = f"{keyword} {NAME}=noninteractive"

    def edit(editor: Editor) -> None:
        if len(node.pairs) == 1:
            editor.splice(node, [(node.keyword_start, node.args_end, line)])
            return
        editor.insert_before(node, line + document.eol)
        editor.splice(node, [_without(node, pair)])

    return Proposal(node, f"set {NAME} for the build only", edit, safety=Safety.UNSAFE, effects=EFFECTS)


def _without(node: Instruction, pair: Pair) -> Edit:
    """Delete one of several pairs, the white space beside it only where that is on its line."""
    before = max((other.end for other in node.pairs if other.end <= pair.start), default=None)
    following = min((other.start for other in node.pairs if other.start >= pair.end), default=None)
    if before is not None and node.one_line(before, pair.start):
        return (before, pair.end, "")
    if following is not None and node.one_line(pair.end, following):
        return (pair.start, following, "")
    return (pair.start, pair.end, "")
