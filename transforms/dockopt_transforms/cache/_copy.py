"""A COPY of a whole folder, and the copies of single files that take its place."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, NamedTuple

from dockopt.api import Blank, Comment, Document, Facts, Instruction, Known, Node, Stage, expand_known, is_system
from dockopt_transforms._tables import word_set
from dockopt_transforms.cache._installs import Stop, leaves, overlap

if TYPE_CHECKING:
    from dockopt.api import Context

_KEPT_FLAGS = ("chown", "chmod", "link")
_PLAIN = re.compile(r"[\w./+@-]+\Z")
_PLACE = re.compile(r"[\w./+@${}:-]+\Z")
_VARIABLE = re.compile(r"\$\{?(\w+)\}?")
# The folders of /usr that packages fill; another one there is the image's own.
_FILLED = word_set("bin sbin lib lib32 lib64 libexec libx32 include share local games")


class Sources(NamedTuple):
    """A COPY or ADD of a whole folder of the build context."""

    node: Instruction
    stage: Stage
    source: str  #: the folder in the context, normalised
    target: str  #: absolute, in the image


def is_whole(node: Instruction) -> bool:
    """Whether a COPY or ADD may take a folder of the build context as a whole."""
    if node.name not in ("COPY", "ADD") or len(node.args) != 2 or node.heredocs:
        return False
    source = node.args[0]
    if "://" in source or source.startswith("git@") or any(ch in source for ch in "*?["):
        return False
    return all(flag.name in _KEPT_FLAGS for flag in node.flags)


def bad_place(target: str, *, named: bool) -> Stop | None:
    """Why an install may not run before the sources come to the absolute path ``target``.

    :param named: whether packages of the distribution are installed too: their files go anywhere.
    """
    parts = target.strip("/").split("/")
    home = target == "/root" or posixpath.dirname(target) == "/home"
    own = parts[0] == "usr" and len(parts) > 1 and parts[1] not in _FILLED
    web = parts[:2] in (["var", "www"], ["var", "task"]) and not named
    if home or target in ("/go", "/tmp") or (not (own or web) and (parts[0] == "var" or is_system(target))):
        return Stop("place", f"the sources are copied to {target}, where an install may write or read as well")
    return None


def odd_name(sources: Sources, files: tuple[str, ...]) -> str | None:
    """The first name that cannot stand in a COPY as it is."""
    odd = next((name for name in files if not _PLAIN.match(name)), None)
    return odd if odd is not None or _PLACE.match(sources.node.args[1]) else sources.node.args[1]


def variables_below(facts: Facts, sources: Sources, run: Instruction) -> list[tuple[str, str]]:
    """The variables a step sees that name something below where the sources are copied to, and what they name."""
    state = facts.state(run)
    values = {name: value for name, value in state.env.items() if value is not None}
    for stage in sources.stage.chain:
        for node in stage.instructions:
            if node.name == "ENV":
                for pair in node.pairs:
                    # What is known of a value with a variable in it: PATH, where the base image's is not.
                    values.setdefault(pair.key, _VARIABLE.sub(lambda at: values.get(at[1], at[0]), pair.value))
    prefix = sources.target.rstrip("/") + "/"
    return [
        (name, part)
        for name, value in values.items()
        if prefix in value and name != "PYTHONPATH"
        for part in re.split(r"[:;,=\s\"']", value)
        if part.startswith(prefix)
    ]


def names_sources(facts: Facts, context: Context, sources: Sources, run: Instruction) -> Stop | None:
    """The variable by which an install reads something of the sources."""
    prefix = sources.target.rstrip("/") + "/"
    for name, part in variables_below(facts, sources, run):
        if context.exists(posixpath.normpath(posixpath.join(sources.source, part[len(prefix) :]))):
            return Stop("place", f"{name} names {part}, which is one of the sources")
    return None


def landing(sources: Sources, name: str) -> str:
    """Where a file of the copied folder comes to lie in the image."""
    return posixpath.join(sources.target, posixpath.relpath(name, sources.source))


def target_of(facts: Facts, node: Instruction) -> str | None:
    """The absolute path a COPY or ADD writes to; None where it is not known."""
    state = facts.state(node)
    written = expand_known(node.args[-1], state.env, node.escape) if node.args else None
    if written is None:
        return None
    if written.startswith("/"):
        return posixpath.normpath(written)
    return (
        posixpath.normpath(posixpath.join(state.workdir.value, written)) if isinstance(state.workdir, Known) else None
    )


def is_there(facts: Facts, context: Context, sources: Sources, name: str) -> bool:
    """Whether an earlier COPY put a file where it is read, and nothing since may have changed it."""
    place = landing(sources, name)
    nodes = sources.stage.instructions
    for node in reversed(nodes[: nodes.index(sources.node)]):
        if node.name == "RUN":
            view = facts.script(node)
            if view is None or not leaves(facts, view, place):
                return False
        elif node.name in ("COPY", "ADD"):
            put = _put(facts, context, node, place)
            if put is None or put == name:
                return put is not None
            if put:
                return False
    return False


def _put(facts: Facts, context: Context, node: Instruction, place: str) -> str | None:
    """The context's name of the file a COPY or ADD puts at an absolute path; empty for none, None where unknown."""
    target = target_of(facts, node)
    if target is None:
        return None
    if not overlap(target, place):
        return ""
    if node.flag("from") is not None or node.heredocs or len(node.args) < 2:
        return None
    state = facts.state(node)
    written = node.args[-1]
    folder = len(node.args) > 2 or written.endswith("/") or posixpath.basename(written) in (".", "..")
    # The working directory is a folder, with or without a slash behind it, and so is what it is in.
    folder = folder or (isinstance(state.workdir, Known) and f"{state.workdir.value}/".startswith(f"{target}/"))
    found = ""
    for word in node.args[:-1]:
        source = expand_known(word, state.env, node.escape)
        matched = context.sources(source) if source is not None else None
        if not isinstance(matched, Known):
            return None
        for name in matched.value:
            if context.is_dir(name):
                inner = posixpath.normpath(posixpath.join(name, posixpath.relpath(place, target)))
                found = inner if context.is_file(inner) else found
            elif (posixpath.join(target, posixpath.basename(name)) if folder else target) == place:
                found = name
    return found


