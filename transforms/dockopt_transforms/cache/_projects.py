"""Calls that work on a whole project: what of them only installs its dependencies."""

from __future__ import annotations

import posixpath
from typing import NamedTuple

from dockopt.api import (
    Command,
    Facts,
    Instruction,
    Invocation,
    ScriptView,
    Stage,
    Word,
    base_name,
    directories,
    read_call,
    unwrap,
)
from dockopt_transforms._tables import word_set

_GO_BUILDS = frozenset(("build", "install", "test", "vet", "get"))
_AUTOLOADER = ("-o", "--optimize-autoloader", "-a", "--classmap-authoritative", "--apcu-autoloader")
# Phases of Maven's lifecycles: other goals start a project, ask for help …
_PHASES = word_set("validate compile process-classes test-compile test package verify install deploy")

#: What the name of every tool read here has in it.
_TOOLS = ("composer", "go", "cargo", "mvn", "gradle", "dotnet", "poetry", "uv", "pipenv", "mix")


class Install(NamedTuple):
    """One call that installs a project's dependencies, or builds what needs them."""

    tool: str  #: ``poetry``, ``uv``, ``go``, ``cargo`` …
    view: ScriptView
    command: Command
    folder: str = "."  #: the project's folder as the call names it
    early: str = ""  #: what installs the dependencies alone; empty where the call itself does nothing else
    outputs: tuple[str, ...] = ()  #: what it writes beside the manifests
    problem: tuple[str, str] | None = None  #: cause and reason why it needs the sources after all

    @property
    def item(self) -> int:
        return self.command.item


def installs(view: ScriptView) -> list[Install]:
    """The calls of a script that install dependencies by a manifest, in order."""
    text = view.script.text
    if not any(tool in text for tool in _TOOLS):
        return []  # most scripts: reading every command of each would cost a tenth of a run
    found = []
    for command in view.commands:
        one = read_install(view, command)
        if one is not None:
            found.append(one)
    return found


def _installs(facts: Facts, node: Instruction) -> list[Install]:
    view = facts.script(node) if node.name == "RUN" else None
    bound = any(flag.name == "mount" and "type=cache" not in (flag.value or "") for flag in node.flags)
    return installs(view) if view is not None and view.opaque is None and not bound else []


class Calls(NamedTuple):
    """The calls of a stage that work on a project, before and behind one of its COPYs."""

    done: frozenset[str]  #: the tools called before
    behind: tuple[Install, ...]

    @property
    def settled(self) -> bool:
        """Whether the first has an earlier one in front of the COPY, which leaves it only the rest to do."""
        return bool(self.behind) and self.behind[0].tool in self.done


def calls_around(facts: Facts, stage: Stage, nodes: list[Instruction]) -> list[Calls]:
    """The calls around each of some instructions of a stage."""
    found = [(index, call) for index, node in enumerate(stage.instructions) for call in _installs(facts, node)]
    places = {node.id: index for index, node in enumerate(stage.instructions)}
    return [
        Calls(
            frozenset(call.tool for index, call in found if index < places[node.id]),
            tuple(call for index, call in found if index > places[node.id]),
        )
        for node in nodes
    ]


def read_install(view: ScriptView, command: Command) -> Install | None:
    """Read a command as an install by a manifest, None where it is none."""
    if unwrap(command):
        return None  # behind sudo or env: what it would be to run the call for the dependencies so is not followed
    call = read_call(command)
    if call is not None:
        reader = _READERS.get(call.manager.name)
        return reader(view, call) if reader is not None else None
    named = _NAMED.get(base_name(command.name or ""))
    return named(view, command, command.words) if named is not None and len(command.words) > 1 else None


def _kept(call: Invocation, *names: str, prefixes: tuple[str, ...] = ()) -> list[str]:
    """The options of a call that another call of the same tool needs too, as written."""
    found = [
        option.word.text + (f" {option.value_word.text}" if option.value_word is not None else "")
        for option in call.options
        if option.name in names or (prefixes and option.word.text.startswith(prefixes))
    ]
    return list(dict.fromkeys(found))


def working_directory(facts: Facts, install: Install) -> str | None:
    """The absolute folder an install runs in, the one it names itself included; None where it is not known."""
    if install.command.within:
        return None
    for command, folder in zip(install.view.commands, directories(facts, install.view), strict=True):
        if command is install.command:
            return posixpath.normpath(posixpath.join(folder, install.folder)) if folder is not None else None
    return None


def _composer(view: ScriptView, call: Invocation) -> Install | None:
    if call.verb not in ("install", "i"):
        return None
    where = call.option("-d", "--working-dir")
    if where is not None:
        return None
    alone = call.option("--no-scripts") is not None and call.option("--no-autoloader") is not None
    words = [word.text for word in (*call.command.assignments, *call.command.words) if word.value not in _AUTOLOADER]
    words += [flag for flag in ("--no-scripts", "--no-autoloader") if flag not in words]
    return Install("composer", view, call.command, early="" if alone else " ".join(words), outputs=("vendor",))


def _go(view: ScriptView, call: Invocation) -> Install | None:
    verb = call.verb
    if verb == "mod":
        if [word.value for word in call.operands] == ["download"]:
            return Install("go", view, call.command)
        return None
    if verb not in _GO_BUILDS or any("@" in word.text for word in call.operands) or call.option("-C") is not None:
        return None
    if verb in ("get", "install") and any(not word.text.startswith(".") for word in call.operands):
        return None
    return Install("go", view, call.command, early="go mod download")


