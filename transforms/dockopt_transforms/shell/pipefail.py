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
    Transform,
    base_name,
)
from dockopt_transforms._tables import word_set
from dockopt_transforms.shell._calls import COMPOUND

# What runs the scripts then. ``set -o pipefail`` inside a script that linters take for POSIX's sh makes them warn.
_PATHS = {"dash": "/bin/bash", "bash": "/bin/bash", "ash": "/bin/ash"}
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


_ECHO_FLAG = re.compile(r"\becho\s+-[eE]")


class Pipefail(Transform):
    """Let a pipeline fail when any of its commands fails.

    What:
        Puts ``SHELL ["/bin/bash", "-o", "pipefail", "-c"]`` (on Alpine ``/bin/ash``) before the stage's first RUN
        with a pipeline. dash lacks the option before 0.5.13, but Debian and Ubuntu always have bash. A SHELL that is
        there already gets ``-o pipefail`` instead.

    Why:
        The status of ``curl … | tar x`` is that of ``tar``: a download cut short can pass, and the layer is cached.

    Safety:
        Unsafe: a build that passed over a failure now stops there; SHELL stays in the image's configuration.

    Refuses:
        shell-unknown: which shell runs the script, or whether it has the option, is not known
        reader-may-stop: a command of the pipeline may stop reading early, which fails the one before it
        status-matters: a failure before the last command is expected, as with ``grep`` that finds nothing
        shell-differs: a script further down means something else to bash than to dash, or to linters, which take
            ash for dash

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
    mildest = "unsafe"
    mentions = ("|",)

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        changed: set[int] = set()
        safe: set[int] = set()  # RUNs found to take pipefail well, so that each is looked at once
        for view in facts.scripts:
            if "|" not in view.script.text or "pipefail" in view.script.text:
                continue
            shell = facts.state(view.instruction).shell
            if not _has_pipeline(view) or (shell is not None and any("pipefail" in word for word in shell)):
                continue
            name = facts.shell(view)
            problem = _script_problem(view) or _shell_problem(facts, view, name, safe)
            if problem is not None:
                yield Refusal(view.instruction, *problem)
            elif name in _PATHS and view.stage.index not in changed:
                changed.update(stage.index for stage in (view.stage, *facts.stages.descendants(view.stage)))
                there = _governing(view)
                if there is not None:
                    yield _extend_shell(there)
                else:
                    yield _change_shell(document, view.instruction, _PATHS[name])


def _has_pipeline(view: ScriptView) -> bool:
    return any("pipeline" in command.within for command in view.commands)


def _pipelines(view: ScriptView) -> list[list[Command]]:
    """The simple commands of each pipeline, in order."""
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


def _script_problem(view: ScriptView) -> tuple[str, str] | None:
    """Why a script would not take pipefail well."""
    for command in view.commands:
        if "pipeline" in command.within:
            last = len(command.within) - 1 - command.within[::-1].index("pipeline")
            if COMPOUND.intersection(command.within[last + 1 :]):
                return "reader-may-stop", "a loop or group in the pipeline may stop reading before the end"
    return next((found for pipe in _pipelines(view) if (found := _problem(pipe)) is not None), None)


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


def _shell_problem(facts: Facts, view: ScriptView, name: str | None, safe: set[int]) -> tuple[str, str] | None:
    if view.heredoc is not None and view.script.text.startswith("#!"):
        return "shell-unknown", "the script names its own interpreter"
    own = facts.state(view.instruction).shell is not None
    if name not in _PATHS or (own and name == "dash"):
        return "shell-unknown", "which shell runs this, or whether it has pipefail, is not known"
    there = _governing(view)
    if own and (there is None or there.json is None or not there.json[-1].endswith("c")):
        return "shell-unknown", "how SHELL starts the shell is not known"
    for other in _affected(facts, view, there):
        if other.instruction.id in safe:
            continue
        line = other.instruction.start_line
        if other.opaque is not None or (name == "dash" and _differs(other)):
            return "shell-differs", f"the RUN in line {line} may mean something else in bash than in dash"
        if name == "ash" and not own and _ECHO_FLAG.search(other.script.text):
            return "shell-differs", f"linters take ash for dash, whose echo in line {line} has no such flag"
        problem = _script_problem(other)
        if problem is not None:
            return problem[0], f"SHELL would reach the RUN in line {line}, where {problem[1]}"
        safe.add(other.instruction.id)
    node = _other_users(facts, view)
    if node is not None:
        return "shell-differs", f"{node.name} in line {node.start_line} may mean something else with another shell"
    return None


def _other_users(facts: Facts, view: ScriptView) -> Instruction | None:
    """A shell form besides RUN that SHELL would hand to bash and that bash or pipefail makes another."""
    for stage in (view.stage, *facts.stages.descendants(view.stage)):
        for node in stage.instructions:
            if node.name not in ("CMD", "ENTRYPOINT", "HEALTHCHECK") or node.json is not None:
                continue
            if "|" in node.rest or _BASH_ONLY.search(node.rest) or ("echo" in node.rest and "\\" in node.rest):
                return node
    return None


def _governing(view: ScriptView) -> Instruction | None:
    """The SHELL that holds at a RUN."""
    before = [node for node in view.stage.instructions if node.start_line < view.instruction.start_line]
    for nodes in (before, *(stage.instructions for stage in view.stage.chain[1:])):
        for node in reversed(nodes):
            if node.name == "SHELL":
                return node
    return None


def _affected(facts: Facts, view: ScriptView, there: Instruction | None) -> Iterator[ScriptView]:
    """The scripts that the shell put before ``view``, or the SHELL changed in place of that, would run."""
    first = view.instruction if there is None else there
    stage = facts.stages.of(first) or view.stage
    members = {stage.index, *(other.index for other in facts.stages.descendants(stage))}
    shell = facts.state(view.instruction).shell
    for other in facts.scripts:
        below = other.stage.index in members and other.instruction.start_line >= first.start_line
        if below and facts.state(other.instruction).shell == shell:
            yield other


def _differs(view: ScriptView) -> bool:
    if _BASH_ONLY.search(view.script.text):
        return True
    return any(command.name == "echo" and any("\\" in word.text for word in command.args) for command in view.commands)


def _change_shell(document: Document, node: Instruction, path: str) -> Proposal:
    def edit(editor: Editor) -> None:
        words = f'["{path}", "-o", "pipefail", "-c"]'
        editor.insert_before(node, f"{document.keyword('SHELL')} {words}{editor.eol}")

    return Proposal(
        node,
        f"run the stage's scripts by {base_name(path)} with pipefail",
        edit,
        safety=Safety.UNSAFE,
        effects=Effects(config=("shell",)),
    )


def _extend_shell(node: Instruction) -> Proposal:
    def edit(editor: Editor) -> None:
        last = f'"{(node.json or ("",))[-1]}"'
        at = node.line.rindex(last)
        editor.splice(node, [(at, at, '"-o", "pipefail", ')])

    return Proposal(node, "add pipefail to the SHELL", edit, safety=Safety.UNSAFE, effects=Effects(config=("shell",)))
