"""Package lists a person can read and a merge can join."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from dockopt.api import (
    Document,
    Editor,
    Facts,
    Instruction,
    Invocation,
    Phase,
    Proposal,
    Refusal,
    ScriptView,
    Transform,
    Word,
)

_MANAGERS = ("apt", "apk", "dnf", "yum", "microdnf", "zypper")


class _Entry(NamedTuple):
    """A package with the comment lines right above it."""

    text: str
    comments: str


class SortPackages(Transform):
    """Write package lists one package a line, in order.

    What:
        Sorts the packages of an install and gives each a line. A comment above one package travels with it;
        where comments head groups of packages, the groups stay and are sorted inside.

    Why:
        Duplicates show, and a package added or removed is a diff of one line.

    Safety:
        Safe: the same packages are installed by the same call.

    Refuses:
        substitution: the list holds a variable or a command's output, whose place may matter
        options-between: options stand between the packages
        heredoc: the call stands in a heredoc

    References:
        https://docs.docker.com/build/building/best-practices/#sort-multi-line-arguments
    """

    id = "sort-packages"
    phase = Phase.PACKAGES
    default = False
    after = ("apt-merge-installs", "apt-no-install-recommends", "assume-yes", "apk-no-cache")
    mentions = ("apt", "apk", "dnf", "yum", "zypper")

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        done: set[int] = set()
        for manager in _MANAGERS:
            for view, call in facts.invocations(manager):
                if call.action != "install" or len(call.operands) < 2:
                    continue
                result: Proposal | Refusal | None = _refusal(view, call)
                if result is None and view.instruction.id not in done:
                    result = _proposal(document, view, call)
                    if result is not None:
                        done.add(view.instruction.id)  # one list at a time: the text around it moves
                if result is not None:
                    yield result


def _refusal(view: ScriptView, call: Invocation) -> Refusal | None:
    node = view.instruction
    if _order(call.operands) == list(call.operands) and view.heredoc is not None:
        return None
    if any(word.value is None for word in call.operands):
        return Refusal(node, "substitution", "the list holds a variable or the output of a command")
    if view.heredoc is not None or call.command.outer_end > view.editable_end:
        return Refusal(node, "heredoc", "the call stands in a heredoc")
    first, last = call.operands[0].start, call.operands[-1].end
    if any(first < word.start < last and word not in call.operands for word in call.command.words):
        return Refusal(node, "options-between", "options stand between the packages")
    if any(first < redirect.start < last for redirect in call.command.redirects):
        return Refusal(node, "options-between", "a redirection stands between the packages")
    return None


def _order(words: tuple[Word, ...]) -> list[Word]:
    return sorted(words, key=lambda word: (word.text.lower(), word.text))


def _proposal(document: Document, view: ScriptView, call: Invocation) -> Proposal | None:
    node = view.instruction
    text = _sorted(document, view, call)
    if text == node.text:
        return None

    def edit(editor: Editor) -> None:
        editor.replace(node, text)

    return Proposal(node, "write the packages one a line, sorted", edit)


def _sorted(document: Document, view: ScriptView, call: Invocation) -> str:
    node = view.instruction
    base = node.args_start
    words = call.command.words
    head = words[words.index(call.operands[0]) - 1]
    start = node.raw_offset(base + head.end)
    end = node.raw_offset(base + call.operands[-1].end)
    entries, indent = _entries(node, base, call, start, end)
    if indent is None:
        line = node.text[node.text.rfind("\n", 0, start) + 1 : start]
        own = line[: len(line) - len(line.lstrip())]
        indent = own + "    " if start > node.lines[0].end else document.indent
    commented = [position for position, entry in enumerate(entries) if entry.comments]
    single = all(following - position == 1 for position, following in pairwise([*commented, len(entries)]))
    if not single:
        groups = [0, *(position for position in commented if position), len(entries)]
        ordered: list[_Entry] = []
        for low, high in pairwise(groups):
            group = sorted((entry.text for entry in entries[low:high]), key=lambda name: (name.lower(), name))
            ordered.extend(_Entry(name, entries[low].comments if not i else "") for i, name in enumerate(group))
    else:
        ordered = sorted(entries, key=lambda entry: (entry.text.lower(), entry.text))
    joint = f" {document.escape}{_eol(node, document)}"
    rows = [f"{joint}{entry.comments}{indent}{entry.text}" for entry in ordered]
    return node.text[:start] + "".join(rows) + node.text[end:]


def _eol(node: Instruction, document: Document) -> str:
    return "\r\n" if "\r\n" in node.text else "\n" if "\n" in node.text else document.eol


def _entries(node: Instruction, base: int, call: Invocation, start: int, end: int) -> tuple[list[_Entry], str | None]:
    """The packages with their comments, and the indent packages have already."""
    entries: list[_Entry] = []
    pending, indent = "", None
    words = list(call.operands)
    for line in node.lines:
        if line.end <= start or line.start >= end:
            continue
        if line.logical < 0:
            if line.comment and line.start >= start:
                pending += node.text[line.start : line.end]
            continue
        here = [
            word for word in words if line.content_start <= node.raw_offset(base + word.start, after=True) < line.end
        ]
        if here and line.start > start and indent is None:
            content = node.text[line.content_start : line.content_end]
            indent = content[: len(content) - len(content.lstrip(" \t"))]
        for word in here:
            entries.append(_Entry(word.text, pending))
            pending = ""
    return entries, indent
