"""Calls that work on a whole project: what of them only installs its dependencies."""

from __future__ import annotations

import posixpath
from typing import NamedTuple

from dockopt.api import Command, Facts, Invocation, Known, ScriptView, Word, base_name, read_call, unwrap
from dockopt_transforms._tables import word_set

_GO_BUILDS = frozenset(("build", "install", "test", "vet", "get"))
_AUTOLOADER = ("-o", "--optimize-autoloader", "-a", "--classmap-authoritative", "--apcu-autoloader")
# They read no file of the application's.
_HARMLESS = word_set(
    "echo printf true : set mkdir export corepack update-ca-certificates ldconfig locale-gen curl wget"
)
_SYSTEM = word_set("apt apk dnf yum microdnf zypper pacman")


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
    found = []
    for command in view.commands:
        one = read_install(view, command)
        if one is not None:
            found.append(one)
    return found


def read_install(view: ScriptView, command: Command) -> Install | None:
    """Read a command as an install by a manifest, None where it is none."""
    call = read_call(command)
    if call is not None:
        reader = _READERS.get(call.manager.name)
        return reader(view, call) if reader is not None else None
    index = unwrap(command)
    words = command.words[index:]
    if len(words) < 2:
        return None
    named = _NAMED.get(base_name(words[0].value or ""))
    return named(view, command, words) if named is not None else None


def independent(view: ScriptView, command: Command) -> bool:
    """Whether a command certainly reads nothing of the application's sources."""
    if any(redirect.text.lstrip("0123456789").startswith("<") for redirect in command.redirects):
        return False
    call = read_call(command)
    if call is not None:
        if read_install(view, command) is not None or any(_pathlike(word) for word in call.operands):
            return False
        local = any(option.name in ("-r", "--requirement", "-c", "-e", "--editable") for option in call.options)
        if call.manager.name in _SYSTEM or call.action in ("clean", "update"):
            return True
        if call.manager.name in ("pip", "gem"):
            return not local and (bool(call.operands) or call.verb == "config")
        if call.manager.name in ("npm", "yarn", "pnpm", "bun"):
            wide = call.option("-g", "--global") is not None or call.verb == "global"
            return wide or call.verb in ("config", "set")
        return call.manager.name == "dotnet" and call.verb == "tool" and "-g" in command.values
    index = unwrap(command)
    if index >= len(command.words):
        return not command.words  # nothing but assignments
    words = command.words[index:]
    name = base_name(words[0].value or "")
    if name == "rm":
        return all(word.text.startswith(("-", "/", "~", "$HOME")) for word in words[1:])
    if name.startswith("python"):
        return [word.value for word in words[1:3]] == ["-m", "venv"]
    if name in ("mix", "poetry", "uv", "pipenv"):
        return len(words) > 1 and words[1].value in ("local.hex", "local.rebar", "config", "self", "--version", "venv")
    return name in _HARMLESS


def working_directory(facts: Facts, install: Install) -> str | None:
    """The absolute folder an install runs in, its own ``--prefix`` or ``-C`` included; None where it is not known."""
    workdir = facts.state(install.view.instruction).workdir
    if not isinstance(workdir, Known) or install.command.within:
        return None
    here = workdir.value
    for command in install.view.commands:
        if command.start >= install.command.start:
            break
        if command.name in ("cd", "pushd", "popd"):
            target = command.words[1].value if len(command.words) == 2 else None
            if target is None or command.within or target == "-" or target.startswith("~"):
                return None
            here = posixpath.join(here, target)
    return posixpath.normpath(posixpath.join(here, install.folder))


def _pathlike(word: Word) -> bool:
    text = word.value
    if text is None:
        return True
    return text.startswith((".", "/", "~", "file:")) or text.endswith((".whl", ".deb", ".rpm", ".tgz", ".tar.gz"))


def _node(view: ScriptView, call: Invocation) -> Install | None:
    if call.verb not in ("install", "i") or call.operands or call.option("-g", "--global", "--cwd") is not None:
        return None
    return Install("bun", view, call.command, outputs=("node_modules",))


def _composer(view: ScriptView, call: Invocation) -> Install | None:
    if call.verb not in ("install", "i"):
        return None
    where = call.option("-d", "--working-dir")
    if where is not None:
        return None
    alone = call.option("--no-scripts") is not None and call.option("--no-autoloader") is not None
    words = [word.text for word in call.command.words if word.value not in _AUTOLOADER]
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
    if call.verb != "build" or any(
        option.name in ("--manifest-path", "-C", "--target-dir", "-Z") for option in call.options
    ):
        return None
    kept = [
        option.word.text + (f" {option.value_word.text}" if option.value_word is not None else "")
        for option in call.options
        if option.name in ("--release", "-r", "--profile", "--target", "--features", "-F", "--no-default-features")
        or option.name in ("--all-features", "--locked", "--offline", "--frozen")
    ]
    prefix = [word.text for word in call.command.assignments]
    build = " ".join([*prefix, call.executable.text, "build", *dict.fromkeys(kept)])
    return Install("cargo", view, call.command, early=build)


