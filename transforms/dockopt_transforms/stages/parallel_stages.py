"""What does not depend on each other is built at the same time."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import NamedTuple

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
    is_system,
)
from dockopt_transforms._tables import word_set
from dockopt_transforms.cache._copy import target_of
from dockopt_transforms.cache._installs import apart, overlap, requests
from dockopt_transforms.stages._confined import Place, Unconfined, left_by

_PASSIVE = frozenset(("LABEL", "EXPOSE", "CMD", "ENTRYPOINT", "HEALTHCHECK", "STOPSIGNAL", "USER"))
# Programs an install of packages has no use for, wherever on PATH they are.
_IDLE_PROGRAMS = word_set(
    "tini tini-static dumb-init gosu su-exec dockerize wait-for-it wait-for-it.sh wait-for.sh kubectl helm terraform "
    "mc cloud_sql_proxy cloud-sql-proxy grpc_health_probe consul-template envconsul confd chamber aws-iam-authenticator "
    "kustomize argocd vault nomad consul packer hadolint jq yq dep glide om cli53 docker-compose docker-machine rancher kops kind k3d "
    "minikube skaffold helmfile eksctl kubectx kubens stern k9s trivy grype syft cosign dive goss dgoss migrate"
)


_FETCHES = frozenset((("go", "mod"), ("cargo", "fetch"), ("dotnet", "restore")))
_PATH = frozenset(("/usr/local/bin", "/usr/local/sbin", "/usr/bin", "/usr/sbin", "/bin", "/sbin"))


class _Plan(NamedTuple):
    stage: Stage
    group: tuple[Instruction, ...]  #: the steps that go to a stage of their own, neighbours
    places: tuple[Place, ...]  #: what they leave
    last: Instruction  #: the last step that runs beside it


class ParallelStages(Transform):
    """Give a download or a front end a stage of its own, built beside the installs that follow.

    What:
        Steps that keep to a place of their own and are followed by installs that do not read it move to a stage beside
        the one they stood in; ``COPY --from`` brings what they left, below these installs. What stood above them
        becomes the stage both start from. Such steps are a RUN that fetches something and unpacks it into a folder of
        its own, or puts down a program, and those that install and build a Node front end in its folder.

    Why:
        BuildKit builds stages that do not need each other at the same time, and with another version to download
        the installs are still taken from the cache.

    Safety:
        Unsafe: a folder copied is root's with mode 755, whatever an archive said of its own top folder (what is in it
        keeps owner, mode and time); a builder other than BuildKit builds one stage after the other; the numbers of
        stages change. The commands of a download are followed one by one; of a front end its package.json and its
        tools' settings tell where it writes, and packages with install scripts are taken to keep to their folder.

    Refuses:
        not-disjoint: the RUN writes to places that others write to as well, or that are not known
        may-read: the next step may read what was downloaded, or an install may call it
        by-number: stages are referred to by number, and the numbers would change
        arguments: build arguments of the stage end where it is divided
        user-unknown: the RUN is not known to run as root, so the copy could belong to another
        triggers: the stage has an ONBUILD, which a stage started from it would run

    References:
        https://docs.docker.com/build/building/multi-stage/#differences-between-legacy-builder-and-buildkit
        https://docs.docker.com/reference/dockerfile/#copy---from
    """

    id = "parallel-stages"
    phase = Phase.STAGES
    after = ("split-stages", "slim-base")
    safety = "unsafe"
    mildest = "unsafe"
    mentions = ("curl", "wget", "npm", "yarn")

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        for stage in facts.stages.all:
            if stage.windows:
                continue
            for index, node in enumerate(stage.instructions):
                result = _download(document, facts, stage, node) if node.name == "RUN" else None
                result = result or _front_end(document, facts, stage, index)
                if result is not None:
                    yield result
                if isinstance(result, Proposal):
                    break


def _download(document: Document, facts: Facts, stage: Stage, node: Instruction) -> Proposal | Refusal | None:
    view = facts.script(node)
    left = left_by(facts, view) if view is not None else None
    following = stage.instructions[stage.instructions.index(node) + 1 :]
    if left is None or not any(_installs(facts, other) for other in following):
        return None
    if isinstance(left, Unconfined):
        return Refusal(node, "not-disjoint", str(left))
    for place in left:
        if not place.folder and posixpath.dirname(place.path) in _PATH:
            if posixpath.basename(place.path) not in _IDLE_PROGRAMS:
                return Refusal(node, "may-read", f"an install may call {place.path}")
        elif not place.folder and not _lasts(place, following):
            return None  # a package, a list of packages, an archive: for a step of the build
    return _for_group(document, facts, stage, (node,), left)


def _front_end(document: Document, facts: Facts, stage: Stage, index: int) -> Proposal | Refusal | None:
    from dockopt_transforms.stages._frontend import front_end

    found = front_end(facts, stage, index)
    if found is None:
        return None
    if isinstance(found, Unconfined):
        beside = any(_installs(facts, other) for other in stage.instructions[index + 1 :] if not _is_node(facts, other))
        return Refusal(stage.instructions[index], "not-disjoint", str(found)) if beside else None
    return _for_group(document, facts, stage, found.nodes, (Place(found.folder, True),))


def _for_group(
    document: Document, facts: Facts, stage: Stage, group: tuple[Instruction, ...], left: tuple[Place, ...]
) -> Proposal | Refusal | None:
    node, nodes = group[0], stage.instructions
    last, stop = _beside(facts, nodes[nodes.index(group[-1]) + 1 :], left)
    if last is None:
        return Refusal(node, "may-read", f"line {stop.start_line} may read it") if stop is not None else None
    if any(word.isdigit() for word in _from_words(document)):
        return Refusal(node, "by-number", "a stage is named by its number")
    before = nodes[: nodes.index(node)]
    if any(other.name == "ARG" for other in before):
        return Refusal(node, "arguments", "an ARG above would have to be declared again in every stage")
    if any(other.name == "ONBUILD" for other in before):
        return Refusal(node, "triggers", "an ONBUILD above would run in the stages started from it")
    user = facts.state(node).user
    if not (isinstance(user, Known) and user.value in ("root", "0", "")):
        return Refusal(node, "user-unknown", user.reason if not isinstance(user, Known) else f"it runs as {user.value}")
    return _proposal(document, facts, _Plan(stage, group, left, last), before)


def _is_node(facts: Facts, node: Instruction) -> bool:
    view = facts.script(node) if node.name == "RUN" else None
    return view is not None and any(call.manager.name in ("npm", "yarn", "pnpm") for call in view.invocations)


def _lasts(place: Place, following: list[Instruction]) -> bool:
    """Whether a file is one that the image is to have, and that nothing looks for by where it lies."""
    name, folder = posixpath.basename(place.path), posixpath.dirname(place.path)
    own = folder != "/" and not is_system(folder) and not folder.startswith(("/tmp", "/var", "/root"))
    return own and not any(name in other.rest for other in following if other.name == "RUN")


def _installs(facts: Facts, node: Instruction) -> bool:
    """Whether a step installs packages."""
    view = facts.script(node) if node.name == "RUN" else None
    return (
        view is not None
        and view.opaque is None
        and any(
            call.action in ("install", "upgrade") or (call.manager.name, call.verb) in _FETCHES
            for call in view.invocations
        )
    )


def _beside(
    facts: Facts, following: list[Instruction], left: tuple[Place, ...]
) -> tuple[Instruction | None, Instruction | None]:
    """The last of the steps that may run beside a download, and the first that may not."""
    last: Instruction | None = None
    for node in following:
        if not _disjoint(facts, node, left):
            return last, node
        if _installs(facts, node):
            last = node
    return last, None


def _disjoint(facts: Facts, node: Instruction, left: tuple[Place, ...]) -> bool:
    """Whether a step neither reads nor writes what a download left."""
    if any(place.path in node.text for place in left):
        return False
    if node.name in _PASSIVE:
        return True
    state = facts.state(node)
    if node.name == "ENV":
        values = [expand_known(pair.value, state.env, node.escape) or pair.value for pair in node.pairs]
        return not any(place.path in value for value in values for place in left)
    if node.name in ("COPY", "ADD", "WORKDIR"):
        written = _written(facts, node)
        return written is not None and not any(overlap(place.path, path) for place in left for path in written)
    view = facts.script(node) if node.name == "RUN" else None
    if view is None or view.opaque is not None or any(flag.name == "mount" for flag in node.flags):
        return False
    if any(place.path in (value or "") for value in state.env.values() for place in left):
        return False
    own = left_by(facts, view)
    if isinstance(own, tuple):
        return not any(overlap(one.path, other.path) for one in own for other in left)
    return all(_apart(facts, node, place) for place in left)


def _written(facts: Facts, node: Instruction) -> list[str] | None:
    """The absolute paths a COPY, ADD or WORKDIR makes; None where they are not known."""
    target = target_of(facts, node)
    context = facts.context
    if target is None or node.name == "WORKDIR":
        return None if target is None else [target]
    found: list[str] = []
    for word in node.args[:-1]:
        source = expand_known(word, facts.state(node).env, node.escape)
        matched = context.value.sources(source) if isinstance(context, Known) and source is not None else None
        if node.name == "ADD" or node.flag("from") is not None:
            return [target]
        if not isinstance(matched, Known) or not isinstance(context, Known):
            return [target]
        for name in matched.value:
            if not context.value.is_file(name):
                return [target]
            found.append(posixpath.join(target, posixpath.basename(name)))
    folder = len(node.args) > 2 or node.args[-1].endswith("/") or node.args[-1] in (".", "..")
    return found if folder and found else [target]


def _apart(facts: Facts, node: Instruction, place: Place) -> bool:
    view = facts.script(node)
    if view is None:
        return False
    read = requests(facts, view, place.path)
    if read is None:
        return all(apart(facts, view, command, place.path) for command in view.script.commands)
    if not isinstance(read, list):
        return False
    for one in read:
        if one.manager in ("system", "global"):
            continue
        if any(overlap(path, place.path) for path in one.files):
            return False
        if one.manager != "pip" and overlap(one.folder, place.path):
            return False
    return True


def _from_words(document: Document) -> list[str]:
    """Every word by which a stage or image is named outside FROM."""
    found: list[str] = []
    for node in document.instructions:
        for flag in node.flags:
            if flag.name == "from":
                found.append(flag.value or "")
            elif flag.name == "mount":
                found += [part[5:] for part in (flag.value or "").split(",") if part.startswith("from=")]
    return found


def _unused(document: Document, facts: Facts, wish: str, *, number: int = 1) -> str:
    """A stage name like ``wish`` that names nothing yet, no image either."""
    taken = {*facts.stages.names, *_from_words(document)}
    taken |= {stage.from_.args[0].lower() for stage in facts.stages.all if stage.from_.args}
    name = wish
    while name in taken:
        number += 1
        name = f"{wish}{number}"
    return name


def _proposal(document: Document, facts: Facts, plan: _Plan, before: list[Instruction]) -> Proposal:
    stage, group, eol = plan.stage, plan.group, document.eol
    wish = re.sub(r"[^a-z0-9_.-]", "-", posixpath.basename(plan.places[0].path).lower()).strip("-._")
    name = _unused(document, facts, wish if re.match(r"[a-z]", wish) else f"download-{wish}".rstrip("-"))
    from_ = stage.from_
    keyword, as_ = from_.keyword, from_.args[1] if len(from_.args) == 3 else document.keyword("AS")
    own = f" {as_} {from_.args[2]}" if len(from_.args) == 3 else ""
    flags = "".join(f"{flag.text} " for flag in from_.flags)
    start = f"{flags}{from_.args[0]}"
    if before:
        start = _unused(document, facts, f"{from_.args[2].lower()}-base" if own else "base")
    top = f"{keyword} {flags}{from_.args[0]} {as_} {start if before else name}{eol}"
    copies = "".join(f"{document.keyword('COPY')} --from={name} {one.path} {one.path}{eol}" for one in plan.places)
    nodes = document.nodes
    first = nodes.index(group[0])
    while isinstance(nodes[first - 1], Comment):
        first -= 1
    above: tuple[Node, ...] = nodes[first : nodes.index(group[0])]

    def edit(editor: Editor) -> None:
        editor.replace(from_, top)
        if before:
            gap = "" if isinstance(nodes[first - 1], Blank) else eol
            editor.insert_before((*above, *group)[0], f"{gap}{keyword} {start} {as_} {name}{eol}")
        editor.insert_after(group[-1], f"{eol}{keyword} {start}{own}{eol}")
        editor.insert_after(plan.last, copies)

    kinds = ", ".join(one.path for one in plan.places)
    return Proposal(
        (from_, *above, *group, plan.last),
        f"build {kinds} in a stage of its own, beside the installs that do not need it",
        edit,
        safety=Safety.UNSAFE,
        effects=Effects(
            files_owned=tuple(one.path for one in plan.places if one.folder),
            # What a manager of packages keeps for its next call stays behind in the other stage.
            files_removed=("/root/.npm/**", "/root/.cache/**", "/usr/local/share/.cache/**", "/tmp/**"),
        ),
        evidence=(f"line {group[0].start_line}: its commands write to {kinds} alone",),
    )
