"""A long ``&&`` chain as a heredoc."""

from __future__ import annotations

from collections.abc import Iterator

from dockopt.api import (
    Command,
    Directive,
    Document,
    Editor,
    Facts,
    Instruction,
    Phase,
    Proposal,
    Refusal,
    ScriptView,
    Transform,
)
from dockopt_transforms._tables import word_set
from dockopt_transforms.shell._calls import COMPOUND

_LEAST = 3
_SIMPLE = word_set(
    "command pipeline variable_assignment variable_assignments declaration_command test_command unset_command"
)
# They run commands of their own in this shell, where ``set -e`` would reach and ``&&`` does not.
_REACHED = word_set("source . eval exec trap set exit return wait command builtin nvm rvm sdk conda asdf mamba")
_PLAIN_SHELL = word_set("-c -e -u -x -o pipefail errexit nounset -ec -ex -exc -eux -euxc -eo -euo -exo -euxo -uc -xc")


class HeredocRun(Transform):
    """Write a long ``&&`` chain as a heredoc.

    What:
        ``RUN a && b && c`` becomes ``RUN <<EOF``, ``set -e``, and a line for each command. Comments between the
        commands keep their place.

    Why:
        A script reads, and is changed in review, line by line; no operator has to be kept at line ends.

    Safety:
        Safe: every command is one where ``set -e`` ends the script exactly when ``&&`` would have.

    Refuses:
        errexit-differs: ``set -e`` would end the script at another place, or reach into what a command sources
        frontend-too-old: the file asks for a Dockerfile frontend without heredocs
        continuation-differs: a line break inside a command means something else in a script
        line-endings: the file has CRLF line endings, which a script would take for part of its words

    References:
        https://docs.docker.com/reference/dockerfile/#here-documents
    """

    id = "heredoc-run"
    phase = Phase.LAYOUT
    family = "SHELL"
    default = False
    mentions = ("&&",)

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        old = _old_frontend(document)
        for view in facts.scripts:
            script = view.script
            if view.opaque is not None or view.heredoc is not None or view.instruction.heredocs:
                continue
            if not script.and_list or len(script.items) < _LEAST:
                continue
            problem = old or _problem(facts, view)
            if problem is not None:
                yield Refusal(view.instruction, *problem)
            else:
                yield _proposal(view)


def _old_frontend(document: Document) -> tuple[str, str] | None:
    for node in document.nodes:
        if isinstance(node, Directive) and node.name == "syntax":
            name, _, tag = node.value.partition("@")[0].rpartition(":")
            parts = tag.split("-")[0].split(".")
            if not name.endswith("docker/dockerfile") and node.value != "docker/dockerfile":
                return "frontend-too-old", f"whether the frontend {node.value} knows heredocs is not known"
            if len(parts) > 1 and parts[0] == "1" and parts[1].isdigit() and int(parts[1]) < 4:
                return "frontend-too-old", f"the frontend {node.value} does not know heredocs"
    return None


def _problem(facts: Facts, view: ScriptView) -> tuple[str, str] | None:
    script, node = view.script, view.instruction
    if "\r" in node.text:
        return "line-endings", "CRLF line endings would become part of the script's words"
    shell = facts.state(node).shell
    if shell is not None and any(word not in _PLAIN_SHELL for word in shell[1:]):
        return "errexit-differs", "SHELL starts the shell in a way that may bring functions with it"
    if any(item.kind not in _SIMPLE for item in script.items):
        return "errexit-differs", "inside a compound command set -e ends the script where && does not"
    if any(_reached(index, command) for index, command in enumerate(view.commands)):
        return "errexit-differs", "a command runs others in this shell, where set -e would reach"
    for index in range(len(script.items)):
        inner = [command for command in script.commands_of(index) if "command_substitution" in command.within]
        piped = all(command.within[-1] == "pipeline" for command in inner)
        text = script.text[script.items[index].start : script.items[index].end]
        several = len(inner) > 1 and (not piped or any(operator in text for operator in (";", "&&", "||")))
        if several or any(COMPOUND.intersection(command.within) for command in script.commands_of(index)):
            return "errexit-differs", "set -e reaches into a substitution or group of several commands"
    return _broken_lines(view)


def _reached(index: int, command: Command) -> bool:
    name = command.name
    if name == "set" and index == 0:
        return any(word.text.startswith("+") for word in command.args)
    return (name is None and bool(command.words)) or name in _REACHED


def _broken_lines(view: ScriptView) -> tuple[str, str] | None:
    """Line breaks inside a command: a script knows no comment there, and keeps them in single quotes."""
    node, script = view.instruction, view.script
    base = node.args_start
    if node.escape != "\\" and len(node.lines) > 1:
        return "continuation-differs", "the file's escape character is not the shell's"
    for item in script.items:
        if script.text.startswith("\\", item.start):
            return "continuation-differs", "a command starts with a backslash, which reads like a continuation"
        low, high = node.raw_offset(item.start + base, after=True), node.raw_offset(item.end + base)
        inside = [line for line in node.lines if low < line.start <= high]
        before = [line for line in node.lines if low < line.end <= high]
        if any(line.logical < 0 for line in inside):
            return "continuation-differs", "a comment or blank line stands inside a command"
        if any(node.text[line.content_end : line.end] != "\\\n" for line in before if line.logical >= 0):
            return "continuation-differs", "a space stands behind a backslash at a line's end"
        raw = node.text[low:high]
        if "\n" in raw and "'" in raw:
            return "continuation-differs", "a line break may stand in single quotes, which would keep it"
    if any(line.strip() == "EOF" for line in node.text.split("\n")):
        return "continuation-differs", "a line of the script is the word that would end it"
    return None


def _proposal(view: ScriptView) -> Proposal:
    def edit(editor: Editor) -> None:
        node, script = view.instruction, view.script
        base = node.args_start
        rows: list[str] = []
        first = view.commands[0] if view.commands else None
        strict = first is not None and first.name == "set" and first.item == 0 and _errexit(first)
        if not strict:
            rows.append("set -e")
        head = _head(node)
        comments = [line for line in node.lines if line.comment and line.start >= len(head)]
        at = 0
        for item in script.items:
            low, high = node.raw_offset(item.start + base, after=True), node.raw_offset(item.end + base)
            while at < len(comments) and comments[at].start < low:
                rows.append(node.text[comments[at].start : comments[at].end].strip())
                at += 1
            rows.append(node.text[low:high])
        rows.extend(node.text[line.start : line.end].strip() for line in comments[at:])
        editor.replace(node, head + "<<EOF\n" + "\n".join(rows) + "\nEOF" + node.eol)

    return Proposal(view.instruction, "write the chain as a heredoc", edit)


def _head(node: Instruction) -> str:
    """Keyword and flags; a line break between the keyword and the script has no use any more."""
    if not node.flags:
        return node.text[: node.lines[0].content_start + node.keyword_start + len(node.keyword)] + " "
    return node.text[: node.raw_offset(node.args_start, after=True)]


def _errexit(command: Command) -> bool:
    return any(word.text.startswith("-") and "e" in word.text.partition("o")[0] for word in command.args)
