"""Packages installed in whatever version there is."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dockopt.api import (
    Document,
    Editor,
    Facts,
    Invocation,
    Phase,
    Proposal,
    Refusal,
    Safety,
    ScriptView,
    Transform,
    Word,
)

_RULES = {
    "apt": re.compile(r"=|\.deb\Z|/"),
    "apk": re.compile(r"[=<>~]|/|\.apk\Z"),
    "pip": re.compile(r"[=<>~@/]|\.whl\Z|\.tar\.|\.zip\Z|\A\.\Z|\A\.\["),
    "npm": re.compile(r".@|/.*/|:|\A\.|\.tgz\Z|\A/"),
    "gem": re.compile(r":|\.gem\Z|/"),
}
_VERBS = {
    "apt": ("install",),
    "apk": ("add",),
    "pip": ("install",),
    "npm": ("install", "i", "add"),
    "gem": ("install",),
}
_VERSION_OPTIONS = ("-v", "--version")


class PinPackages(Transform):
    """Name the version of what a build installs.

    What:
        Points out packages of apt, apk, pip, npm and gem that are installed without a version.

    Why:
        The same Dockerfile gives another image tomorrow, and a new release can break the build on a day when
        nobody changed anything.

    Safety:
        Manual: which version is right is not written in the Dockerfile and is never invented. Distributions also
        drop old versions from their archives, and a pin that vanished breaks the build: for those a pinned base image
        or a snapshot archive serves better.

    Refuses:
        substitution: the package names come from a variable, so what they pin is not known

    References:
        https://docs.docker.com/build/building/best-practices/#version-pinning
        hadolint DL3008, DL3013, DL3016, DL3018, DL3028
    """

    id = "pin-packages"
    phase = Phase.PACKAGES
    aliases = ("DL3008", "DL3013", "DL3016", "DL3018", "DL3028")
    mentions = ("apt", "apk", "pip", "npm", "gem")
    safety = "manual"
    mildest = "manual"

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        for manager, pinned in _RULES.items():
            found: dict[int, tuple[ScriptView, list[str]]] = {}
            for view, call in facts.invocations(manager):
                if call.verb not in _VERBS[manager] or (manager == "gem" and call.option(*_VERSION_OPTIONS)):
                    continue
                loose = [word for word in call.operands if not pinned.search(word.text)]
                if any(word.value is None for word in loose):
                    yield Refusal(view.instruction, "substitution", f"{manager} gets its packages from a variable")
                names = _names(loose, call)
                if names:
                    found.setdefault(view.instruction.id, (view, []))[1].extend(names)
            for view, packages in found.values():
                yield Proposal(
                    view.instruction,
                    f"pin the version of {', '.join(packages)} ({manager})",
                    _leave,
                    safety=Safety.MANUAL,
                )


def _names(words: list[Word], call: Invocation) -> list[str]:
    if call.manager.name == "pip" and call.option("-c", "--constraint"):
        return []
    return [word.value for word in words if word.value is not None]


def _leave(editor: Editor) -> None:
    """There is no text to write: the version is for a person to choose."""
