"""Dependencies before sources."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

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
    Safety,
    Stage,
    Transform,
    expand_known,
)
from dockopt_transforms.cache._cut import cut, drop, takes_back
from dockopt_transforms.cache._installs import Request, Stop, leading, requests

if TYPE_CHECKING:
    from dockopt.api import Context

_STATE = frozenset(
    ("WORKDIR", "ENV", "ARG", "LABEL", "EXPOSE", "USER", "STOPSIGNAL", "CMD", "ENTRYPOINT", "HEALTHCHECK")
)
_NAME = re.compile(r"[\w./@+-]+\Z")
_PLACES = frozenset(("/go", "/tmp"))


class Plan(NamedTuple):
    """A COPY of a whole folder and the installs that may come before it."""

    stage: Stage
    node: Instruction
    source: str  #: as written
    target: str  #: absolute
    between: tuple[Instruction, ...]  #: what follows the COPY, up to the last install
    requests: tuple[Request, ...]
    part: int = 0  #: how many elements of the last RUN's list install, where it works on the sources after them


class ManifestsFirst(Transform):
    """Install dependencies before the sources are copied.

    What:
        Where ``COPY . .`` (or another whole folder) comes before the installs that need but a few of its files,
        copies these manifests and lock files first, and the rest after the last install. It knows pip with
        requirement files, npm, Yarn, pnpm, Bun, ``go mod download``, Bundler, Composer, Poetry, uv, Pipenv,
        ``dotnet restore`` and ``mix deps.get``; installs by name only, of pip and the distribution's package
        managers, come along. A RUN that installs first and then works on the sources is cut in two.

        Where one call installs and works on the sources, one for the dependencies alone comes in front of the
        copy: ``poetry install --no-root``, ``uv sync --no-install-project``, ``composer install --no-scripts
        --no-autoloader``, ``go mod download``, ``mvn dependency:go-offline``, ``gradle dependencies``, ``dotnet
        restore``, and for Cargo a build of an empty program.

    Why:
        The builder runs an install again when a file copied before it changes: with the sources copied first
        that is every build, with the manifests only the build after a dependency changed.

    Safety:
        Safe for pip, ``go mod download`` with go.sum and packages by name: their files say all that is read, and
        nothing is written where the sources go. Unsafe for npm, Yarn, pnpm, Bundler, Composer and the others, which
        write beside the sources and run scripts of packages, where a COPY of a folder makes the one it copies to,
        where a RUN is cut in two, and where a call is added: the layer it makes is one more.

    Refuses:
        context-unknown: nobody can tell which files the COPY takes
        manifest-hidden: the ignore file keeps a manifest or lock file from the build
        manifest-missing: a manifest is not in the build context, so an earlier step makes it
        local-path: pip is given the project itself or another folder or file of it
        includes-elsewhere: a requirement file includes one that the COPY does not take
        needs-sources: workspaces, scripts that run on install, or folders named in a manifest need the sources
        installed-in-context: the folder the install fills is in the build context and would be copied over it
        reads-sources: another command of the same RUN may read the sources
        run-between: a RUN between the COPY and the install may read or change the sources
        own-way: a flag or variable makes it an install that is not followed
        place: the sources are copied over a system folder, a home or a folder of the tools
        keeps-cache: the RUN empties a cache that a layer of its own would keep in the image
        place-unknown: where the sources are copied to, or the install runs, is not known

    References:
        https://docs.docker.com/build/cache/optimize/#order-your-layers
        https://docs.astral.sh/uv/guides/integration/docker/#intermediate-layers
        https://getcomposer.org/doc/03-cli.md#install-i
        https://doc.rust-lang.org/cargo/commands/cargo-clean.html
        https://docs.docker.com/build/building/best-practices/#leverage-build-cache
    """

    id = "manifests-first"
    phase = Phase.CACHE
    safety = "unsafe"
    mentions = (
        "install",
        "npm ci",
        "npm i",
        "pnpm i",
        "yarn",
        "mod download",
        "apk add",
        "uv sync",
        "poetry",
        "mvn",
        "gradle",
        "cargo build",
        "go build",
        "dotnet",
        "deps.get",
    )

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        for stage in facts.stages.all:
            if stage.windows:
                continue
            for node in stage.instructions:
                if node.name in ("COPY", "ADD") and len(node.args) == 2 and _whole(node):
                    result = _for_copy(document, facts, stage, node)
                    if result is not None:
                        yield result


def _for_copy(document: Document, facts: Facts, stage: Stage, node: Instruction) -> Proposal | Refusal | None:
    from dockopt_transforms.cache._ahead import ahead

    found = _plan(facts, stage, node)
    result: Proposal | Refusal | None = None
    if isinstance(found, Plan):
        result = _proposal(document, facts, found)
        if isinstance(result, Proposal):
            return result
    elif found is not None:
        result = Refusal(node, *found)
    other = ahead(document, facts, stage, node)
    return other if result is None or isinstance(other, Proposal) else result


def _whole(node: Instruction) -> bool:
    """Whether a COPY may take a folder of the build context as a whole."""
    source = node.args[0]
    if node.heredocs or node.flag("from") is not None or "://" in source or "*" in source or source.startswith("git@"):
        return False
    return not any(flag.name in ("exclude", "parents") for flag in node.flags)


def _plan(facts: Facts, stage: Stage, node: Instruction) -> Plan | Stop | None:
    following = stage.instructions[stage.instructions.index(node) + 1 :]
    if not any(other.name == "RUN" for other in following):
        return None
    state = facts.state(node)
    source = expand_known(node.args[0], state.env, node.escape)
    if source is None or ("." in posixpath.basename(source.rstrip("/")) and source.rstrip("/") not in (".", "/.")):
        return None  # a single file, by its name
    written = expand_known(node.args[1], state.env, node.escape)
    target: str | None = None
    if written is not None and written.startswith("/"):
        target = posixpath.normpath(written)
    elif written is not None and isinstance(state.workdir, Known):
        target = posixpath.normpath(posixpath.join(state.workdir.value, written))
    found = _installs(facts, following, target or "/\0")
    if found is None or isinstance(found, Stop):
        return found
    wanted, count, part = found
    if target is None:
        return Stop("place-unknown", "where the sources are copied to is not known")
    stop = _place(facts, node, following[:count], target, absolute=(written or "").startswith("/"))
    return stop or Plan(stage, node, source, target, tuple(following[:count]), tuple(wanted), part)


def _installs(facts: Facts, following: list[Instruction], target: str) -> tuple[list[Request], int, int] | Stop | None:
    """The installs right behind a COPY, how many instructions they and what is between take, and :attr:`Plan.part`."""
    found: list[Request] = []
    count = 0
    for index, other in enumerate(following):
        if other.name in _STATE:
            continue
        if other.name != "RUN":
            break
        view = facts.script(other)
        read = requests(facts, view, target) if view is not None else None
        if isinstance(read, list):
            found += read
            count = index + 1
            continue
        if isinstance(read, Stop) and read.cause == "reads-sources" and view is not None:
            start = leading(facts, view, target)
            if start is not None:
                return [*found, *start[0]], index + 1, start[1]
        if found:
            break
        if read is None and _installs_later(facts, following[index + 1 :], target):
            return Stop("run-between", f"line {other.start_line} may read or change the sources before the install")
        return read
    return (found, count, 0) if found else None


def _installs_later(facts: Facts, following: list[Instruction], target: str) -> bool:
    for other in following:
        if other.name in ("COPY", "ADD"):
            return False
        view = facts.script(other) if other.name == "RUN" else None
        read = requests(facts, view, target) if view is not None else None
        if isinstance(read, list) and any(request.manager != "system" for request in read):
            return True
    return False


def _place(facts: Facts, node: Instruction, between: list[Instruction], target: str, *, absolute: bool) -> Stop | None:
    from dockopt.api import is_system

    home = target == "/root" or posixpath.dirname(target) == "/home"
    if (
        home
        or target in _PLACES
        or target.startswith("/var/")
        or (is_system(target) and not target.startswith("/usr/src/"))
    ):
        return Stop("place", f"the sources are copied to {target}, where an install may write or read as well")
    names = {other.name for other in between}
    if "WORKDIR" in names and not absolute:
        return Stop("place", "WORKDIR changes between the COPY and the install")
    if "$" in node.rest and names & {"ENV", "ARG"}:
        return Stop("place", "a variable may change between the COPY and the install")
    for other in between:
        for name, value in facts.state(other).env.items():
            for part in (value or "").split(":"):
                if part.startswith(target + "/") and name != "PYTHONPATH":
                    return Stop("place", f"{name} names {part}, where the sources are copied to")
    return None


def _proposal(document: Document, facts: Facts, plan: Plan) -> Proposal | Refusal:
    context = facts.context
    if not isinstance(context, Known):
        return Refusal(plan.node, "context-unknown", context.reason)
    root = posixpath.normpath(plan.source.lstrip("/") or ".")
    if not context.value.is_dir(root):
        return Refusal(plan.node, "context-unknown", f"{plan.source} is no folder of the build context")
    from dockopt_transforms.cache._manifests import needs

    view = facts.script(plan.between[-1])
    halves = cut(document, view, plan.part - 1) if plan.part and view is not None else None
    if plan.part and (
        view is None or halves is None or (facts.stages.ships(plan.stage) and takes_back(view, plan.part))
    ):
        return Refusal(
            plan.node, "reads-sources", "the RUN installs and works on the sources, and cannot be cut in two"
        )
    files: dict[str, None] = {}
    safe = halves is None
    for request in plan.requests:
        read = needs(facts, context.value, root, plan.target, request)
        if isinstance(read, Stop):
            return Refusal(plan.node, *read)
        files.update((name, None) for name in read.files)
        safe = safe and read.proven
    odd = next((name for name in files if not _NAME.match(name)), None)
    if odd is not None:
        return Refusal(plan.node, "manifest-missing", f"the name {odd!r} cannot be written in a COPY as it is")
    # A folder that the COPY makes takes after its source; the context itself has no mode that counts.
    workdir = facts.state(plan.node).workdir
    there = isinstance(workdir, Known) and (workdir.value + "/").startswith(plan.target + "/")
    safe = safe and (there or (root == "." and not plan.node.flags))
    wanted = [name for name in files if not _copied_before(facts, context.value, plan, root, name)]
    copies = _copies(document, facts, plan, root, wanted)
    last = plan.between[-1]
    comments, apart = _above(document, plan.node)

    def edit(editor: Editor) -> None:
        text = "".join(copy + editor.eol for copy in copies)
        moved = (editor.eol if apart else "") + "".join(_line(node.text, editor.eol) for node in (*comments, plan.node))
        for node in comments:
            editor.remove(node)
        if text:
            editor.replace(plan.node, text)
        else:
            drop(editor, plan.node)
        if halves is not None:
            editor.replace(last, halves[0])
            moved += (editor.eol if apart else "") + halves[1]
        editor.insert_after(last, moved)

    return Proposal(
        (plan.node, *comments, last),
        "install dependencies before the sources are copied",
        edit,
        safety=Safety.SAFE if safe else Safety.UNSAFE,
        effects=Effects(layers=len(copies) + (halves is not None)),
        evidence=(context.evidence,),
    )


def _line(text: str, eol: str) -> str:
    return text if text.endswith("\n") else text + eol


def _above(document: Document, node: Instruction) -> tuple[list[Node], bool]:
    """The comments right above a node, and whether a blank line stands right below it."""
    nodes = document.nodes
    index = nodes.index(node)
    start = index
    while start and isinstance(nodes[start - 1], Comment):
        start -= 1
    return list(nodes[start:index]), index + 1 < len(nodes) and isinstance(nodes[index + 1], Blank)


def _copied_before(facts: Facts, context: Context, plan: Plan, root: str, name: str) -> bool:
    """Whether an earlier COPY put a file where it is read, and no RUN since may have changed it."""
    place = _landing(plan, root, name)
    for node in reversed(plan.stage.instructions[: plan.stage.instructions.index(plan.node)]):
        if node.name == "RUN":
            return False
        if node.name not in ("COPY", "ADD") or node.flag("from") is not None or node.heredocs or len(node.args) < 2:
            continue
        state = facts.state(node)
        words = [expand_known(word, state.env, node.escape) for word in node.args]
        written = words[-1]
        if written is None or None in words or not isinstance(state.workdir, Known):
            continue
        target = posixpath.normpath(posixpath.join(state.workdir.value, written))
        folder = len(words) > 2 or written.endswith("/") or posixpath.basename(written) in (".", "..")
        for word in words[:-1]:
            matched = context.sources(word or "")
            if isinstance(matched, Known) and name in matched.value:
                landing = posixpath.join(target, posixpath.basename(name)) if folder else target
                if landing == place:
                    return True
    return False


def _landing(plan: Plan, root: str, name: str) -> str:
    return posixpath.join(plan.target, posixpath.relpath(name, root))


def _copies(document: Document, facts: Facts, plan: Plan, root: str, names: list[str]) -> list[str]:
    """One COPY for the files of each folder."""
    folders: dict[str, list[str]] = {}
    for name in names:
        folders.setdefault(posixpath.dirname(posixpath.relpath(name, root)), []).append(name)
    flags = "".join(f"{flag.text} " for flag in plan.node.flags if flag.name in ("chown", "chmod", "link"))
    written = plan.node.args[1]
    if not any(other.name == "WORKDIR" for member in plan.stage.chain for other in member.instructions):
        written = plan.target
    found: list[str] = []
    for folder, own in folders.items():
        target = written if written in (".", "./") else written.rstrip("/") + "/"
        if folder:
            target = ("" if written in (".", "./") else target) + folder + "/"
        elif target == "." and len(own) > 1:
            target = "./"
        found.append(f"{document.keyword('COPY')} {flags}{' '.join(own)} {target}")
    return found
