"""Dependencies before sources."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from dockopt.api import (
    Document,
    Editor,
    Effects,
    Facts,
    Instruction,
    Known,
    Phase,
    Proposal,
    Refusal,
    Safety,
    Stage,
    Transform,
    expand_known,
)
from dockopt_transforms.cache._copy import (
    Sources,
    bad_place,
    comments_above,
    copies,
    is_made,
    is_there,
    is_whole,
    landing,
    may_sink,
    names_sources,
    odd_name,
    spaced,
    target_of,
    variables_below,
)
from dockopt_transforms.cache._cut import cut, drop, takes_back
from dockopt_transforms.cache._installs import (
    SAFE_MANAGERS,
    Request,
    Stop,
    leading,
    overlap,
    preparing,
    requests,
    within,
)
from dockopt_transforms.cache._projects import Calls, calls_around

_STATE = frozenset(
    ("WORKDIR", "ENV", "ARG", "LABEL", "EXPOSE", "USER", "STOPSIGNAL", "CMD", "ENTRYPOINT", "HEALTHCHECK")
)
#: Managers of which :func:`_manifests.needs` can say that nothing but the files makes a difference.
_PROVABLE = frozenset(("system", "pip", "uv", "go", "idle", "cd"))


class Plan(NamedTuple):
    """A COPY of a whole folder and the installs that may come before it."""

    sources: Sources
    between: tuple[Instruction, ...]  #: what follows the COPY, up to the last install
    requests: tuple[Request, ...]
    part: int = 0  #: how many elements of the last RUN's list install, where it works on the sources after them


class ManifestsFirst(Transform):
    """Install dependencies before the sources are copied.

    What:
        Where ``COPY . .`` (or another whole folder) comes before the installs that need but a few of its files,
        copies these manifests and lock files first, and the rest after the last install. It knows pip and ``uv
        pip`` with requirement files, npm, Yarn, pnpm, Bun, ``go mod download``, Bundler, Composer, Poetry, uv,
        Pipenv, ``dotnet restore`` and ``mix deps.get``, also behind ``cd folder &&`` or with a flag that names the
        folder; installs by name only, of pip and the distribution's package managers, Bundler's settings and steps
        that work elsewhere come along. A RUN that installs first and then works on the sources is cut in two.

        Where one call installs and works on the sources, one for the dependencies alone comes in front of the
        copy: ``poetry install --no-root``, ``uv sync --no-install-project``, ``composer install --no-scripts
        --no-autoloader``, ``go mod download``, ``mvn dependency:go-offline``, ``gradle dependencies``, ``dotnet
        restore``, and for Cargo a build of an empty program.

    Why:
        The builder runs an install again when a file copied before it changes: with the sources copied first
        that is every build, with the manifests only the build after a dependency changed.

    Safety:
        Safe for pip, ``uv pip --system``, ``go mod download`` with go.sum and packages by name: their files say all
        that is read, and nothing is written where the sources go. Unsafe for npm, Yarn, pnpm, Bundler, Composer and the others, which
        write beside the sources and run scripts of packages, where a COPY of a folder makes the one it copies to,
        where a RUN is cut in two, and where a call is added: the layer it makes is one more.

    Refuses:
        context-unknown: nobody can tell which files the COPY takes
        manifest-hidden: the ignore file keeps a manifest or lock file from the build
        manifest-missing: a manifest is not in the build context, so an earlier step makes it
        local-path: pip is given the project itself or another folder or file of it
        includes-elsewhere: a requirement file includes one that the COPY does not take
        needs-sources: workspaces, patches, plugins, scripts that run on install, or files that a manifest or a build
            script names need the sources; or a step changes to a folder that only the COPY makes
        installed-in-context: the folder the install fills is in the build context and would be copied over it
        reads-sources: another command of the same RUN may read the sources
        run-between: a RUN between the COPY and the install may read or change the sources
        own-way: a flag or variable makes it an install that is not followed, or the build goes on where it fails
        place: the sources are copied over a system folder, a home or a folder of the tools, or a variable names one
            of them
        keeps-cache: the RUN empties a cache that a layer of its own would keep in the image
        place-unknown: where the sources are copied to, or the install runs, is not known
        odd-name: a name cannot be written in a COPY as it is

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
    instructions = ("COPY", "ADD")
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
            wholes = [] if stage.windows else [node for node in stage.instructions if is_whole(node)]
            if not wholes:
                continue
            if facts.only_safe:
                wholes = [node for node in wholes if _safe_ahead(facts, stage, node)]
            # A call for the dependencies alone, and one that writes among the sources, are never safe.
            around = [None] * len(wholes) if facts.only_safe else calls_around(facts, stage, wholes)
            # The last first: of several that come to stand below one install each is put above those before.
            for node, calls in reversed([*zip(wholes, around, strict=True)]):
                result = _for_copy(document, facts, stage, node, calls)
                if result is not None:
                    yield result


