"""A blank line inside a continuation is skipped today and may end the instruction tomorrow."""

from __future__ import annotations

from collections.abc import Iterator

from dockopt.api import KEYWORDS, Document, Editor, Facts, Instruction, Phase, Proposal, Refusal, Transform


class DropEmptyContinuation(Transform):
    """Drop blank lines inside a continued instruction.

    What:
        Takes out lines of white space only between the lines of one instruction. Comments stay in their place,
        heredocs are not touched.

    Why:
        Docker has announced since 2017 that such a line will become an error, and builders warn about it.

    Safety:
        Safe: BuildKit skips these lines.

    Refuses:
        swallowed-instruction: what follows the blank line starts with a keyword, so it was most likely meant as
            an instruction of its own, though builders read it as part of this one

    References:
        https://docs.docker.com/reference/build-checks/no-empty-continuation/
    """

    id = "drop-empty-continuation"
    phase = Phase.REPAIR
    local = True
    aliases = ("NoEmptyContinuation",)

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        for node in document.instructions:
            if (
                node.seamless
                or len(node.lines) < 2
                or not any(line.logical < 0 and not line.comment for line in node.lines)
            ):
                continue
            word = _swallowed(node)
            if word:
                yield Refusal(node, "swallowed-instruction", f"{word} after a blank line is read as part of this")
            else:
                yield _proposal(node)


def _swallowed(node: Instruction) -> str:
    """The keyword a line after a blank one starts with; empty where there is none."""
    blank = False
    for line in node.lines:
        if line.logical < 0:
            blank = blank or not line.comment
            continue
        words = node.text[line.content_start : line.content_end].split(None, 1)
        if blank and len(words) == 2 and words[0] in KEYWORDS:
            return words[0]
        blank = False
    return ""


def _proposal(node: Instruction) -> Proposal:
    kept = [line for line in node.lines if line.logical >= 0 or line.comment]
    text = "".join(node.text[line.start : line.end] for line in kept) + node.text[node.head_end :]

    def edit(editor: Editor) -> None:
        editor.replace(node, text)

    return Proposal(node, "drop the blank lines inside the instruction", edit)
