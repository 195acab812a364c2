"""What a script leaves behind in the shell that ran it, and where that forbids or shapes joining it to another.

A RUN is ``/bin/sh -c SCRIPT``: a shell of its own, so nothing of the shell outlives it. Joined with ``&&``
two scripts share one. All that then leaks from the first into the second is named here; ``( … )`` keeps most
of it in (POSIX 2.12: a subshell starts as a copy and changes nothing of its parent).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from dockopt.api import (
    Command,
    Facts,
    Known,
    ScriptView,
    base_name,
    program,
    program_path,
    replaces_shell,
    started_with_errexit,
    turns_on_errexit,
    unwrap,
)
from dockopt_transforms._tables import word_set


class Obstacle(NamedTuple):
    """Why two RUN instructions stay apart: a refusal's cause and sentence."""

    cause: str
    reason: str


# A subshell of its own; POSIX leaves open whether the last command of a pipeline has one, dash, ash and bash give it one.
_OWN_SHELL = frozenset(("subshell", "command_substitution", "process_substitution", "pipeline"))
_STATE = word_set(
    "cd pushd popd dirs export readonly declare typeset local set unset umask ulimit shopt source . eval "
    "read getopts shift hash let mapfile readarray exit return exec"
)
_LASTING = frozenset(("trap", "alias", "unalias", "enable"))
_LOOPS = frozenset(("for_statement", "c_style_for_statement", "select_statement", "function_definition"))
_SOURCES = frozenset((".", "source", "eval"))
_ASSIGNS = r"\(\(|\$\{\w+:?="  #: arithmetic, and a default that is assigned (POSIX 2.6.2)
_BACKGROUND = r"(?<![&<>|\\])&(?![&>])"
# Files the builder mounts into every RUN anew (moby/buildkit, executor/oci): what is written there is gone after it.
_MOUNTED = r"/etc/(?:hosts|resolv\.conf|hostname)(?![\w./-])|/dev/shm(?![\w-])"
_SHELL_PATHS = frozenset(("/bin/sh", "/usr/bin/sh", "sh"))
_FILE_MOVERS = frozenset(("ln", "mv", "cp", "rm", "install", "update-alternatives", "dpkg-divert"))
_SERVICE_TOOLS = word_set(
    "service invoke-rc.d rc-service systemctl initctl apachectl apache2ctl pg_ctl pg_ctlcluster "
    "start-stop-daemon rabbitmqctl supervisorctl"
)
_DAEMONS = word_set(
    "mysqld mysqld_safe mariadbd mariadbd-safe mongod redis-server dockerd containerd Xvfb dbus-daemon "
    "dbus-launch nohup setsid supervisord rabbitmq-server sshd crond cron slapd postgres memcached nginx "
    "httpd tmux screen"
)
_ASKS_ONLY = word_set("-v -V --version -h --help -t version help status")


def own_shell(command: Command) -> bool:
    """Whether a command runs in a subshell, so that the script's own shell keeps nothing of it."""
    return not _OWN_SHELL.isdisjoint(command.within)


def errexit(view: ScriptView, facts: Facts) -> bool:
    """Whether ``set -e`` holds in a script, or may: by SHELL's own flags or by the script's."""
    if started_with_errexit(facts.state(view.instruction).shell):
        return True
    for command in view.commands:
        if command.name == "set" and any(word.value is None or turns_on_errexit(word.value) for word in command.args):
            return True
    return False


def as_last(view: ScriptView) -> bool | Obstacle:
    """How a script joins as the last of a chain: in parentheses (True), as it is (False), or not at all."""
    script = view.script
    if script.end_operator == "&" or _background(view):
        return Obstacle("background-job", "a command is left running in the background")
    return any(item.operator not in ("", "&&") for item in script.items)


def as_earlier(view: ScriptView, facts: Facts) -> bool | Obstacle:
    """How a script joins where another follows: in parentheses (True), as it is (False), or not at all."""
    wrap = as_last(view)
    if not isinstance(wrap, bool):
        return wrap
    script = view.script
    last = len(script.items) - 1
    if errexit(view, facts):
        # On the left of && the shell ignores errexit, in subshells and functions too (POSIX 2.8.1, set -e).
        simple = not wrap and all(not command.within or command.within == ("pipeline",) for command in script.commands)
        if not simple or any(command.name in _SOURCES for command in script.commands):
            return Obstacle("errexit", "set -e stops this script, and has no effect on the left of &&")
    leaks = False
    for command in script.commands:
        name = program(command)
        if name in _LASTING or name == "set":
            return Obstacle("shell-state-leaks", f"{name} would reach into the commands that follow")
        if name in _SOURCES and (wrap or command.item == last):
            return Obstacle("shell-state-leaks", f"what {name} runs may set -e, which has no effect on the left of &&")
        leaks = leaks or (not own_shell(command) and (_leaks(command, name) or replaces_shell(command)))
    if not leaks:
        leaks = any(item.kind in _LOOPS for item in script.items) or re.search(_ASSIGNS, script.text) is not None
        leaks = leaks or any(not _LOOPS.isdisjoint(command.within) for command in script.commands)
    return wrap or leaks


