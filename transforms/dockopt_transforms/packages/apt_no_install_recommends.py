"""Packages nobody asked for by name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from dockopt.api import (
    Document,
    Edit,
    Editor,
    Effects,
    Facts,
    Invocation,
    Phase,
    Proposal,
    Refusal,
    Safety,
    ScriptView,
    Transform,
    Word,
    base_name,
    insert_after,
)
from dockopt_transforms.packages import _apt
from dockopt_transforms.packages._cleanup import unread

FLAG = "--no-install-recommends"


class _Kept(NamedTuple):
    """A recommended package that what installs it does not do its work without."""

    triggers: frozenset[str]
    package: str
    instead: frozenset[str]  #: any of these brings it, or does its work
    mentions: tuple[str, ...]  #: only in a file that holds one of these; empty: always


def _kept(triggers: str, package: str, instead: str = "", *mentions: str) -> _Kept:
    return _Kept(frozenset(triggers.split()), package, frozenset((package, *instead.split())), mentions)


# The Recommends fields of Debian's and Ubuntu's packages, where lacking them is known to break builds.
_KEPT = (
    _kept("curl wget git", "ca-certificates", "ca-certificates-java"),
    _kept("git", "openssh-client", "ssh openssh-server", "git@", "ssh://", "ssh-keyscan", "type=ssh"),
    _kept("gcc gfortran golang golang-go", "libc6-dev", "build-essential g++ libc-dev gcc-multilib g++-multilib"),
    _kept("golang golang-go", "gcc", "build-essential g++"),
    _kept("cmake", "make", "build-essential ninja-build"),
    _kept("python3-pip", "build-essential", "", "pip install", "pip3 install", "-m pip"),
    _kept("python3-pip", "python3-dev", "python3-all-dev", "pip install", "pip3 install", "-m pip"),
    _kept("python-pip", "build-essential", "", "pip install", "pip2 install", "-m pip"),
    _kept("python-pip", "python-dev", "python-all-dev python2-dev", "pip install", "pip2 install", "-m pip"),
    _kept("gnupg gnupg2", "dirmngr", "", "recv-key", "--recv", "keyserver"),
    _kept("xvfb", "xauth", "", "xvfb-run"),
)


class AptNoInstallRecommends(Transform):
    """Install with apt-get only what is named and what that depends on.

    What:
        Adds ``--no-install-recommends`` to ``apt-get install``. Recommended packages without which the named
        ones are known not to work are named instead: ``ca-certificates`` beside curl, wget and git,
        ``libc6-dev`` beside gcc, ``make`` beside cmake, the compiler and headers beside pip where the file
        runs pip, and a few more.

    Why:
        Recommendations are made for desktops. They often double what an install brings, and each package is
        one more to patch.

    Safety:
        Unsafe: the image gets fewer packages, and something in it might use one of those.

    Refuses:
        recommends-wanted: the call asks for recommended packages, or a comment beside it speaks of them
        set-in-config: the file writes an apt configuration that settles it
        opaque-script: the script is not one that dockopt reads

    References:
        https://manpages.debian.org/bookworm/apt/apt-get.8.en.html
        https://www.debian.org/doc/debian-policy/ch-relationships.html
        hadolint DL3015
    """

    id = "apt-no-install-recommends"
    phase = Phase.PACKAGES
    local = True
    aliases = ("DL3015", "aptGetInstallUseNoRec")
    after = ("apt-to-apt-get", "assume-yes")
    mentions = ("apt",)
    safety = "unsafe"
    mildest = "unsafe"

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        yield from unread(facts, _apt.INSTALL)
        by_view: dict[int, tuple[ScriptView, list[Invocation]]] = {}
        for view, call in facts.invocations("apt"):
            if not _wanting(call):
                continue
            refusal = _refusal(facts, view, call)
            if refusal is not None:
                yield refusal
                continue
            by_view.setdefault(view.instruction.id, (view, []))[1].append(call)
        if not by_view:
            return
        named = _named_before(facts)
        for view, calls in by_view.values():
            yield _proposal(facts, view, calls, named[view.instruction.id])


def _wanting(call: Invocation) -> bool:
    if call.verb != "install" or base_name(call.executable.value or "") not in ("apt-get", "apt"):
        return False
    return not any(
        option.name == FLAG
        or (option.value or "").lower().startswith(("apt::install-recommends=", "install-recommends="))
        for option in call.options
    )


def _refusal(facts: Facts, view: ScriptView, call: Invocation) -> Refusal | None:
    node = view.instruction
    if call.option("--install-recommends"):
        return Refusal(node, "recommends-wanted", "the call asks for recommended packages")
    if facts.mentions("apt::install-recommends", 'install-recommends "', "install-recommends="):
        return Refusal(node, "set-in-config", "the file sets APT::Install-Recommends")
    notes = [*node.comments, *(view.script.text[start:end] for start, end in view.script.comments)]
    if any("recommend" in note.lower() for note in notes):
        return Refusal(node, "recommends-wanted", "a comment beside the packages speaks of recommended ones")
    return None


def _packages(call: Invocation) -> set[str]:
    """The names an install gives, without version, release and architecture."""
    found = set()
    for word in call.operands:
        name = (word.value if word.value is not None else word.text).partition("=")[0].partition("/")[0]
        found.add(name.partition(":")[0])
    return found


def _named_before(facts: Facts) -> dict[int, set[str]]:
    """What a RUN's earlier siblings, and the stages its own is built on, install by name."""
    found: dict[int, set[str]] = {}
    ends: dict[int, set[str]] = {}
    by_node: dict[int, list[Invocation]] = {}
    for view, call in facts.invocations("apt"):
        if call.verb == "install":
            by_node.setdefault(view.instruction.id, []).append(call)
    for stage in facts.stages.all:
        names = set(ends[stage.parent.index]) if stage.parent is not None else set()
        for node in stage.instructions:
            found[node.id] = set(names)
            for call in by_node.get(node.id, ()):
                names |= _packages(call)
        ends[stage.index] = names
    return found


def _proposal(facts: Facts, view: ScriptView, calls: list[Invocation], named: set[str]) -> Proposal:
    edits: list[Edit] = []
    added: list[str] = []
    known = set(named)
    for _, call in facts.invocations("apt"):  # what a later call of the same RUN names is there for what follows
        if _ is view and call.verb == "install":
            known |= _packages(call)
    for call in calls:
        if call.verb_word is not None:
            edits.append(insert_after(_apt.last_flag(call, call.verb_word), FLAG))
        more: dict[Word, list[str]] = {}
        for word in call.operands:
            name = (word.value or "").partition("=")[0].partition("/")[0].partition(":")[0]
            for kept in _KEPT:
                if name not in kept.triggers or known & kept.instead:
                    continue
                if kept.mentions and not facts.mentions(*kept.mentions):
                    continue
                more.setdefault(word, []).append(kept.package)
                known.add(kept.package)
                added.append(kept.package)
        for word, packages in more.items():
            edits.append((word.end, word.end, "".join(_apt.word_break(view, word) + package for package in packages)))

    def edit(editor: Editor) -> None:
        editor.script(view, edits)

    message = f"add {FLAG}"
    if added:
        message += f", naming {', '.join(added)} which would be missed"
    return Proposal(
        view.instruction,
        message,
        edit,
        safety=Safety.UNSAFE,
        effects=Effects(packages_added=tuple(f"apt:{name}" for name in added), packages_removed=("apt:~*",)),
    )
