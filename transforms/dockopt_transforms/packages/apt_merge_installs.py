"""One call of apt-get for packages installed one call after the other."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from dockopt.api import (
    Document,
    Edit,
    Editor,
    Facts,
    Invocation,
    Phase,
    Proposal,
    Refusal,
    ScriptView,
    Transform,
)
from dockopt_transforms.packages import _apt

INDENT = "    "  #: of packages below the call they belong to


class AptMergeInstalls(Transform):
    """Join neighbouring ``apt-get install`` calls of one chain.

    What:
        Where an ``apt-get install`` follows another directly, joined by ``&&``, and both have the same
        options, the packages of the second move to the first.

    Why:
        Each call reads the package lists and solves the dependencies again, and runs the triggers of what it
        installed.

    Safety:
        Safe: the same packages are asked for, from the same lists.

    Refuses:
        different-options: the neighbours differ in options, variables set for them, or redirections

    References:
        https://docs.docker.com/build/building/best-practices/#apt-get
    """

    id = "apt-merge-installs"
    phase = Phase.PACKAGES
    after = ("assume-yes", "apt-join-update", "apt-no-install-recommends")
    scripts = True
    managers = ("apt",)

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        by_view: dict[int, tuple[ScriptView, list[Invocation]]] = {}
        for view, call in facts.invocations("apt"):
            if call.verb == "install" and call.command.top and call.operands:
                by_view.setdefault(view.instruction.id, (view, []))[1].append(call)
        for view, calls in by_view.values():
            if len(calls) > 1:
                yield from _for_run(document, view, calls)


def _for_run(document: Document, view: ScriptView, calls: list[Invocation]) -> Iterator[Proposal | Refusal]:
    items = view.script.items
    groups: list[list[Invocation]] = []
    refused = False
    for first, second in pairwise(calls):
        index = second.command.item
        if index != first.command.item + 1 or items[index].operator != "&&":
            continue
        if items[index].kind != "command" or items[index - 1].kind != "command":
            continue
        if index + 1 < len(items) and items[index + 1].operator not in ("&&", ";", "\n"):
            continue
        if _shape(first) != _shape(second) or not (
            _packages_together(view, first) and _packages_together(view, second)
        ):
            refused = True
        elif groups and groups[-1][-1] is first:
            groups[-1].append(second)
        else:
            groups.append([first, second])
    if groups:
        edits = [edit for group in groups for edit in _join(document, view, group)]

        def edit(editor: Editor) -> None:
            editor.script(view, edits)

        yield Proposal(view.instruction, "install neighbouring packages in one call", edit)
    elif refused:
        yield Refusal(view.instruction, "different-options", "neighbouring installs differ in their options")


def _shape(call: Invocation) -> tuple[object, ...]:
    """What must be equal for two calls to be one."""
    options = sorted((option.name, option.value or "") for option in call.options)
    command = call.command
    return (
        tuple(word.text for word in call.wrappers),
        tuple(word.text for word in command.assignments),
        call.executable.value,
        options,
        tuple(redirect.text for redirect in command.redirects),
    )


def _packages_together(view: ScriptView, call: Invocation) -> bool:
    """Whether a call's packages follow each other, the options before them on the line it starts on."""
    words = call.command.words
    low, high = words.index(call.operands[0]), words.index(call.operands[-1])
    if call.command.redirects or any(word.text == "--" for word in words):
        return False
    return high - low + 1 == len(call.operands) and _apt.same_line(view, words[0].start, words[low - 1].end)


def _join(document: Document, view: ScriptView, group: list[Invocation]) -> list[Edit]:
    """The edits that leave one call: packages move to its line, or stay on theirs below it."""
    script, items = view.script, view.script.items
    edits: list[Edit] = []
    anchor, end_of_packages = group[0].command, group[0].operands[-1].end
    one_line = _apt.same_line(view, anchor.start, anchor.end)
    width = _column(view, anchor.start) + anchor.end - anchor.start
    named = {word.text for word in group[0].operands}
    moved: list[str] = []
    dropped: list[int] = []

    def settle(*, followed: bool) -> None:
        if not dropped:
            return
        first, last = dropped[0], dropped[-1]
        # The operator of a call that stays in place goes with that call.
        plain = (items[first].operator_start, items[last].end, "")
        edit = plain if followed else _apt.drop_items(view, first, last)
        if edit is not None:
            edits.extend([(end_of_packages, end_of_packages, "".join(moved)), edit])
        moved.clear()
        dropped.clear()

    for call in group[1:]:
        item = items[call.command.item]
        end, operand = items[call.command.item - 1].end, call.operands[0].start
        text = script.text[operand : call.operands[-1].end]
        movable = (
            one_line
            and not _comment(view, end, operand)
            and _apt.same_line(view, item.start, item.end)
            and (call is not group[-1] or item.end <= view.editable_end)
        )
        if movable:
            text = " ".join(word.text for word in call.operands if word.text not in named)
            named.update(word.text for word in call.operands)
            if not text:
                dropped.append(call.command.item)
                continue
            if width + len(text) + 3 > _apt.WIDTH:
                indent = " " * 4 + _indent(view, anchor.start)
                escape = "\\" if view.heredoc is not None else document.escape
                moved.append(f" {escape}{document.eol}{indent}{text}")
                width = len(indent) + len(text)
            else:
                moved.append(" " + text)
                width += 1 + len(text)
            dropped.append(call.command.item)
            continue
        settle(followed=True)
        edits.extend(_in_place(view, call))
        end_of_packages = call.operands[-1].end
        anchor, one_line, width = (
            call.command,
            _apt.same_line(view, operand, item.end),
            _column(view, operand) + len(text),
        )
    settle(followed=False)
    return edits


def _in_place(view: ScriptView, call: Invocation) -> list[Edit]:
    """Take out the operator and the call up to its first package, which stays where it is."""
    item = view.script.items[call.command.item]
    end, operand = view.script.items[call.command.item - 1].end, call.operands[0].start
    head = call.command.words[call.command.words.index(call.operands[0]) - 1].end
    if _apt.same_line(view, end, operand):
        return [(item.operator_start, operand, "")]
    if _apt.same_line(view, item.operator_start, operand):
        return [(item.operator_start, operand, INDENT)]
    if _apt.same_line(view, item.operator_end, item.start):
        # ``&& apt-get install \`` with the packages below: that line goes.
        return [(item.operator_start, head, "")]
    before = (item.operator_start, item.operator_end, "")
    return [
        before,
        (item.start, operand, INDENT) if _apt.same_line(view, item.start, operand) else (item.start, head, ""),
    ]


def _line_of(view: ScriptView, offset: int) -> tuple[str, int]:
    """The line an offset of the script stands on, and the offset's column in it."""
    if view.heredoc is not None:
        text, at = view.script.text, offset
    else:
        text, at = view.instruction.text, view.instruction.raw_offset(view.instruction.args_start + offset, after=True)
    start = text.rfind("\n", 0, at) + 1
    end = text.find("\n", at)
    return text[start : end if end >= 0 else len(text)], at - start


def _column(view: ScriptView, offset: int) -> int:
    return _line_of(view, offset)[1]


def _indent(view: ScriptView, offset: int) -> str:
    line, _ = _line_of(view, offset)
    return line[: len(line) - len(line.lstrip())]


def _comment(view: ScriptView, start: int, end: int) -> bool:
    node = view.instruction
    if view.heredoc is None and node.comment_between(node.args_start + start, node.args_start + end):
        return True
    return any(start <= comment[0] < end for comment in view.script.comments)