def _maven(view: ScriptView, call: Invocation) -> Install | None:
    goals = [word.text for word in ((call.verb_word,) if call.verb_word else ()) + call.operands]
    if not goals or call.option("-f", "--file", "-s", "--settings", "-gs", "-pl", "--projects") is not None:
        return None
    program = call.executable.text
    kept = [
        option.word.text + (f" {option.value_word.text}" if option.value_word is not None else "")
        for option in call.options
        if option.name in ("-B", "--batch-mode", "-q", "--quiet", "-P", "--activate-profiles", "-ntp")
        or option.name == "--no-transfer-progress"
    ]
    if all(goal.startswith("dependency:") for goal in goals):
        return Install("maven", view, call.command)
    early = " ".join([program, *dict.fromkeys(kept), "dependency:go-offline"])
    return Install("maven", view, call.command, early=early)


def _gradle(view: ScriptView, call: Invocation) -> Install | None:
    tasks = [word.text for word in ((call.verb_word,) if call.verb_word else ()) + call.operands]
    if not tasks or call.option("-p", "--project-dir", "-b", "--build-file", "-c", "-I", "-g") is not None:
        return None
    if all(task == "dependencies" for task in tasks):
        return Install("gradle", view, call.command)
    kept = [word.text for word in call.command.words if word.text in ("--no-daemon", "--quiet", "-q")]
    return Install("gradle", view, call.command, early=" ".join([call.executable.text, "dependencies", *kept]))


def _dotnet(view: ScriptView, call: Invocation) -> Install | None:
    if call.verb not in ("restore", "build", "publish"):
        return None
    folder = "."
    if call.operands:
        value = call.operands[0].value
        if len(call.operands) > 1 or value is None:
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
    words = [call.executable.text, "restore", *[word.text for word in call.operands]]
    for option in call.options:
        if option.name in ("-r", "--runtime", "-a", "--arch", "--os", "--source", "-s"):
            words.append(option.word.text + (f" {option.value_word.text}" if option.value_word is not None else ""))
        elif option.name in ("-p", "/p") or option.word.text.startswith(("-p:", "/p:")):
            words.append(option.word.text)
    return Install("dotnet", view, call.command, folder=folder, early=" ".join(dict.fromkeys(words)), outputs=("obj",))


_READERS = {
    "bun": _node,
    "composer": _composer,
    "go": _go,
    "cargo": _cargo,
    "maven": _maven,
    "gradle": _gradle,
    "dotnet": _dotnet,
}


def _poetry(view: ScriptView, command: Command, words: tuple[Word, ...]) -> Install | None:
    values = [word.value for word in words]
    if "install" not in values[1:] or "self" in values[1:3]:
        return None
    if "--only-root" in values or any(value in ("-C", "-P", "--directory", "--project") for value in values):
        return None
    alone = "--no-root" in values
    early = " ".join([*(word.text for word in command.assignments), *(word.text for word in words), "--no-root"])
    return Install("poetry", view, command, early="" if alone else early, outputs=(".venv",))


def _uv(view: ScriptView, command: Command, words: tuple[Word, ...]) -> Install | None:
    values = [word.value or "" for word in words]
    if any(value in ("--project", "--directory", "--package", "--all-packages") for value in values):
        return None
    if values[1] != "sync":
        return None
    if "--script" in values:
        return None
    alone = "--no-install-project" in values
    early = [*(word.text for word in command.assignments), *(word.text for word in words), "--no-install-project"]
    return Install("uv", view, command, early="" if alone else " ".join(early), outputs=(".venv",))


def _pipenv(view: ScriptView, command: Command, words: tuple[Word, ...]) -> Install | None:
    values = [word.value or "" for word in words]
    verbs = [value for value in values[1:] if not value.startswith("-")]
    if verbs not in (["install"], ["sync"]):
        return None
    return Install("pipenv", view, command, outputs=(".venv",))


def _mix(view: ScriptView, command: Command, words: tuple[Word, ...]) -> Install | None:
    if words[1].value != "deps.get":
        return None
    return Install("mix", view, command, outputs=("deps",))


_NAMED = {"poetry": _poetry, "uv": _uv, "pipenv": _pipenv, "mix": _mix}