def _safe_ahead(facts: Facts, stage: Stage, node: Instruction) -> bool:
    """Whether a RUN below a COPY may be an install that goes before it safely: a cheap look at most files."""
    for other in stage.instructions[stage.instructions.index(node) + 1 :]:
        view = facts.script(other) if other.name == "RUN" else None
        if view is not None and (
            any(call.manager.name in SAFE_MANAGERS for call in view.invocations) or "uv pip" in view.script.text
        ):
            return True
    return False


def _for_copy(
    document: Document, facts: Facts, stage: Stage, node: Instruction, calls: Calls | None
) -> Proposal | Refusal | None:
    found = _plan(facts, stage, node)
    result: Proposal | Refusal | None = None
    if isinstance(found, Plan):
        if facts.only_safe and not _safe_part(facts, stage, found):
            return None
        result = _proposal(document, facts, found)
        shorter = _shorter(facts, stage, found)
        # One install may come first all the same where a later one may not.
        while isinstance(result, Refusal) and shorter is not None:
            partly = _proposal(document, facts, shorter)
            result = partly if isinstance(partly, Proposal) else result
            shorter = _shorter(facts, stage, shorter)
        if isinstance(result, Proposal):
            return result
    elif found is not None:
        result = Refusal(node, *found)
    if calls is None:
        return result
    if calls.settled or not calls.behind:
        return None if calls.settled else result
    from dockopt_transforms.cache._ahead import ahead

    other = ahead(document, facts, stage, node, calls)
    # A call that is no install as it stands may have a part that is.
    own_way = isinstance(result, Refusal) and result.cause == "own-way" and other is not None
    return other if result is None or own_way or isinstance(other, Proposal) else result


def _shorter(facts: Facts, stage: Stage, plan: Plan) -> Plan | None:
    """A plan without its last RUN."""
    found = _plan(facts, stage, plan.sources.node, len(plan.between) - 1)
    return found if isinstance(found, Plan) else None


def _safe_part(facts: Facts, stage: Stage, plan: Plan | None) -> bool:
    """Whether a plan, or one that stops before its last steps, may be safe."""
    while plan is not None:
        if not plan.part and _PROVABLE.issuperset(request.manager for request in plan.requests):
            return True
        plan = _shorter(facts, stage, plan)
    return False


def _plan(facts: Facts, stage: Stage, node: Instruction, limit: int | None = None) -> Plan | Stop | None:
    """What may come before a COPY, among the first ``limit`` instructions behind it."""
    following = stage.instructions[stage.instructions.index(node) + 1 :][:limit]
    if not any(other.name == "RUN" for other in following):
        return None
    state = facts.state(node)
    source = expand_known(node.args[0], state.env, node.escape)
    if source is None or ("." in posixpath.basename(source.rstrip("/")) and source.rstrip("/") not in (".", "/.")):
        return None  # a single file, by its name
    target = target_of(facts, node)
    found = _installs(facts, following, target or "/\0")
    if found is None or isinstance(found, Stop):
        return found
    wanted, count, part = found
    if target is None:
        return Stop("place-unknown", "where the sources are copied to is not known")
    named = any(request.manager == "system" for request in wanted)
    absolute = node.args[1].startswith("/")
    if _installed(facts, stage, node, target, wanted):
        return None
    stop = _place(facts, node, following[:count], target, absolute=absolute, named=named)
    sources = Sources(node, stage, posixpath.normpath(source.lstrip("/") or "."), target)
    return stop or Plan(sources, tuple(following[:count]), tuple(wanted), part)


