"""ENV, LABEL, ARG and EXPOSE that stand directly below one another, as one instruction."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import pairwise

from dockopt.api import (
    Comment,
    Document,
    Editor,
    ExpansionError,
    Facts,
    Instruction,
    Node,
    Pair,
    Proposal,
    Refusal,
    Token,
    process_word,
)
from dockopt_transforms.layers._chain import for_a_tool
from dockopt_transforms.layers._leaks import Obstacle

_REFERENCE = r"\$\{?([A-Za-z_]\w*)"
WIDTH = 100  #: ports stay on one line up to this many columns
Apart = Callable[[list[Instruction], Instruction], Obstacle | None]


def merges(document: Document, facts: Facts, name: str, apart: Apart) -> Iterator[Proposal | Refusal]:
    """Proposals to merge neighbours of one keyword, and what keeps others apart.

    :param apart: why an instruction does not join a group, None where it does.
    """
    if (name, name) not in pairwise([node.name for node in document.instructions]):
        return
    for group in _neighbours(document, name):
        if isinstance(group, Refusal):
            yield group
            continue
        joined = [group[0]]
        for node in group[1:]:
            obstacle = _quotes(joined[-1]) or _quotes(node) or apart(joined, node)
            if obstacle is None:
                joined.append(node)
                continue
            yield Refusal((joined[-1], node), obstacle.cause, obstacle.reason)
            if len(joined) > 1:
                yield _proposal(document, joined)
            joined = [node]
        if len(joined) > 1:
            yield _proposal(document, joined)


def _neighbours(document: Document, name: str) -> Iterator[list[Instruction] | Refusal]:
    """The instructions of one keyword with no line between them; a refusal where a comment or its like forbids."""
    group: list[Instruction] = []
    above: list[Comment] = []
    commented = False
    for node in (*document.nodes, None):
        if isinstance(node, Instruction) and node.name == name:
            if group and above:
                yield Refusal(
                    (group[-1], node), "comment-between", "the comment between them belongs to the second alone"
                )
            if above:
                if len(group) > 1:
                    yield _checked(group, commented)
                group = []
            if not group:
                commented = any(for_a_tool(comment.text.strip()) for comment in above)
            group.append(node)
            above = []
        elif isinstance(node, Comment):
            above.append(node)
        else:
            if len(group) > 1:
                yield _checked(group, commented)
            group, above = [], []


def _checked(group: list[Instruction], commented: bool) -> list[Instruction] | Refusal:
    if commented or any(for_a_tool(comment) for node in group for comment in node.comments):
        return Refusal(group, "tool-comment", "a comment for a linter or another tool belongs to one of them alone")
    return group


def parts(node: Instruction) -> tuple[Pair, ...] | tuple[Token, ...]:
    """The keys of an instruction, each with its span."""
    return node.pairs if node.name in ("ENV", "LABEL") else node.tokens


def keys(node: Instruction) -> list[str]:
    """The names an instruction sets."""
    return [part.key if isinstance(part, Pair) else part.text.partition("=")[0] for part in parts(node)]


def references(node: Instruction) -> set[str]:
    """The variables an instruction's text names."""
    return set(re.findall(_REFERENCE, node.rest)) if "$" in node.rest else set()


def _quotes(node: Instruction) -> Obstacle | None:
    """Why no more text may follow an instruction's own: a quote or an escape that is still open would take it in."""
    if not _closed(node.rest, node.escape):
        return Obstacle("open-quote", "a quote or a variable is not closed, or an expansion fails")
    if not parts(node) or node.rest.endswith(node.escape):
        return Obstacle("open-quote", "the last value is not closed")
    return None


@lru_cache(maxsize=1024)
def _closed(text: str, escape: str) -> bool:
    try:
        process_word(text, {}, escape)
    except ExpansionError:
        return False
    return True


def _proposal(document: Document, group: list[Instruction]) -> Proposal:
    def edit(editor: Editor) -> None:
        editor.replace(group[0], _text(document, group), absorbed=group[1:])

    count = {2: "two", 3: "three", 4: "four"}.get(len(group), str(len(group)))
    nodes: list[Node] = list(group)
    return Proposal(nodes, f"merge {count} neighbouring {group[0].name} instructions", edit)


def _text(document: Document, group: list[Instruction]) -> str:
    if group[0].name == "EXPOSE" and all(len(node.lines) == 1 for node in group):
        line = " ".join([group[0].line.rstrip(), *(node.rest for node in group[1:])])
        if len(line) <= WIDTH:
            return line + group[-1].eol
    indent = next((found for node in group if (found := _indent(node)) is not None), None)
    if indent is None:
        indent = document.indent if document.indent == "\t" or 2 <= len(document.indent) <= 4 else "    "
    joint = f" {document.escape}{document.eol}"
    out: list[str] = []
    for node in group:
        start = node.raw_offset(node.args_start, after=True)
        if node is group[0]:
            out.append(node.text[:start])
        else:
            out.append(joint)
            out.extend(
                f"{indent}{node.text[line.content_start : line.content_end].strip()}{document.eol}"
                for line in node.lines
                if line.comment and line.start < start
            )
            out.append(indent)
        out.append(_body(node, start, joint + indent))
    return "".join(out) + group[-1].eol


def _indent(node: Instruction) -> str | None:
    """The indent of an instruction's keys that stand on lines of their own."""
    for part in parts(node)[1:]:
        at = node.raw_offset(part.start, after=True)
        line = next(line for line in node.lines if line.start <= at < line.end)
        lead = node.text[line.content_start : at]
        if line is not node.lines[0] and not lead.strip():
            return lead
    return None


def _body(node: Instruction, start: int, joint: str) -> str:
    end = node.raw_offset(node.args_end)
    if node.name == "EXPOSE" or "\n" in node.text[start:end]:
        return node.text[start:end]
    spans = [(node.raw_offset(part.start, after=True), node.raw_offset(part.end)) for part in parts(node)]
    return joint.join(node.text[first:last] for first, last in spans)
