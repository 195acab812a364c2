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
# What these do takes time: without a call of one, or of a package manager, nothing is gained.
_SLOW = word_set("curl wget docker-php-ext-install pecl add-apt-repository locale-gen apt-key")
NO, MAYBE, UNKNOWN = range(3)


class _Block(NamedTuple):
    """Instructions about what changes with every build: neighbours, and labels a little below that show it."""

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
    instructions = ("ARG",)
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
            own = _set_by(node)
            if "$" in node.rest or not (all(map(_VOLATILE.match, own)) or _shown_beside(stage, node, names)):
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


def _shown_beside(stage: Stage, node: Instruction, names: set[str]) -> bool:
    """Whether nothing but a LABEL that shows what moves shows the argument too: the version beside the date."""
    own = _set_by(node)
    after = stage.instructions[stage.instructions.index(node) + 1 :]
    readers = [other for other in after if _mentions(other, own)]
    return bool(readers) and all(other.name == "LABEL" and _mentions(other, names) for other in readers)


def _mentions(node: Instruction, names: set[str] | frozenset[str]) -> bool:
    text = node.text
    return any(name in text and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) for name in names)


def _move(document: Document, facts: Facts, block: _Block, following: list[Instruction]) -> Proposal | Refusal | None:
    target: Instruction | None = None
    safety = Safety.SAFE
    stop: Refusal | None = None
    passed = Safety.SAFE
    worth = False
    for node in following:
        where = f"line {node.start_line}"
        if target is None and node.name in ("LABEL", "ENV") and _mentions(node, block.names):
            keys = frozenset(pair.key for pair in node.pairs)
            names, labels = (
                (block.names, block.labels | keys) if node.name == "LABEL" else (block.names | keys, block.labels)
            )
            block = _Block(block.stage, (*block.nodes, node), names, labels)
            continue
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
        worth = worth or (view is not None and _is_slow(view))
    if target is None or not worth:
        return stop
    return _proposal(document, block, target, safety)


def _is_slow(view: ScriptView) -> bool:
    return any(
        read_call(command) is not None
        or base_name(command.words[index].value or "" if (index := unwrap(command)) < len(command.words) else "")
        in _SLOW
        for command in view.script.commands
    )


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


def _is_about(comment: str, block: _Block) -> bool:
    """Whether a comment is about what an argument of the block says: ``# the commit`` above ``GIT_COMMIT``."""
    names = block.names
    words = set(re.findall(r"[a-z]+", comment.lower()))
    return any(name.lower().rsplit("_", 1)[-1] in words for name in names)


def _proposal(document: Document, block: _Block, target: Instruction, safety: Safety) -> Proposal:
    nodes, eol = document.nodes, document.eol
    pieces = [_with_comments(nodes, first, last, block) for first, last in _runs(nodes, block)]
    text = ""
    for piece in pieces:
        own = "".join(node.text if node.text.endswith("\n") else node.text + eol for node in piece)
        gap = isinstance(piece[0], Comment) or isinstance(nodes[nodes.index(piece[0]) - 1], Blank)
        text += (eol if text and gap else "") + own
    last = nodes.index(pieces[-1][-1])
    apart = last + 1 < len(nodes) and isinstance(nodes[last + 1], Blank)
    behind = nodes.index(target) + 1
    place: Node = target
    if behind < len(nodes) and isinstance(blank_line := nodes[behind], Blank):
        following = nodes[behind + 1] if behind + 1 < len(nodes) else None
        if isinstance(following, Instruction) and following.name == "ARG":
            place = blank_line  # one group with the arguments there
        else:
            text = eol + text
    elif apart:
        text = eol + text + (eol if behind < len(nodes) else "")
    # Of two blank lines that now meet, and of one that set apart only what moved, none is left.
    spare = [blank for piece in pieces if (blank := _spare(nodes, piece)) is not None and blank is not place]

    def edit(editor: Editor) -> None:
        for piece in pieces:
            for node in piece:
                editor.replace(node, "")
        for blank in spare:
            editor.remove(blank)
        editor.insert_after(place, text)

    names = ", ".join(sorted(block.names))
    return Proposal(
        (*block.nodes, target),
        f"declare {names} below the steps that do not read it",
        edit,
        safety=safety,
        evidence=(f"line {target.start_line}: the last step that does not read it",),
    )


def _runs(nodes: tuple[Node, ...], block: _Block) -> list[tuple[int, int]]:
    """The block's instructions as ranges of neighbours."""
    found: list[tuple[int, int]] = []
    for node in block.nodes:
        index = nodes.index(node)
        if found and found[-1][1] == index - 1:
            found[-1] = (found[-1][0], index)
        else:
            found.append((index, index))
    return found


def _with_comments(nodes: tuple[Node, ...], first: int, last: int, block: _Block) -> tuple[Node, ...]:
    """Neighbours with the comments above them, unless these are the heading of more than what moves."""
    below = nodes[last + 1] if last + 1 < len(nodes) else None
    # A heading above arguments is that of the arguments, when something else follows without a gap.
    whole = not isinstance(below, Instruction) or below.name not in ("ARG", "ENV", "LABEL")
    while first > 0 and isinstance(above := nodes[first - 1], Comment) and (whole or _is_about(above.text, block)):
        first -= 1
    return nodes[first : last + 1]


def _spare(nodes: tuple[Node, ...], piece: tuple[Node, ...]) -> Node | None:
    """The blank line below what is taken out, where it stands for nothing any more."""
    first, last = nodes.index(piece[0]), nodes.index(piece[-1])
    before = nodes[first - 1] if first else None
    after = nodes[last + 1] if last + 1 < len(nodes) else None
    if not isinstance(after, Blank):
        return None
    kept_together = isinstance(before, Instruction) and before.name == "ARG"
    return after if isinstance(before, Blank) or not kept_together else None
