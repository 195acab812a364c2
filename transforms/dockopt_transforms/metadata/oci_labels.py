"""The labels of the Open Container Initiative, from what the project says about itself."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from dockopt.api import (
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
    Unknown,
    local_sources,
)

if TYPE_CHECKING:
    from dockopt.api import Context

PREFIX = "org.opencontainers.image."
#: In the order they are written; each with other keys under which people say the same.
KEYS: dict[str, tuple[str, ...]] = {
    "title": ("name", "title", "org.label-schema.name"),
    "description": ("description", "org.label-schema.description"),
    "version": ("version", "org.label-schema.version"),
    "licenses": ("license", "licenses", "org.label-schema.license"),
    "source": ("source", "org.label-schema.vcs-url"),
    "authors": ("maintainer", "maintainers", "author", "authors"),
}
#: Instructions that only change the image's configuration: labels go above the last block of them.
_TAIL = frozenset(("EXPOSE", "VOLUME", "HEALTHCHECK", "STOPSIGNAL", "USER", "ENTRYPOINT", "CMD"))
_LAYERS = frozenset(("RUN", "COPY", "ADD", "WORKDIR"))
#: The language of an official image, by the manifest a project of that language has.
_LANGUAGES = {"python": "pyproject.toml", "pypy": "pyproject.toml", "node": "package.json", "rust": "Cargo.toml"}


class OciLabels(Transform):
    """Label the image with title, version, licence, source and authors.

    What:
        Adds ``LABEL org.opencontainers.image.…`` to the final stage: title, description, version, licenses and
        authors as pyproject.toml, package.json or Cargo.toml have them, source as the manifest or the git remote
        has it. Labels that are there, under these keys or under older ones (``maintainer``,
        ``org.label-schema.version``), stay as they are. Nothing is made up: what the project does not say is not
        labelled, nor is a placeholder version (``0.0.0``) or a licence that is no SPDX expression. An address loses
        its credentials. The labels stand at the end, where a new version costs no layer.

    Why:
        Registries, scanners and people tell by these labels what an image is, where its sources are and under which
        licence; without them it carries those of its base image.

    Safety:
        Unsafe: the image's configuration gains labels. No file changes.

    Refuses:
        context-unknown: which folder the image is built from is not known, so neither is the project
        manifest-unreadable: the manifest does not parse, or the ignore file hides it
        several-projects: several manifests describe what is copied, and nothing says which of them the image is
        version-differs: the label and the manifest name different versions, and one of them is out of date

    References:
        https://github.com/opencontainers/image-spec/blob/main/annotations.md
        https://packaging.python.org/en/latest/specifications/pyproject-toml/
        https://docs.npmjs.com/cli/configuring-npm/package-json
        https://doc.rust-lang.org/cargo/reference/manifest.html
    """

    id = "oci-labels"
    phase = Phase.METADATA
    safety = "unsafe"
    mildest = "unsafe"

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        stage = facts.stages.all[-1]
        config = facts.config(stage)
        missing = [key for key, others in KEYS.items() if not _told(config, key, others)]
        version = config.get(f"label:{PREFIX}version", "")
        if not missing and not version.startswith("="):
            return
        context = facts.context
        if isinstance(context, Unknown):
            if missing:
                yield Refusal(stage.from_, "context-unknown", context.reason)
            return
        found = _find(context.value, facts, stage)
        said: dict[str, tuple[str, str]] = {}
        if isinstance(found, _Problem):
            yield Refusal(stage.from_, found.cause, found.reason)
        elif found is not None:
            said = dict(found)
        if "source" not in said and "source" in missing:
            from dockopt.api import remote

            address = remote(context.value.root)
            if isinstance(address, Known):
                said["source"] = (address.value, address.evidence)
        if version.startswith("=") and "version" in said and said["version"][0] != version[1:]:
            where = f"the label says {version[1:]}, {said['version'][1]} says {said['version'][0]}"
            yield Refusal(_setter(stage), "version-differs", where)
        labels = {key: said[key] for key in missing if key in said}
        if labels:
            yield _proposal(document, stage, labels)


class _Problem(NamedTuple):
    cause: str
    reason: str


def _told(config: dict[str, str], key: str, others: tuple[str, ...]) -> bool:
    return f"label:{PREFIX}{key}" in config or any(f"label:{other}" in config for other in others)


def _setter(stage: Stage) -> Instruction:
    """The instruction that sets the version label, in the final stage or one it is built on."""
    for member in stage.chain:
        for node in reversed(member.instructions):
            if node.name == "LABEL" and f"{PREFIX}version" in node.rest:
                return node
    return stage.from_


def _find(context: Context, facts: Facts, stage: Stage) -> dict[str, tuple[str, str]] | _Problem | None:
    """What the manifest of the project the image is made of says; None where there is none."""
    from dockopt_transforms.metadata._project import MANIFESTS, read

    for folders in _folders(context, facts):
        paths = [posixpath.normpath(posixpath.join(folder, name)) for folder in folders for name in MANIFESTS]
        projects: dict[str, dict[str, tuple[str, str]]] = {}
        problem: _Problem | None = None
        for path in paths:
            if not os.path.isfile(context.path(path)):
                continue
            project = read(context, path)
            if isinstance(project, Unknown):
                problem = _Problem("manifest-unreadable", project.reason)
            elif project is not None:
                projects[path] = project.facts
        if len(projects) > 1 and len(folders) == 1:
            own = _LANGUAGES.get((stage.root.base or "").split(":")[0].rsplit("/", 1)[-1])
            projects = {path: said for path, said in projects.items() if path.endswith(own or "")}
        if len(projects) > 1:
            return _Problem("several-projects", f"{' and '.join(projects)} each describe a project")
        if projects:
            return next(iter(projects.values()))
        if problem is not None:
            return problem
    return None


def _folders(context: Context, facts: Facts) -> Iterator[list[str]]:
    """Folders to look for a manifest in, the most telling first; several at once stand on a par.

    A folder counts when COPY takes it, or something in it. Those from the Dockerfile's own upwards come before
    the rest: a Dockerfile lies with the project it is for.
    """
    taken: dict[str, None] = {}
    for source in local_sources(facts):
        matched = context.sources(source)
        for name in matched.value if isinstance(matched, Known) else ():
            taken[name if context.is_dir(name) else posixpath.dirname(name) or "."] = None
    whole = [folder for folder in taken if folder == "."]

    def covered(folder: str) -> bool:
        return folder in taken or bool(whole) or any(folder.startswith(f"{one}/") for one in taken)

    own = os.path.relpath(os.path.dirname(context.dockerfile), context.root).replace(os.sep, "/")
    while own and not own.startswith(".."):
        if covered(own):
            yield [own]
        if own == ".":
            break
        own = posixpath.dirname(own) or "."
    yield [folder for folder in taken if folder != "."]


def _proposal(document: Document, stage: Stage, labels: dict[str, tuple[str, str]]) -> Proposal:
    joint = f" {document.escape}{document.eol}{_indent(document)}"
    pairs = joint.join(f"{PREFIX}{key}={_quoted(value, document.escape)}" for key, (value, _) in labels.items())
    text = f"{document.keyword('LABEL')} {pairs}{document.eol}"
    anchor, below, blank = _place(document, stage)

    def edit(editor: Editor) -> None:
        if below:
            editor.insert_after(anchor, text)
        else:
            editor.insert_before(anchor, text + (document.eol if blank else ""))

    where: dict[str, list[str]] = {}
    for key, (_, evidence) in labels.items():
        where.setdefault(evidence, []).append(key)
    node = next(node for node in (anchor, stage.from_) if isinstance(node, Instruction))
    return Proposal(
        node,
        f"label the image with its {_listed(list(labels))}",
        edit,
        safety=Safety.UNSAFE,
        effects=Effects(config=tuple(f"label:{PREFIX}{key}" for key in labels)),
        evidence=tuple(f"{evidence}: {_listed(keys)}" for evidence, keys in where.items()),
    )


def _place(document: Document, stage: Stage) -> tuple[Node, bool, bool]:
    """The node the labels go next to, whether below it, and whether a blank line follows them."""
    nodes = stage.instructions
    for node in reversed(nodes):
        if node.name == "LABEL":
            return node, True, False
        if node.name in _LAYERS:
            break
    start = len(nodes)
    while start and nodes[start - 1].name in _TAIL:
        start -= 1
    if start == len(nodes):
        return nodes[-1] if nodes else stage.from_, True, False
    index = document.nodes.index(nodes[start])
    first: Node = nodes[start]
    while index and isinstance(document.nodes[index - 1], Comment):
        index -= 1
        first = document.nodes[index]
    return first, False, index > 0 and not isinstance(document.nodes[index - 1], Instruction)


def _indent(document: Document) -> str:
    # merge-label writes the same, so that labels added to labels look like one block.
    return document.indent if document.indent == "\t" or 2 <= len(document.indent) <= 4 else "    "


def _quoted(value: str, escape: str) -> str:
    return '"' + "".join(escape + ch if ch in ('"', "$", escape) else ch for ch in value) + '"'


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
