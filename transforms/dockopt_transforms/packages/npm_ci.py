"""``npm install`` by the lock file."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from dockopt.api import (
    Document,
    Edit,
    Editor,
    Effects,
    Facts,
    Invocation,
    Known,
    Phase,
    Proposal,
    Refusal,
    Safety,
    ScriptView,
    Transform,
    Word,
    base_name,
    directories,
    replace,
    split_reference,
)
from dockopt_transforms.packages._cleanup import by_script
from dockopt_transforms.packages._releases import outdated_release

_LOCKS = frozenset(("package-lock.json", "npm-shrinkwrap.json"))
_VERBS = frozenset(("install", "i", "in", "ins"))
_OWN_WAY = (
    "-g",
    "--global",
    "--location",
    "--prefix",
    "-C",
    "--no-package-lock",
    "--package-lock",
    "--package-lock-only",
    "--no-save",
    "--workspace",
    "-w",
    "--link",
    "--dry-run",
)
_DEV = ("--omit", "--include", "--production", "--only", "--prod", "--dev", "--also")
_OLD_NODE = re.compile(r"[0-9](\D|\Z)|argon|boron|carbon|0\.")


class NpmCi(Transform):
    """Install by the lock file: ``npm ci``.

    What:
        Turns ``npm install`` without package names into ``npm ci`` where a COPY before it puts the lock file
        beside it by name. In the last stage it adds ``--omit=dev`` where the image starts ``node`` itself and
        nothing else of the project is run during the build.

    Why:
        ``npm ci`` installs exactly what the lock file says, or fails; ``npm install`` may change it silently.

    Safety:
        Unsafe: versions may differ from what ``npm install`` would have chosen, a lock file that does not fit
        package.json stops the build, and development packages may be left out.

    Refuses:
        no-lock-file: no COPY before names a lock file for this directory
        installed-before: packages are in node_modules already, and npm ci removes them first
        own-way: flags make it another kind of install, or where it runs is not known
        old-npm: Node before 10, whose npm does not know ``ci``

    References:
        https://docs.npmjs.com/cli/commands/npm-ci
    """

    id = "npm-ci"
    phase = Phase.PACKAGES
    safety = "unsafe"
    mildest = "unsafe"
    mentions = ("npm i",)

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        for view, calls in by_script(facts.invocations("npm")):
            wanting = [call for call in calls if call.verb in _VERBS and not call.operands]
            wanting = [call for call in wanting if not call.option("-g", "--global")]
            if not wanting:
                continue
            refusal = _refusal(facts, view, wanting[0]) if len(wanting) == 1 else _own_way(view)
            yield refusal if refusal is not None else _proposal(facts, view, wanting[0])


def _own_way(view: ScriptView) -> Refusal:
    return Refusal(view.instruction, "own-way", "flags or the place of the call make it another kind of install")


def _refusal(facts: Facts, view: ScriptView, call: Invocation) -> Refusal | None:
    node = view.instruction
    if call.option(*_OWN_WAY) or call.command.within or call.verb_word is None:
        return _own_way(view)
    here = next(
        (
            place
            for command, place in zip(view.commands, directories(facts, view), strict=True)
            if command is call.command
        ),
        None,
    )
    if here is None:
        return _own_way(view)
    if _old(view.stage.root.base or ""):
        return Refusal(node, "old-npm", "npm ci came with npm 5.7")
    for other, use in facts.invocations("npm"):
        if (
            other.stage in view.stage.chain and other.instruction is not node
        ) or use.command.start < call.command.start:
            before = other.instruction.start_line < node.start_line or other.instruction is node
            if before and use.action == "install" and not use.option("-g", "--global"):
                return Refusal(node, "installed-before", "npm ci removes what is in node_modules first")
    if not _lock_beside(facts, view, here):
        return Refusal(node, "no-lock-file", "no COPY before names package-lock.json or npm-shrinkwrap.json")
    return None


def _old(reference: str) -> bool:
    name, tag, _ = split_reference(reference)
    return outdated_release(reference) or (base_name(name) == "node" and _OLD_NODE.match(tag) is not None)


def _lock_beside(facts: Facts, view: ScriptView, here: str) -> bool:
    """Whether the last directory the lock file is copied to is the one the call runs in."""
    found = False
    for node in view.stage.instructions:
        if node is view.instruction:
            break
        if node.name not in ("COPY", "ADD") or node.flag("from") or len(node.args) < 2:
            continue
        target = node.args[-1]
        if any("node_modules" in source for source in node.args[:-1]):
            return False
        for source in node.args[:-1]:
            if base_name(source) in _LOCKS and _directory(facts, node.args, target, facts.state(node).workdir) == here:
                found = True
    return found


def _directory(facts: Facts, args: tuple[str, ...], target: str, workdir: object) -> str | None:
    if "$" in target or not isinstance(workdir, Known):
        return None
    path = posixpath.normpath(posixpath.join(workdir.value, target))
    if len(args) == 2 and base_name(target) in _LOCKS:
        return posixpath.dirname(path)
    return path if len(args) > 2 or target.endswith("/") or target in (".", "..") else None


def _proposal(facts: Facts, view: ScriptView, call: Invocation) -> Proposal:
    omit = view.stage.final and not call.option(*_DEV) and _only_node_runs(facts, view)
    verb: Word | None = call.verb_word

    def edit(editor: Editor) -> None:
        edits: list[Edit] = [replace(verb, "ci --omit=dev" if omit else "ci")] if verb is not None else []
        editor.script(view, edits)

    return Proposal(
        view.instruction,
        "install by the lock file" + (", without development packages" if omit else ""),
        edit,
        safety=Safety.UNSAFE,
        effects=Effects(
            files_removed=("/**/node_modules/**",),
            # npm install writes the lock file anew, in its own version's format.
            files_added=("/**/node_modules/**", "/**/package-lock.json", "/**/npm-shrinkwrap.json"),
            packages_removed=("npm:~*",) if omit else (),
        ),
    )


def _only_node_runs(facts: Facts, view: ScriptView) -> bool:
    """Whether nothing of the project but ``node FILE`` itself is run, so that no development package is."""
    if "NODE_ENV" in facts.state(view.instruction).env:
        return False  # npm decides by it
    for other in facts.scripts:
        if other.stage is view.stage and (
            other.opaque is not None or len(other.commands) != len(other.script.commands)
        ):
            return False
        for command in other.commands if other.stage is view.stage else ():
            name = base_name(command.words[0].text) if command.words else ""
            if name in ("npx", "yarn", "make", "node", "tsc", "ng") or name.endswith(".sh"):
                return False
        for use in other.invocations if other.stage is view.stage else ():
            if use.manager.name == "npm" and use.action == "other":
                return False
    starts = [node for node in view.stage.instructions if node.name in ("CMD", "ENTRYPOINT")]
    return bool(starts) and all((node.json or tuple(node.rest.split()))[:1] == ("node",) for node in starts)
