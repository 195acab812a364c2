"""What changes with every build comes late."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from dockopt.api import (
    Blank,
    Comment,
    Document,
    Editor,
    Facts,
    Instruction,
    Invocation,
    Node,
    Phase,
    Proposal,
    Refusal,
    Safety,
    ScriptView,
    Stage,
    Transform,
    base_name,
    read_call,
    unwrap,
)
from dockopt_transforms._tables import word_set

# Names of build arguments whose value is another one in every build. SOURCE_DATE_EPOCH is not among them:
# BuildKit itself reads it. A cache buster is not either: it stands where it stands on purpose.
_VOLATILE = re.compile(
    r"(?:APP_|IMAGE_|DOCKER_|CI_|LABEL_)?(?:"
    r"BUILD_?(?:DATE|TIME|TIMESTAMP|NUMBER|NUM|ID|RFC3339)|(?:DATE|TIME)_?BUILD|CREATED|(?:PIPELINE|RUN)_(?:ID|NUMBER)"
    r"|(?:VCS|GIT|SVN|SOURCE|REPO|BUILD|GITHUB|SCM)_?(?:REF|REV|REVISION|SHA1?|HASH|COMMIT)(?:_(?:SHA1?|HASH|ID|REF))?"
    r"|COMMIT(?:_?(?:SHA1?|HASH|ID|REF|DATE|TIME))?|SHA1?|REVISION)\Z"
)
_SYSTEM = frozenset(("apt", "apk", "dnf", "yum", "microdnf", "zypper", "pacman"))
_DEPENDENCIES = frozenset(("pip", "npm", "yarn", "pnpm", "bun", "gem", "bundle", "composer", "conda"))
_TOOLS = frozenset(("uv", "poetry", "pipenv"))
# They do nothing with the environment but what the script itself says.
_PLAIN = word_set(
    "echo printf true : set mkdir rm rmdir cp mv ln chmod chown touch cat tar unzip gunzip cd test [ export sed grep "
    "useradd groupadd usermod adduser addgroup curl wget gpg update-ca-certificates ldconfig locale-gen a2enmod "
    "a2dismod corepack docker-php-ext-install docker-php-ext-enable docker-php-ext-configure pecl apt-key "
    "add-apt-repository dpkg rpm install sha256sum"
)
NO, MAYBE, UNKNOWN = range(3)


class _Block(NamedTuple):
    """Neighbouring instructions about what changes with every build."""

    stage: Stage
    nodes: tuple[Instruction, ...]
    names: frozenset[str]  #: the build arguments and variables they set
    labels: frozenset[str]


class LateMetadata(Transform):
    """Set the build's date and revision after the steps that do not read them.

    What:
        Moves a build argument that is another one in every build (``BUILD_DATE``, ``VCS_REF``, ``GIT_COMMIT`` …),
        with the LABEL and ENV right behind it that show it, below the RUNs that do not read it.

    Why:
        A RUN sees every build argument declared above it, and the builder runs it again when one of them has
        another value: with the date at the top nothing is ever taken from the cache.

    Safety:
        Safe where it passes installs of the distribution's packages and commands that do with the environment only
        what the script says. Unsafe where it passes installs of language packages, whose own scripts could read any
        variable. A step that runs code of the project is never passed.

    Refuses:
        may-read: the next step runs a program of the project, or one that is not known, which may read it
        read-next: the next step reads it
        other-argument: the same instruction declares arguments that are no such thing, or refers to another one

    References:
        https://docs.docker.com/reference/dockerfile/#impact-on-build-caching
        https://github.com/opencontainers/image-spec/blob/main/annotations.md
    """

    id = "late-metadata"
    phase = Phase.CACHE
    after = ("manifests-first",)
    safety = "unsafe"
    mentions = ("build", "commit", "_ref", "_rev", "revision", "sha", "date", "created")

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        for stage in facts.stages.all:
            if not stage.windows:
                # The last first: what is put behind the same step by a later pass stands above it again.
                yield from reversed(list(_for_stage(document, facts, stage)))


def _for_stage(document: Document, facts: Facts, stage: Stage) -> Iterator[Proposal | Refusal]:
    nodes = stage.instructions
    index = 0
    while index < len(nodes):
        node = nodes[index]
        index += 1
        if node.name != "ARG":
            continue
        names = [token.text.partition("=")[0] for token in node.tokens]
        if not any(map(_VOLATILE.match, names)):
            continue
        if not all(map(_VOLATILE.match, names)) or "$" in node.rest:
            if any(other.name == "RUN" for other in nodes[index:]):
                yield Refusal(node, "other-argument", "it declares other arguments too, or refers to one")
            continue
        block = _block(stage, index - 1)
        index += len(block.nodes) - 1
        result = _move(document, facts, block, nodes[index:])
        if result is not None:
            yield result


def _block(stage: Stage, start: int) -> _Block:
    found: list[Instruction] = []
    names: set[str] = set()
    labels: set[str] = set()
    for node in stage.instructions[start:]:
        if node.name == "ARG":
            own = {token.text.partition("=")[0] for token in node.tokens}
            if not all(map(_VOLATILE.match, own)) or "$" in node.rest:
                break
            names |= own
        elif node.name == "LABEL" and _mentions(node, names):
            labels |= {pair.key for pair in node.pairs}
        elif node.name == "ENV" and _mentions(node, names):
            names |= {pair.key for pair in node.pairs}
        else:
            break
        found.append(node)
    return _Block(stage, tuple(found), frozenset(names), frozenset(labels))


def _mentions(node: Instruction, names: set[str] | frozenset[str]) -> bool:
    return any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", node.text) for name in names)


def _move(document: Document, facts: Facts, block: _Block, following: list[Instruction]) -> Proposal | Refusal | None:
    target: Instruction | None = None
    safety = Safety.SAFE
    stop: Refusal | None = None
    passed = Safety.SAFE
    for node in following:
        where = f"line {node.start_line}"
        if _mentions(node, block.names):
            stop = Refusal(block.nodes[0], "read-next", f"{where} reads it")
            break
        if node.name == "LABEL" and block.labels & {pair.key for pair in node.pairs}:
            break
        if node.name in ("ENV", "ARG") and any(_mentions(one, _set_by(node)) for one in block.nodes):
            break
        if node.name != "RUN":
            continue
        view = facts.script(node)
        weight = _weight(view) if view is not None and view.opaque is None else UNKNOWN
        if weight == UNKNOWN:
            stop = Refusal(block.nodes[0], "may-read", f"{where} runs a program that may read it")
            break
        passed = Safety.UNSAFE if weight == MAYBE else passed
        target, safety = node, passed
    if target is None:
        return stop
    return _proposal(document, block, target, safety)


def _set_by(node: Instruction) -> set[str]:
    """The variables an ENV or ARG sets."""
    if node.name == "ENV":
        return {pair.key for pair in node.pairs}
    return {token.text.partition("=")[0] for token in node.tokens}


def _weight(view: ScriptView) -> int:
    """Whether a script may read a variable that it does not name."""
    worst = NO
    for command in view.script.commands:
        call = read_call(command)
        if call is not None:
            worst = max(worst, _call(call))
            continue
        index = unwrap(command)
        if index >= len(command.words):
            continue
        name = base_name(command.words[index].value or "?")
        if name in _TOOLS:
            worst = max(worst, MAYBE if "run" not in command.values else UNKNOWN)
        elif name not in _PLAIN or "/" in (command.words[index].value or ""):
            return UNKNOWN
    return worst if view.script.commands else UNKNOWN


def _call(call: Invocation) -> int:
    name = call.manager.name
    if name in _SYSTEM:
        return NO
    if name == "go":
        download = call.verb == "mod" and any(word.value == "download" for word in call.operands)
        return MAYBE if download else UNKNOWN
    if name in _DEPENDENCIES and (
        call.action in ("install", "upgrade", "clean", "update", "remove") or call.verb == "config"
    ):
        local = any((word.value or ".").startswith((".", "/", "file:")) for word in call.operands)
        editable = call.option("-e", "--editable") is not None
        return UNKNOWN if local or editable else MAYBE
    return UNKNOWN


def _proposal(document: Document, block: _Block, target: Instruction, safety: Safety) -> Proposal:
    nodes = document.nodes
    first, last = nodes.index(block.nodes[0]), nodes.index(block.nodes[-1])
    # A comment above goes along unless it is the heading of more than what moves.
    if last + 1 == len(nodes) or isinstance(nodes[last + 1], Blank):
        while first > 0 and isinstance(nodes[first - 1], Comment):
            first -= 1
    moved: tuple[Node, ...] = nodes[first : last + 1]
    eol = document.eol
    text = "".join(node.text if node.text.endswith("\n") else node.text + eol for node in moved)
    before = nodes[first - 1] if first else None
    after = nodes[last + 1] if last + 1 < len(nodes) else None
    apart = isinstance(after, Blank) and not (
        before is not None and isinstance(before, Instruction) and before.name == "ARG"
    )
    behind = nodes.index(target) + 1
    followed = behind < len(nodes) and isinstance(nodes[behind], Blank)
    if apart or followed:
        text = eol + text + ("" if followed else eol)

    def edit(editor: Editor) -> None:
        for node in moved:
            editor.replace(node, "")
        if isinstance(after, Blank) and (isinstance(before, Blank) or apart):
            editor.remove(after)
        editor.insert_after(target, text)

    names = ", ".join(sorted(block.names))
    return Proposal(
        (*block.nodes, target),
        f"declare {names} below the steps that do not read it",
        edit,
        safety=safety,
        evidence=(f"line {target.start_line}: the last step that does not read it",),
    )