def _cargo(view: ScriptView, call: Invocation) -> Install | None:
    if call.verb != "build" or call.option("--manifest-path", "-C", "--target-dir", "-Z", "--config") is not None:
        return None
    kept = _kept(
        call,
        *("--release", "-r", "--profile", "--target", "--features", "-F", "--no-default-features"),
        *("--all-features", "--locked", "--offline", "--frozen"),
    )
    prefix = [word.text for word in call.command.assignments]
    build = " ".join([*prefix, call.executable.text, "build", *kept])
    return Install("cargo", view, call.command, early=build, outputs=("target",))


def _maven(view: ScriptView, call: Invocation) -> Install | None:
    goals = [word.text for word in ((call.verb_word,) if call.verb_word else ()) + call.operands]
    elsewhere = ("-f", "--file", "-s", "--settings", "-gs", "--global-settings", "-t", "--toolchains")
    if call.option(*elsewhere, "-pl", "--projects", "-o", "--offline") is not None:
        return None
    if goals and all(goal.startswith("dependency:") for goal in goals):
        return Install("maven", view, call.command)
    if not any(goal in _PHASES for goal in goals):
        return None
    quiet = ("-B", "--batch-mode", "-q", "--quiet", "-ntp", "--no-transfer-progress")
    kept = _kept(call, *quiet, "-P", "--activate-profiles", prefixes=("-D", "-P"))
    prefix = [word.text for word in call.command.assignments]
    early = " ".join([*prefix, call.executable.text, *kept, "dependency:go-offline"])
    return Install("maven", view, call.command, early=early)


def _gradle(view: ScriptView, call: Invocation) -> Install | None:
    tasks = [word.text for word in ((call.verb_word,) if call.verb_word else ()) + call.operands]
    elsewhere = ("-p", "--project-dir", "-b", "--build-file", "-c", "--settings-file", "-I", "--init-script", "-g")
    if not tasks or call.option(*elsewhere, "--offline", "--include-build") is not None:
        return None
    if all(task == "dependencies" for task in tasks):
        return Install("gradle", view, call.command)
    kept = _kept(call, "--no-daemon", "--quiet", "-q", prefixes=("-P", "-D"))
    prefix = [word.text for word in call.command.assignments]
    return Install("gradle", view, call.command, early=" ".join([*prefix, call.executable.text, "dependencies", *kept]))


def _dotnet(view: ScriptView, call: Invocation) -> Install | None:
    if call.verb not in ("restore", "build", "publish"):
        return None
    folder = "."
    # ``--self-contained true``: the table of flags has no value for it, since it needs none.
    operands = [word for word in call.operands if word.value not in ("true", "false")]
    if operands:
        value = operands[0].value
        if len(operands) > 1 or value is None:
            return None
        if value.endswith("proj"):
            folder = posixpath.dirname(value) or "."
        elif value.endswith((".sln", ".slnx")):
            return Install(
                "dotnet", view, call.command, problem=("needs-sources", "a solution brings the project files it lists")
            )
        else:
            folder = value
    if call.verb == "restore":
        return Install("dotnet", view, call.command, folder=folder, outputs=("obj",))
    if call.option("--no-restore") is not None:
        return None
    words = [call.executable.text, "restore", *[word.text for word in operands]]
    for option in call.options:
        if option.name in ("-r", "--runtime", "-a", "--arch", "--os", "--source", "-s"):
            words.append(option.word.text + (f" {option.value_word.text}" if option.value_word is not None else ""))
        elif option.name in ("-p", "/p") or option.word.text.startswith(("-p:", "/p:")):
            words.append(option.word.text)
    return Install("dotnet", view, call.command, folder=folder, early=" ".join(dict.fromkeys(words)), outputs=("obj",))


_READERS = {
    "composer": _composer,
    "go": _go,
    "cargo": _cargo,
    "maven": _maven,
    "gradle": _gradle,
    "dotnet": _dotnet,
}


def _poetry(view: ScriptView, command: Command, words: tuple[Word, ...]) -> Install | None:
    values = [word.value or "" for word in words]
    if next((value for value in values[1:] if not value.startswith("-")), None) != "install":
        return None
    if "--only-root" in values or any(value in ("-C", "-P", "--directory", "--project") for value in values):
        return None
    return _python(view, command, words, "poetry", "--no-root")


def _uv(view: ScriptView, command: Command, words: tuple[Word, ...]) -> Install | None:
    values = [word.value or "" for word in words]
    elsewhere = ("--project", "--directory", "--package", "--all-packages", "--script", "--offline")
    if values[1] != "sync" or any(value.partition("=")[0] in elsewhere for value in values):
        return None
    return _python(view, command, words, "uv", "--no-install-project")


def _python(view: ScriptView, command: Command, words: tuple[Word, ...], tool: str, flag: str) -> Install:
    alone = any(word.value == flag for word in words)
    early = " ".join([*(word.text for word in command.assignments), *(word.text for word in words), flag])
    return Install(tool, view, command, early="" if alone else early, outputs=(".venv",))


def _pipenv(view: ScriptView, command: Command, words: tuple[Word, ...]) -> Install | None:
    values = [word.value or "" for word in words]
    verbs = [value for value in values[1:] if not value.startswith("-")]
    # Files that a flag names, and flags with a value of their own, are not followed.
    if verbs not in (["install"], ["sync"]) or any(
        value.startswith(("-r", "--req", "-e", "--edit")) for value in values
    ):
        return None
    return Install("pipenv", view, command, outputs=(".venv",))


def _mix(view: ScriptView, command: Command, words: tuple[Word, ...]) -> Install | None:
    if words[1].value != "deps.get":
        return None
    return Install("mix", view, command, outputs=("deps",))


_NAMED = {"poetry": _poetry, "uv": _uv, "pipenv": _pipenv, "mix": _mix}
