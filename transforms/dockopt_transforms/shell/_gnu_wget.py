"""Whether ``wget`` is GNU wget, which knows options BusyBox's does not."""

from __future__ import annotations

from dockopt.api import Facts, Invocation, ScriptView
from dockopt_transforms.shell._calls import Call

# Distributions whose only wget is GNU's (or wget2, which takes the same options).
_GNU_FAMILIES = frozenset(("debian", "ubuntu", "fedora", "rhel", "suse", "arch", "amazon"))
_GNU_MANAGERS = ("apt", "dnf", "yum", "microdnf", "zypper", "pacman")
_GNU_TOOLS = ("add-apt-repository", "apt-key", "dpkg", "debconf-set-selections", "rpm", "yum-config-manager")
_UNCERTAIN = frozenset(("if_statement", "case_statement", "for_statement", "while_statement", "function_definition"))


def evidence(facts: Facts, call: Call) -> str | None:
    """What shows that a call runs GNU wget; None where nothing does.

    On Alpine the call runs BusyBox's unless ``apk add wget`` ran before it in the stage or in those it
    is built on, and no ``apk del`` took it away again.
    """
    stage = call.view.stage
    image = facts.base_image(stage)
    if image is not None and image.family in _GNU_FAMILIES:
        return f"table of base images: {image.name} is {image.family}"
    members = {member.index for member in stage.chain}
    apk = [(view, use) for view, use in facts.invocations("apk") if view.stage.index in members]
    if not apk and (image is None or image.family not in ("alpine", "busybox")):
        return _other_manager(facts, call)
    return _installed_by_apk(apk, call)


def _other_manager(facts: Facts, call: Call) -> str | None:
    """A package manager whose distribution has no other wget is used in the stage or around it."""
    stage = call.view.stage
    related = {member.index for member in (*stage.chain, *facts.stages.descendants(stage))}
    for manager in _GNU_MANAGERS:
        for view, use in facts.invocations(manager):
            if view.stage.index in related:
                return f"line {view.instruction.start_line}: {use.executable.text} is the package manager"
    for tool in _GNU_TOOLS:
        for view, _ in facts.commands(tool):
            if view.stage.index in related:
                return f"line {view.instruction.start_line}: {tool} belongs to a distribution with GNU wget"
    return None


def _installed_by_apk(apk: list[tuple[ScriptView, Invocation]], call: Call) -> str | None:
    here = _position(call.view, call.command.start)
    found: str | None = None
    group: str | None = None
    for view, use in sorted(apk, key=lambda pair: _position(pair[0], pair[1].command.start)):
        if _position(view, use.command.start) >= here:
            break
        packages = {_package(word.value or "") for word in use.operands}
        if use.action == "install" and "wget" in packages and not _UNCERTAIN.intersection(use.command.within):
            found = f"line {view.instruction.start_line}: apk add wget"
            virtual = use.option("-t", "--virtual")
            group = virtual.value if virtual is not None else None
        elif use.action == "remove" and (
            "wget" in packages
            or (group is not None and group in packages)
            or any(w.value is None for w in use.operands)
        ):
            found = group = None
    return found


def _position(view: ScriptView, offset: int) -> tuple[int, int, int]:
    return (view.stage.index, view.instruction.start_line, offset)


def _package(text: str) -> str:
    """``wget`` of ``wget=1.21``, ``wget~1``, ``wget@edge``."""
    for at, ch in enumerate(text):
        if ch in "=~<>@":
            return text[:at]
    return text