def idle(view: ScriptView) -> bool:
    """Whether all a script does is to change its own shell: a slip, which joining it to another would hide."""
    return bool(view.commands) and all(
        not own_shell(command) and _leaks(command, program(command)) for command in view.commands
    )


def _leaks(command: Command, name: str | None) -> bool:
    if name == "" and not command.words:
        return True  # an assignment
    if name is None:
        # An expansion names the command: a path is a program, anything else may be cd or exit.
        return "/" not in command.words[unwrap(command)].text
    if name == "printf":
        return bool(command.args) and (command.args[0].value or "").startswith("-v")
    return name in _STATE


def assigned(view: ScriptView) -> frozenset[str]:
    """The variables a script sets in its own shell."""
    found: set[str] = set()
    for command in view.commands:
        if own_shell(command):
            continue
        if not command.words:
            found.update(word.text.partition("=")[0].rstrip("+") for word in command.assignments)
        elif command.name in ("export", "readonly", "declare", "typeset", "local", "read"):
            found.update(word.text.partition("=")[0] for word in command.args if not word.text.startswith("-"))
    return frozenset(found)


def _background(view: ScriptView) -> bool:
    script = view.script
    if "&" not in script.text.replace("&&", ""):
        return False
    spans = [(word.start, word.end) for command in script.commands for word in (*command.words, *command.assignments)]
    spans.extend((redirect.start, redirect.end) for command in script.commands for redirect in command.redirects)
    return any(
        not any(start <= match.start() < end for start, end in spans) for match in re.finditer(_BACKGROUND, script.text)
    )


def outlives(view: ScriptView, facts: Facts) -> Obstacle | None:
    """What a script changes that a new RUN would see afresh, and the rest of the same one would not."""
    text = view.script.text
    if ("/etc/" in text or "/dev/shm" in text) and (match := re.search(_MOUNTED, text)):
        return Obstacle("mounted-by-builder", f"{match[0]} is mounted anew for every RUN")
    state = facts.state(view.instruction)
    workdir = state.workdir.value if isinstance(state.workdir, Known) else None
    user = state.user.value if isinstance(state.user, Known) else "root"
    for command in view.commands:
        name = program(command)
        if not name:
            continue
        if name in _FILE_MOVERS:
            values = _values(command)
            if any(value in _SHELL_PATHS for value in values):
                return Obstacle("shell-replaced", "it replaces /bin/sh, which only a new RUN picks up")
            if name in ("rm", "mv", "rmdir") and workdir and _above(values, workdir):
                return Obstacle("workdir-moves", f"it takes away {workdir}, the directory it runs in")
        elif name == "dpkg-reconfigure" and "dash" in _values(command):
            return Obstacle("shell-replaced", "it may replace /bin/sh, which only a new RUN picks up")
        elif name == "rmdir" and workdir and _above(_values(command), workdir):
            return Obstacle("workdir-moves", f"it takes away {workdir}, the directory it runs in")
        elif name == "usermod" and _values(command)[-1:] == [user.partition(":")[0]]:
            return Obstacle(
                "user-changes", f"it changes the user {user.partition(':')[0]}, who is looked up anew for every RUN"
            )
        elif _daemon(name, command):
            return Obstacle("daemon-started", f"{name} leaves a process running until its RUN ends")
    return None


def _values(command: Command) -> list[str]:
    """The arguments whose value is known."""
    return [word.value for word in command.args if word.value is not None]


def _above(values: list[str], workdir: str) -> bool:
    inside = workdir.rstrip("/") + "/"
    return any(value.startswith("/") and inside.startswith(value.rstrip("/") + "/") for value in values)


def _daemon(name: str, command: Command) -> bool:
    if name in _DAEMONS:
        return not any(value in _ASKS_ONLY for value in _values(command))
    if name in _SERVICE_TOOLS or "/init.d/" in (program_path(command) or ""):
        return any(word.value is None or word.value in ("start", "restart", "--start") for word in command.args)
    return False


def reads_startup_files(view: ScriptView, facts: Facts) -> bool:
    """Whether every RUN's shell first reads files that an earlier RUN may have written."""
    state = facts.state(view.instruction)
    shell = state.shell
    if shell is None:
        return False
    names = [base_name(word) for word in shell if not word.startswith("-")]
    if names[:1] == ["env"]:
        names = names[1:]
    # zsh always reads its own; a wrapper (conda run …) may do anything before it starts the shell.
    if names[:1] not in (["sh"], ["bash"], ["ash"], ["dash"], ["busybox"]):
        return True
    if names[:1] == ["bash"] and "BASH_ENV" in state.env:
        return True
    flags = [word for word in shell[1:] if word.startswith("-")]
    return any(
        flag in ("--login", "--rcfile", "--init-file") or (not flag.startswith("--") and ("l" in flag or "i" in flag))
        for flag in flags
    )
