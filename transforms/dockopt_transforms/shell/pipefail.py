"""Pipelines whose first command may fail unnoticed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dockopt.api import (
    Command,
    Document,
    Editor,
    Effects,
    Facts,
    Instruction,
    Phase,
    Proposal,
    Refusal,
    Safety,
    ScriptView,
    Stage,
    Transform,
    base_name,
    insert_after,
)
from dockopt_transforms.shell._calls import word_set

_SHELL = '["/bin/bash", "-o", "pipefail", "-c"]'
# Programs whose status says whether what they wrote is good, and which nobody stops early on purpose.
_WRITERS = word_set(
    "curl wget echo printf cat gpg gpg2 openssl base64 gunzip gzip zcat xz bzip2 bunzip2 tar sort uniq sed awk cut tr jq "
    "envsubst date uname lsb_release dpkg-architecture git node python python3 php perl sha256sum sha512sum rpm2cpio aws "
    "gsutil tee apt-key nproc id hostname mysqldump pg_dump"
)
# Programs that read all they are given: none of them makes the one before fail by going away.
_READERS = word_set(
    "tar bsdtar sh bash ash apt-key gpg gpg2 tee sha256sum sha512sum sha1sum sha384sum md5sum b2sum sort wc tr cut xargs "
    "gunzip gzip base64 jq php python python3 perl ruby node debconf-set-selections chpasswd passwd cpio crontab mysql "
    "psql sed awk openssl uniq bunzip2 xz unxz patch cat tail envsubst bc su dpkg dd java gawk keytool visudo pg_restore"
)
_BASH_ONLY = re.compile(r"\{[^{}\s]*(?:,|\.\.)[^{}\s]*\}|&>|\$'|\$\"|<<<|\becho\s+-[eE]|\bread\b|\btype\b|\bsource\b")


class Pipefail(Transform):
    """Let a pipeline fail when any of its commands fails.

    What:
        Where the shell is bash or BusyBox's ash, ``set -o pipefail`` goes before the RUN's first command. Where it
        is dash, which lacks the option before 0.5.13, ``SHELL ["/bin/bash", "-o", "pipefail", "-c"]`` goes before
        the stage's first RUN with a pipeline; Debian and Ubuntu always have bash.

    Why:
        The status of ``curl … | tar x`` is that of ``tar``: a download cut short can pass, and the layer is cached.

    Safety:
        Unsafe: a build that passed over a failure now stops there; SHELL stays in the image's configuration.

    Refuses:
        shell-unknown: which shell runs the script, or whether it has the option, is not known
        reader-may-stop: a command of the pipeline may stop reading early, which fails the one before it
        status-matters: a failure before the last command is expected, as with ``grep`` that finds nothing
        shell-differs: a RUN further down means something else in bash than in dash

    References:
        hadolint DL4006
        https://docs.docker.com/build/building/best-practices/#using-pipes
        POSIX.1-2024, set -o pipefail
    """

    id = "pipefail"
    phase = Phase.SHELL
    aliases = ("DL4006",)
    after = ("drop-sudo", "wget-quiet-progress", "curl-fail")
    safety = "unsafe"
    mentions = ("|",)

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        changed: set[int] = set()
        for view in facts.scripts:
            if "|" not in view.script.text or "pipefail" in view.script.text:
                continue
            pipes = _pipelines(view)
            shell = facts.state(view.instruction).shell
            if not pipes or (shell is not None and any("pipefail" in word for word in shell)):
                continue
            problem = next((found for pipe in pipes if (found := _problem(pipe)) is not None), None)
            name = facts.shell(view)
            if problem is None:
                problem = _shell_problem(facts, view, name)
            if problem is not None:
                yield Refusal(view.instruction, *problem)
            elif name == "dash":
                if view.stage.index not in changed:
                    changed.update(stage.index for stage in (view.stage, *facts.stages.descendants(view.stage)))
                    yield _change_shell(document, view.instruction)
            else:
                yield _set_option(document, view)


def _pipelines(view: ScriptView) -> list[list[Command]]:
    """The commands of each pipeline, in order."""
    found: dict[tuple[int, tuple[str, ...]], list[Command]] = {}
    for command in view.commands:
        if command.within and command.within[-1] == "pipeline":
            found.setdefault((command.item, command.within), []).append(command)
    return list(found.values())


def _program(command: Command) -> str | None:
    """The program a command runs, without ``sudo``; None where it is not known."""
    name = command.name
    if name == "sudo" and len(command.words) > 1:
        name = command.words[1].value
    return base_name(name) if name else None


def _problem(pipe: list[Command]) -> tuple[str, str] | None:
    names = [_program(command) for command in pipe]
    for position, (name, command) in enumerate(zip(names, pipe, strict=True)):
        values = [word.value or "" for word in command.args]
        if position < len(pipe) - 1 and name not in _WRITERS:
            return "status-matters", f"{name or 'a command'} may fail before a pipe without anything being wrong"
        early = name in ("sed", "awk", "gawk") and any("q" in value or "exit" in value for value in values)
        if position and (name not in _READERS or early):
            return "reader-may-stop", f"{name or 'a command'} may stop reading before the end"
    return None


def _shell_problem(facts: Facts, view: ScriptView, name: str | None) -> tuple[str, str] | None:
    if name in ("bash", "ash"):
        if view.heredoc is not None and view.script.text.startswith("#!"):
            return "shell-unknown", "the script names its own interpreter"
        return None
    if name != "dash":
        return "shell-unknown", "which shell runs this, or whether it has pipefail, is not known"
    state = facts.state(view.instruction)
    if state.shell is not None:
        return "shell-unknown", "SHELL names dash on purpose"
    for other in _affected(facts, view.stage, view.instruction):
        if other.opaque is not None or _differs(other):
            line = other.instruction.start_line
            return "shell-differs", f"the RUN in line {line} may mean something else in bash than in dash"
    node = _other_users(facts, view)
    if node is not None:
        return "shell-differs", f"{node.name} in line {node.start_line} may mean something else in bash than in dash"
    return None


def _other_users(facts: Facts, view: ScriptView) -> Instruction | None:
    """A shell form besides RUN that SHELL would hand to bash and that bash reads otherwise."""
    for stage in (view.stage, *facts.stages.descendants(view.stage)):
        for node in stage.instructions:
            if node.name not in ("CMD", "ENTRYPOINT", "HEALTHCHECK") or node.json is not None:
                continue
            if _BASH_ONLY.search(node.rest) or ("echo" in node.rest and "\\" in node.rest):
                return node
    return None


def _affected(facts: Facts, stage: Stage, node: Instruction) -> Iterator[ScriptView]:
    """The scripts a SHELL before ``node`` would hand to bash."""
    members = {stage.index, *(other.index for other in facts.stages.descendants(stage))}
    for view in facts.scripts:
        below = view.stage.index in members and view.instruction.start_line >= node.start_line
        if below and facts.state(view.instruction).shell is None:
            yield view


def _differs(view: ScriptView) -> bool:
    if _BASH_ONLY.search(view.script.text):
        return True
    return any(command.name == "echo" and any("\\" in word.text for word in command.args) for command in view.commands)


def _change_shell(document: Document, node: Instruction) -> Proposal:
    def edit(editor: Editor) -> None:
        editor.insert_before(node, f"{document.keyword('SHELL')} {_SHELL}{editor.eol}")

    return Proposal(
        node,
        "run the stage's scripts by bash with pipefail",
        edit,
        safety=Safety.UNSAFE,
        effects=Effects(config=("shell",)),
    )


def _set_option(document: Document, view: ScriptView) -> Proposal:
    def edit(editor: Editor) -> None:
        first = view.script.items[0]
        command = view.commands[0]
        if command.name == "set" and command.item == 0 and command.top and len(command.words) == 2:
            editor.script(view, [insert_after(command.words[1], "-o pipefail")])
        elif view.heredoc is not None:
            editor.script(view, [(first.start, first.start, "set -o pipefail" + document.eol)])
        else:
            editor.script(view, [(first.start, first.start, "set -o pipefail && ")])

    return Proposal(view.instruction, "set pipefail for the RUN's pipelines", edit, safety=Safety.UNSAFE)
