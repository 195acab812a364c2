"""A clean-up goes to the RUN that made the files."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from dockopt.api import (
    Blank,
    Comment,
    Document,
    Editor,
    Effects,
    Facts,
    Instruction,
    Known,
    Node,
    Phase,
    Proposal,
    Refusal,
    ScriptView,
    Stage,
    Transform,
    program,
)
from dockopt_transforms.layers._chain import Member, above, chain
from dockopt_transforms.layers._join import join
from dockopt_transforms.layers._leaks import Obstacle
from dockopt_transforms.layers._purpose import SYSTEM, cleans_only

EFFECTS = Effects(layers=-1)
# They change the image's configuration and no file.
_CONFIGURATION = frozenset(
    ("ENV", "ARG", "LABEL", "EXPOSE", "CMD", "ENTRYPOINT", "STOPSIGNAL", "HEALTHCHECK", "MAINTAINER", "ONBUILD")
)
_MAKERS = frozenset(("mkdir", "touch", "tar", "curl", "wget", "unzip", "tee", "bunzip2", "gunzip"))
_PUTTERS = frozenset(("cp", "mv", "install", "git", "svn", "hg", "rsync"))  #: what they write to comes last


class CleanWhereMade(Transform):
    """Move a clean-up to the RUN that made the files.

    What:
        A RUN that does nothing but remove files (package lists, caches, an archive) joins the nearest RUN above
        it, where that one made them and only ENV, LABEL, COPY and the like stand between.

    Why:
        A file that a later RUN removes stays in the layer before it: the image keeps its whole size.

    Safety:
        Safe: the same commands run, and what stands between neither makes nor needs what they remove.

    Refuses:
        build-stage: only COPY --from reads the stage, so its size costs nothing
        run-between: another RUN stands between, which may need the files or make more of them
        file-between: a COPY, ADD, WORKDIR or VOLUME between may put files where the clean-up removes some
        state-between: the user, the shell or a variable the clean-up reads changes between
        unknown-target: it cannot be told which files the clean-up removes
        suppression: a comment for a linter or another tool belongs to the clean-up alone
        not-exact: the two do not mean the same in one shell, for the reasons merge-runs names

    References:
        https://docs.docker.com/build/building/best-practices/#apt-get
        hadolint DL3009
    """

    id = "clean-where-made"
    phase = Phase.LAYERS
    after = ("merge-runs",)
    mentions = ("clean", "rm ", "prune", "purge", "autoremove", "apk del", "remove")

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        for stage in facts.stages.all:
            previous: Instruction | None = None
            for index, node in enumerate(stage.instructions):
                if node.name != "RUN":
                    continue
                # RUN instructions right below one another are merge-runs' business.
                if previous is not None and stage.instructions[index - 1] is not previous:
                    yield from _moved(document, facts, stage, previous, node)
                previous = node


def _moved(
    document: Document, facts: Facts, stage: Stage, maker: Instruction, node: Instruction
) -> Iterator[Proposal | Refusal]:
    view = facts.script(node)
    if view is None or view.opaque is not None or node.heredocs or not cleans_only(view):
        return
    if not _made(facts, maker, view):
        if _made_earlier(facts, stage, maker, view):
            yield Refusal(
                node, "run-between", "another RUN stands between, which may need the files or make more of them"
            )
        return
    if not facts.stages.ships(stage):
        yield Refusal(node, "build-stage", "only COPY --from reads the stage, so its size costs nothing")
        return
    between = _between(document, maker, node)
    comments = above(between)
    members = [Member(maker, [], [], facts), Member(node, list(comments), comments, facts)]
    obstacle = _obstacle(facts, view, [item for item in between if isinstance(item, Instruction)], members)
    if obstacle is not None:
        yield Refusal(node, obstacle.cause, obstacle.reason)
        return
    gone: list[Node] = [node, *comments, *_blank_left(document, node, comments)]

    def edit(editor: Editor) -> None:
        editor.replace(maker, chain(document, members), absorbed=gone)

    yield Proposal((maker, node), "move the clean-up to the RUN that made the files", edit, effects=EFFECTS)


def _between(document: Document, first: Instruction, last: Instruction) -> list[Node]:
    nodes = document.nodes
    start = next(index for index, node in enumerate(nodes) if node is first) + 1
    stop = next(index for index, node in enumerate(nodes) if node is last)
    return list(nodes[start:stop])


def _blank_left(document: Document, node: Instruction, comments: list[Comment]) -> list[Node]:
    """The blank line above the clean-up, where another would then follow it."""
    nodes = document.nodes
    at = next(index for index, other in enumerate(nodes) if other is node)
    first = at - len(comments) - 1
    if first >= 0 and isinstance(nodes[first], Blank) and (at + 1 == len(nodes) or isinstance(nodes[at + 1], Blank)):
        return [nodes[first]]
    return []


def _targets(view: ScriptView) -> list[str] | None:
    """The paths a clean-up removes, without their globs; None where that cannot be told."""
    found: list[str] = []
    managed = {id(call.command): call.manager for call in view.invocations}
    for command in view.commands:
        manager = managed.get(id(command))
        if manager is not None:
            if manager.name not in SYSTEM:
                return None  # it may look at the working directory, or at files of the user's
            found.extend(manager.caches)
            continue
        if program(command) != "rm":
            return None
        for word in command.args:
            value = word.value
            if value is None or not value.startswith(("/", "-")):
                return None
            if value.startswith("/"):
                found.append(_fixed(posixpath.normpath(value)))
    return found


def _fixed(path: str) -> str:
    """The part of a path above its first glob."""
    parts = path.split("/")
    for index, part in enumerate(parts):
        if any(ch in part for ch in "*?["):
            return "/".join(parts[:index]) or "/"
    return path


def _overlap(one: str, other: str) -> bool:
    first, second = one.rstrip("/") + "/", other.rstrip("/") + "/"
    if not (one.startswith("/") and other.startswith("/") and len(first) > 1 and len(second) > 1):
        return False
    return first.startswith(second) or second.startswith(first)


def _made(facts: Facts, maker: Instruction, cleanup: ScriptView) -> bool:
    """Whether a RUN made some of the files the clean-up removes."""
    view = facts.script(maker)
    if view is None or view.opaque is not None:
        return False
    filled = {call.manager.name for call in view.invocations if call.action in ("install", "update", "upgrade")}
    if any(call.manager.name in filled for call in cleanup.invocations):
        return True
    caches = {cache for call in view.invocations if call.manager.name in filled for cache in call.manager.caches}
    places = caches | set(_written(view))
    return any(_overlap(target, place) for target in _targets(cleanup) or () for place in places)


def _written(view: ScriptView) -> Iterator[str]:
    """The absolute paths a script is seen to write to."""
    for command in view.commands:
        for redirect in command.redirects:
            if ">" in redirect.text:
                yield redirect.text.lstrip("0123456789<>&| ")
        name = program(command)
        values = [word.value for word in command.args if word.value and word.value.startswith("/")]
        if name in _MAKERS:
            yield from values
        elif name in _PUTTERS and values and command.args[-1].value == values[-1]:
            yield values[-1]


def _made_earlier(facts: Facts, stage: Stage, before: Instruction, cleanup: ScriptView) -> bool:
    for node in stage.instructions:
        if node is before:
            return False
        if node.name == "RUN" and _made(facts, node, cleanup):
            return True
    return False


def _obstacle(facts: Facts, view: ScriptView, between: list[Instruction], members: list[Member]) -> Obstacle | None:
    maker, cleanup = members
    unfit = cleanup.unfit or cleanup.keeps_apart()
    if unfit is not None and unfit.cause == "suppression":
        return unfit
    targets = _targets(view)
    if targets is None and any(node.name not in _CONFIGURATION for node in between):
        return Obstacle("unknown-target", "it cannot be told which files the clean-up removes")
    obstacle = _crosses(facts, view, between, targets or [])
    if obstacle is not None:
        return obstacle
    unfit = maker.unfit or unfit
    if unfit is None and maker.flags != cleanup.flags:
        unfit = Obstacle("different-flags", "their mounts, network or security flags differ")
    unfit = unfit or join([maker], [cleanup], facts)
    return Obstacle("not-exact", unfit.reason) if unfit is not None else None


def _crosses(facts: Facts, view: ScriptView, between: list[Instruction], targets: list[str]) -> Obstacle | None:
    """What of the instructions between keeps the clean-up from moving above them."""
    names: set[str] = set()
    for node in between:
        name = node.name
        if name in ("ENV", "ARG"):
            parts = [pair.key for pair in node.pairs] or [token.text.partition("=")[0] for token in node.tokens]
            names.update(parts)
        elif name in ("COPY", "ADD"):
            if node.heredocs or any(_meets(facts, node, target) for target in targets):
                return Obstacle("file-between", f"{name} may put files where the clean-up removes some")
        elif name == "WORKDIR":
            after = _workdir(facts, node)
            if after is None or any(_overlap(after, target) for target in targets):
                return Obstacle("file-between", "WORKDIR may make a directory where the clean-up removes some")
            before = facts.state(between[0]).workdir
            if isinstance(before, Known) and any(_overlap(before.value, target) for target in targets):
                return Obstacle("state-between", f"the clean-up would take away {before.value} while it runs there")
        elif name == "VOLUME":
            if any(_overlap(path, target) for path in node.args for target in targets) or "$" in node.rest:
                return Obstacle("file-between", "the clean-up may remove files of a VOLUME")
        elif name == "USER":
            was, now = facts.state(between[0]).user, facts.state(view.instruction).user
            if not (isinstance(was, Known) and isinstance(now, Known) and was.value == now.value):
                return Obstacle("state-between", "the user changes between")
        elif name not in _CONFIGURATION:
            return Obstacle("state-between", f"{name} stands between")
    if any(name in view.script.text for name in names):
        return Obstacle("state-between", "a variable the clean-up reads changes between")
    if names and not _system_only(view):
        return Obstacle("state-between", "the environment of the clean-up's commands changes between")
    return None


def _system_only(view: ScriptView) -> bool:
    """Whether a clean-up runs nothing but what every image has at its place: rm and the system's package manager."""
    system = {id(call.command) for call in view.invocations if call.manager.name in SYSTEM}
    return all(id(command) in system or program(command) == "rm" for command in view.commands)


def _meets(facts: Facts, node: Instruction, target: str) -> bool:
    """Whether COPY or ADD may write below a path, or make one of its parents."""
    words = node.json or node.args
    destination = words[-1] if words else "$"
    if "$" in destination:
        return True
    if not destination.startswith("/"):
        workdir = facts.state(node).workdir
        if not isinstance(workdir, Known):
            return True
        destination = posixpath.join(workdir.value, destination)
    path = posixpath.normpath(destination)
    return path == "/" or _overlap(path, target)


def _workdir(facts: Facts, node: Instruction) -> str | None:
    if "$" in node.rest:
        return None
    path = node.rest.strip("\"'")
    if path.startswith("/"):
        return posixpath.normpath(path)
    before = facts.state(node).workdir
    return posixpath.normpath(posixpath.join(before.value, path)) if isinstance(before, Known) else None
