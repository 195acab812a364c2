"""``sudo`` where the user is root already."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dockopt.api import (
    Command,
    Document,
    Edit,
    Editor,
    Facts,
    Known,
    Phase,
    Proposal,
    Refusal,
    Safety,
    ScriptView,
    Transform,
    Word,
    base_name,
    read_call,
)
from dockopt_transforms._tables import word_set
from dockopt_transforms.shell._calls import editable

_ROOT = frozenset(("root", "0", "root:root", "0:0", "root:0", "0:root"))
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)=")
# Names the shell runs itself: behind sudo they are programs of their own, missing or different.
_SHELL_WORDS = word_set(
    ". : source cd export set unset eval exec read umask trap exit return alias unalias shift wait ulimit local type "
    "command builtin pushd popd pwd times jobs fg bg hash getopts declare typeset readonly let test [ [[ time if then "
    "else fi for do done while until case esac function select { } ! coproc shopt printf"
)
# Programs that do the same whatever the environment holds.
_PLAIN = word_set(
    "mkdir rmdir rm cp mv ln chmod chown chgrp touch tee cat install tar unzip gunzip dd sed usermod useradd userdel "
    "groupadd groupmod addgroup adduser deluser passwd chpasswd update-alternatives ldconfig locale-gen sysctl true "
    "false echo gpasswd dpkg-reconfigure debconf-set-selections head tail a2dismod a2ensite a2dissite service hostname "
    "update-ca-certificates sync stat ls"
)
_MANAGERS = frozenset(("apt", "apk", "dnf", "yum", "microdnf", "zypper", "pacman"))
_MANAGER_TOOLS = frozenset(("apt-key", "add-apt-repository", "apt-add-repository", "dpkg", "rpm", "yum-config-manager"))
# What sudo's env_reset keeps, or what changes only how a program talks (sudoers(5), env_check and env_keep).
_KEPT = re.compile(r"(DEBIAN_FRONTEND|DEBCONF_\w+|TERM|COLORTERM|LANG|LANGUAGE|LC_\w+|LINGUAS|TZ|DISPLAY|HOSTNAME)\Z")
_CLEAN_BASES = word_set("debian ubuntu alpine centos fedora rockylinux almalinux amazonlinux oraclelinux archlinux")


class DropSudo(Transform):
    """Drop ``sudo`` where the user is root.

    What:
        Removes the word ``sudo`` in front of a command that runs as root anyway; assignments behind it
        (``sudo NAME=value command``) stay in front of the command.

    Why:
        Root needs no sudo. It hides who really runs the command, drops the environment the image sets,
        and is one more privileged program to install.

    Safety:
        Safe where the command does not depend on the environment, or where the stage sets none that sudo
        would have hidden from it; unsafe where the command will see variables it did not see before.

    Refuses:
        not-root: the instruction runs as another user, who needs sudo
        user-unknown: nothing shows which user the base image starts with
        sudo-option: sudo is given an option (``-u``, ``-E``, ``-i``, ``-H`` …), which asks for more than root
        shell-builtin: without sudo the shell's own command of that name would run, which differs
        command-unknown: which command sudo runs is only known at build time
        reads-sudo: the script reads what sudo sets (``SUDO_USER``) or changes the umask sudo resets

    References:
        hadolint DL3004
        https://www.sudo.ws/docs/man/sudoers.man/ (command environment)
    """

    id = "drop-sudo"
    phase = Phase.SHELL
    local = True
    aliases = ("DL3004",)
    safety = "unsafe"
    mentions = ("sudo",)

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        by_node: dict[int, tuple[ScriptView, list[Command]]] = {}
        for view, command in facts.commands("sudo"):
            if editable(view, command) and len(command.words) > 1:
                by_node.setdefault(view.instruction.id, (view, []))[1].append(command)
        for view, commands in by_node.values():
            yield from _instruction(facts, view, commands)


def _instruction(facts: Facts, view: ScriptView, commands: list[Command]) -> Iterator[Proposal | Refusal]:
    node = view.instruction
    user = facts.state(node).user
    if not isinstance(user, Known):
        yield Refusal(node, "user-unknown", f"whether this runs as root is not known: {user.reason}")
        return
    if user.value not in _ROOT:
        yield Refusal(node, "not-root", f"this runs as {user.value} ({user.evidence}), who needs sudo")
        return
    if "SUDO_" in view.script.text or any(command.name == "umask" for command in view.commands):
        yield Refusal(node, "reads-sudo", "the script uses what sudo sets: SUDO_ variables or the umask")
        return
    refusals: dict[str, Refusal] = {}
    drop: list[Command] = []
    seen: set[str] = set()
    for command in commands:
        problem = _problem(facts, view, command)
        if problem is not None:
            refusals.setdefault(problem[0], Refusal(node, *problem))
            continue
        drop.append(command)
        seen |= _newly_seen(facts, view, command)
    yield from refusals.values()
    if drop:
        yield _proposal(view, drop, sorted(seen), user.evidence)


def _split(command: Command) -> tuple[list[Word], list[Word]]:
    """The assignments behind sudo, and the words of the command it runs."""
    words = list(command.args)
    if words and words[0].text == "--":
        words = words[1:]
    count = 0
    while count < len(words) and _ASSIGNMENT.match(words[count].text):
        count += 1
    return words[:count], words[count:]


def _problem(facts: Facts, view: ScriptView, command: Command) -> tuple[str, str] | None:
    """Cause and reason for leaving one call alone."""
    assignments, words = _split(command)
    if command.args[0].text.startswith("-") and command.args[0].text != "--":
        return "sudo-option", f"sudo {command.args[0].text} asks for more than running as root"
    if not words or words[0].value is None or any(word.value is None or "~" in word.text for word in assignments):
        return "command-unknown", "what sudo runs here is only known at build time"
    name = words[0].value
    if name.startswith("-"):
        return "sudo-option", f"sudo {name} asks for more than running as root"
    if _ASSIGNMENT.match(name):
        return "command-unknown", f"sudo reads {words[0].text} as a variable, the shell would not"
    if name in _SHELL_WORDS or _is_function(view, name) or (name == "echo" and not _same_echo(facts, view, words)):
        return "shell-builtin", f"the shell's own {name} is not the program sudo runs"
    return None


def _is_function(view: ScriptView, name: str) -> bool:
    text = view.script.text
    return f"{name}()" in text or f"{name} ()" in text or f"function {name}" in text


def _same_echo(facts: Facts, view: ScriptView, words: list[Word]) -> bool:
    """Whether the shell's ``echo`` prints what the program ``/bin/echo`` does.

    dash expands backslash escapes and knows no ``-e``; bash does as the program does.
    """
    if facts.shell(view) == "bash":
        return True
    return all(word.value is not None and "\\" not in word.text and word.text not in ("-e", "-E") for word in words)


def _newly_seen(facts: Facts, view: ScriptView, command: Command) -> set[str]:
    """The variables the command would see without sudo and did not see with it, as far as they may matter."""
    _, words = _split(command)
    name = base_name(words[0].value or "")
    if name in _PLAIN:
        return set()
    names = set(facts.state(view.instruction).env)
    names.update(word.text.partition("=")[0] for word in command.assignments)
    for other in view.commands:
        if other.name == "export" and other.start < command.start:
            names.update(word.text.partition("=")[0] for word in other.args)
    found = {variable for variable in names if not _KEPT.match(variable)}
    image = facts.base_image(view.stage)
    if image is None or image.name not in _CLEAN_BASES:
        found.add("the base image's own variables")
    # What a package manager installs hangs on the search path and on proxies, not on an application's settings.
    inner = Command("command", command.start, command.end, command.outer_end, tuple(words), (), (), (), 0)
    call = read_call(inner)
    if name in _MANAGER_TOOLS or (call is not None and call.manager.name in _MANAGERS):
        found = {variable for variable in found if _matters_to_manager(variable)}
    return found


def _matters_to_manager(variable: str) -> bool:
    return (
        variable in ("PATH", "HOME", "the base image's own variables")
        or variable.lower().endswith("proxy")
        or variable.startswith(("LD_", "APT_", "DPKG_"))
    )


def _proposal(view: ScriptView, commands: list[Command], seen: list[str], evidence: str) -> Proposal:
    def edit(editor: Editor) -> None:
        editor.script(view, [_deletion(view, command, word) for command in commands for word in _dropped(command)])

    message = "drop sudo: the user is root already"
    if seen:
        message += f"; the command then sees {', '.join(seen)}"
    return Proposal(
        view.instruction, message, edit, safety=Safety.UNSAFE if seen else Safety.SAFE, evidence=(evidence,)
    )


def _dropped(command: Command) -> list[Word]:
    """``sudo`` and a ``--`` behind it."""
    return list(command.words[:2]) if command.words[1].text == "--" else [command.words[0]]


def _deletion(view: ScriptView, command: Command, word: Word) -> Edit:
    """Take out a word and the blanks behind it, up to the end of its line."""
    text = view.script.text
    limit = len(text)
    if view.heredoc is None:
        base = view.instruction.args_start
        starts = [line.logical - base for line in view.instruction.lines if line.logical >= 0]
        limit = min([start for start in starts if start >= word.end], default=limit)
    end = word.end
    while end < limit and text[end] in " \t":
        end += 1
    return (word.start, end, "")