def copies(document: Document, sources: Sources, names: list[str]) -> list[str]:
    """One COPY, without its line end, for the files of each folder."""
    folders: dict[str, list[str]] = {}
    for name in names:
        folders.setdefault(posixpath.dirname(posixpath.relpath(name, sources.source)), []).append(name)
    node, stage = sources.node, sources.stage
    flags = "".join(f"{flag.text} " for flag in node.flags)
    written = node.args[1]
    if not any(other.name == "WORKDIR" for member in stage.chain for other in member.instructions):
        written = sources.target
    here = written in (".", "./")
    found: list[str] = []
    for folder, own in folders.items():
        target = written if here else written.rstrip("/") + "/"
        if folder:
            target = ("" if here else target) + folder + "/"
        elif target == "." and len(own) > 1:
            target = "./"
        found.append(f"{document.keyword('COPY')} {flags}{' '.join(own)} {target}")
    return found


def is_made(facts: Facts, sources: Sources) -> bool:
    """Whether the folder the sources are copied to is there before: by WORKDIR, for one."""
    workdir = facts.state(sources.node).workdir
    return isinstance(workdir, Known) and (workdir.value + "/").startswith(sources.target + "/")


def may_sink(facts: Facts, sources: Sources, between: list[Instruction]) -> bool:
    """Whether the first COPY of a file of the sources may stand below the instructions that follow.

    Where the copy makes the folder, it belongs to whom ``--chown`` names; a WORKDIR before it gives it to USER.
    """
    if is_made(facts, sources) or not any(other.name == "WORKDIR" for other in between):
        return True
    user = facts.state(sources.node).user
    return sources.node.flag("chown") is None and isinstance(user, Known) and user.value in ("root", "0", "")


def comments_above(document: Document, node: Instruction) -> list[Node]:
    """The comment lines right above an instruction: they describe it and go along."""
    nodes = document.nodes
    index = nodes.index(node)
    start = index
    while start and isinstance(nodes[start - 1], Comment):
        start -= 1
    return list(nodes[start:index])


def spaced(document: Document, node: Instruction) -> bool:
    """Whether a blank line stands right below an instruction."""
    nodes = document.nodes
    index = nodes.index(node)
    return index + 1 < len(nodes) and isinstance(nodes[index + 1], Blank)