def _installs(facts: Facts, following: list[Instruction], target: str) -> tuple[list[Request], int, int] | Stop | None:
    """The installs right behind a COPY, how many instructions they and what is between take, and :attr:`Plan.part`."""
    found: list[Request] = []
    held: list[Request] = []  # of what prepares the install that may follow
    passed = False  # whether another COPY stands between: the install may well be about that one
    count = 0
    for index, other in enumerate(following):
        if other.name in _STATE:
            continue
        if other.name in ("COPY", "ADD"):
            place = target_of(facts, other)
            if place is None or overlap(place, target):
                break
            passed = True
            continue
        if other.name != "RUN":
            break
        view = facts.script(other)
        read = requests(facts, view, target) if view is not None else None
        if passed and not _about(facts, other, read, target):
            break
        if isinstance(read, list):
            found += [*held, *read]
            held = []
            count = index + 1
            continue
        ready = preparing(facts, view, target) if read is None and view is not None else None
        if ready is not None:
            held += ready
            continue
        if isinstance(read, Stop) and read.cause == "reads-sources" and view is not None:
            start = leading(facts, view, target)
            if start is not None:
                return [*found, *held, *start[0]], index + 1, start[1]
        if found:
            break
        if read is None and _installs_later(facts, following[index + 1 :], target):
            return Stop("run-between", f"line {other.start_line} may read or change the sources before the install")
        return read
    return (found, count, 0) if found else None


def _about(facts: Facts, run: Instruction, read: list[Request] | Stop | None, target: str) -> bool:
    """Whether what a RUN asks for has to do with the sources at ``target`` and no others."""
    if isinstance(read, list):
        return all(
            not request.installs
            or request.manager in ("system", "global", "pip", "uv")
            or within(request.folder, target)
            for request in read
        )
    workdir = facts.state(run).workdir
    return isinstance(workdir, Known) and within(workdir.value, target)


def _installed(facts: Facts, stage: Stage, node: Instruction, target: str, wanted: list[Request]) -> bool:
    """Whether the same was installed before the COPY, so that what comes behind it has but the rest to do."""
    own = [request for request in wanted if request.installs and request.manager not in ("system", "global")]
    done: list[Request] = []
    for other in stage.instructions[: stage.instructions.index(node)]:
        view = facts.script(other) if own and other.name == "RUN" else None
        read = requests(facts, view, target) if view is not None else None
        done += read if isinstance(read, list) else ()
    # Composer's first call leaves out by flags what needs the sources.
    places = {(request.manager, request.folder) for request in done if request.manager in ("composer", "go")}
    return bool(own) and all(one in done or (one.manager, one.folder) in places for one in own)


def _installs_later(facts: Facts, following: list[Instruction], target: str) -> bool:
    for other in following:
        if other.name in ("COPY", "ADD"):
            place = target_of(facts, other)
            if place is None or overlap(place, target):
                return False
        view = facts.script(other) if other.name == "RUN" else None
        read = requests(facts, view, target) if view is not None else None
        if isinstance(read, list) and any(request.manager not in ("system", "global") for request in read):
            return True
    return False


def _place(
    facts: Facts, node: Instruction, between: list[Instruction], target: str, *, absolute: bool, named: bool
) -> Stop | None:
    stop = bad_place(target, named=named)
    if stop is not None:
        return stop
    names = {other.name for other in between}
    if "WORKDIR" in names and not absolute:
        return Stop("place", "WORKDIR changes between the COPY and the install")
    if "$" in node.rest and names & {"ENV", "ARG"}:
        return Stop("place", "a variable may change between the COPY and the install")
    return None


def _proposal(document: Document, facts: Facts, plan: Plan) -> Proposal | Refusal:
    context = facts.context
    sources, node = plan.sources, plan.sources.node
    if not isinstance(context, Known):
        return Refusal(node, "context-unknown", context.reason)
    if not context.value.is_dir(sources.source):
        return Refusal(node, "context-unknown", f"{node.args[0]} is no folder of the build context")
    from dockopt_transforms.cache._manifests import needs

    last = plan.between[-1]
    view = facts.script(last)
    halves = cut(document, view, plan.part - 1) if plan.part and view is not None else None
    if plan.part and (
        view is None or halves is None or (facts.stages.ships(sources.stage) and takes_back(view, plan.part))
    ):
        return Refusal(node, "reads-sources", "the RUN installs and works on the sources, and cannot be cut in two")
    files: dict[str, None] = {}
    safe = halves is None
    for request in plan.requests:
        read = needs(facts, context.value, sources, request)
        if isinstance(read, Stop):
            return Refusal(node, *read)
        files.update((name, None) for name in read.files)
        safe = safe and read.proven
    odd = odd_name(sources, tuple(files))
    if odd is not None:
        return Refusal(node, "odd-name", f"{odd!r} cannot be written in a COPY as it is")
    set_to = names_sources(facts, context.value, sources, last)
    if set_to is not None:
        return Refusal(node, *set_to)
    bare = _bare_folder(facts, sources, plan.requests, files)
    if bare is not None:
        return Refusal(node, "needs-sources", f"only the COPY makes {bare}, which the RUN changes to")
    wanted = [name for name in files if not is_there(facts, context.value, sources, name)]
    lines = copies(document, sources, wanted)
    # A folder that a COPY makes is the same whatever is copied; without one WORKDIR or the install would make it.
    alike = sources.source == "." and (bool(lines) or may_sink(facts, sources, list(plan.between)))
    safe = safe and (is_made(facts, sources) or alike)
    # A tool that is kept among the sources is covered by what the context of another day may hold there.
    safe = safe and not variables_below(facts, sources, last)
    comments = comments_above(document, node)
    gap = spaced(document, node)
    first = _reader(facts, plan)
    above = list(plan.between[: plan.between.index(first)])
    sinks = any(other.name in ("RUN", "COPY", "ADD") for other in above) and may_sink(facts, sources, above)

    def edit(editor: Editor) -> None:
        eol = editor.eol
        text = "".join(copy + eol for copy in lines)
        moved = (eol if gap or comments else "") + "".join(_line(one.text, eol) for one in (*comments, node))
        for comment in comments:
            editor.remove(comment)
        if text and sinks:
            editor.insert_before((*comments_above(document, first), first)[0], text)
        if text and not sinks:
            editor.replace(node, text)
        else:
            drop(editor, node, comments)
        if halves is not None:
            editor.replace(last, halves[0])
            moved += (eol if gap else "") + halves[1]
        editor.insert_after(last, moved)

    return Proposal(
        (node, *comments, last),
        "install dependencies before the sources are copied",
        edit,
        safety=Safety.SAFE if safe else Safety.UNSAFE,
        effects=Effects(layers=len(lines) + (halves is not None)),
        evidence=(context.evidence,),
    )


def _bare_folder(facts: Facts, sources: Sources, wanted: tuple[Request, ...], files: Iterable[str]) -> str | None:
    """A folder that a step changes to and no copy of a manifest makes."""
    workdir = facts.state(sources.node).workdir
    made = [workdir.value] if isinstance(workdir, Known) else []
    made += [posixpath.dirname(landing(sources, name)) for name in files]
    for request in wanted:
        inside = within(request.folder, sources.target)
        if request.manager == "cd" and inside and not any(within(place, request.folder) for place in made):
            return request.folder
    return None


def _reader(facts: Facts, plan: Plan) -> Instruction:
    """The first of the steps that reads a file of the sources."""
    for node in plan.between:
        view = facts.script(node) if node.name == "RUN" else None
        read = requests(facts, view, plan.sources.target) if view is not None else None
        if isinstance(read, list) and all(one.manager in ("system", "global") for one in read):
            continue
        if view is not None and read is not None:
            return node
    return plan.between[-1]


def _line(text: str, eol: str) -> str:
    return text if text.endswith("\n") else text + eol
