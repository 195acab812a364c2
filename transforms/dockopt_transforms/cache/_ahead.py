"""Dependencies before sources, where one call installs them and works on the sources."""

from __future__ import annotations

import posixpath
import re
from typing import NamedTuple

from dockopt.api import (
    Blank,
    Command,
    Comment,
    Context,
    Document,
    Editor,
    Effects,
    Facts,
    Instruction,
    Known,
    Node,
    Proposal,
    Refusal,
    Safety,
    ScriptView,
    Stage,
    Unknown,
    expand_known,
    operator_break,
)
from dockopt_transforms.cache._cut import cut, drop, takes_back
from dockopt_transforms.cache._installs import Stop
from dockopt_transforms.cache._project_files import Manifests, manifests_of
from dockopt_transforms.cache._projects import Install, independent, installs, working_directory
from dockopt_transforms.packages._cleanup import removes

_KEPT_FLAGS = frozenset(("chown", "chmod", "link"))
# They change nothing that a COPY below instead of above them would notice.
_PASSED = frozenset(
    ("ENV", "ARG", "LABEL", "EXPOSE", "SHELL", "STOPSIGNAL", "HEALTHCHECK", "CMD", "ENTRYPOINT", "USER")
)
_PLAIN = re.compile(r"[\w./+@-]+\Z")
#: What is installed stays in these, so that an image whose RUN empties them must not get a layer that holds them.
_CACHES = {
    "go": ("/go/pkg/mod", "~/go/pkg/mod"),
    "cargo": ("/usr/local/cargo/registry", "~/.cargo/registry"),
    "maven": ("~/.m2/repository", "~/.m2"),
    "gradle": ("~/.gradle/caches", "~/.gradle"),
    "dotnet": ("~/.nuget/packages", "~/.nuget"),
}
_WIDTH = 100
_WIDEST = 8  #: a deeper indent is an alignment


class _Broad(NamedTuple):
    """A COPY of a whole folder of the build context."""

    node: Instruction
    stage: Stage
    source: str  #: in the context
    target: str  #: absolute, in the image
    written: str  #: the target as the file writes it, for files to be put in it


def ahead(document: Document, facts: Facts, stage: Stage, node: Instruction) -> Proposal | Refusal | None:
    """What can be said of a COPY of a whole folder and the first call behind it that works on a project there.

    :param node: a COPY or ADD with one source.
    """
    context = facts.context
    name = posixpath.basename(node.args[0].rstrip("/"))
    file = context.value.is_file(node.args[0]) if isinstance(context, Known) else "." in name.strip(".")
    if file:
        return None
    nodes = stage.instructions
    at = nodes.index(node)
    done = {install.tool for other in nodes[:at] if other.name == "RUN" for install in _installs(facts, other)}
    for other in nodes[at + 1 :]:
        if other.name != "RUN":
            continue
        for install in _installs(facts, other):
            if install.tool not in done:
                return _propose(document, facts, node, install)
    return None


def _stub_in_the_way(copy: _Broad) -> bool:
    """Whether an earlier step may have made the folder that Cargo's stub is to be in."""
    for node in copy.stage.instructions:
        if node is copy.node:
            return False
        if node.name in ("COPY", "ADD") and not (
            node.args and node.args[-1].startswith(("/usr", "/bin", "/root", "/etc"))
        ):
            return True
        if node.name == "RUN" and re.search(r"\bsrc\b|\bcargo\s+(?!install)", node.rest):
            return True
    return False


def _installs(facts: Facts, node: Instruction) -> list[Install]:
    view = facts.script(node)
    bound = any(flag.name == "mount" and "type=cache" not in (flag.value or "") for flag in node.flags)
    return installs(view) if view is not None and view.opaque is None and not bound else []


def _propose(document: Document, facts: Facts, node: Instruction, install: Install) -> Proposal | Refusal | None:
    copy = _read(facts, node)
    where = working_directory(facts, install)
    if copy is None or where is None:
        return Refusal(node, "place-unknown", f"where the sources are copied to, or {install.tool} runs, is not known")
    if not (where == copy.target or where.startswith(copy.target.rstrip("/") + "/")):
        return None
    context = facts.context
    if isinstance(context, Unknown):
        return Refusal(node, "context-unknown", context.reason)
    if not context.value.is_dir(copy.source):
        return Refusal(node, "context-unknown", f"{copy.source} is no folder of the build context")
    root = posixpath.normpath(posixpath.join(copy.source, posixpath.relpath(where, copy.target)))
    found = manifests_of(facts, context.value, install, root)
    if found is None:
        return None
    if isinstance(found, Stop):
        return Refusal(node, *found)
    if not found.files or not all(_PLAIN.match(name) for name in found.files):
        return Refusal(node, "manifest-missing", f"no manifest of {install.tool} is in {root}")
    if install.tool == "cargo" and _stub_in_the_way(copy):
        return Refusal(node, "run-between", "an earlier step may have made the folder src")
    return _Plan(document, facts, context.value, copy, install, found, where, root).result()


def _read(facts: Facts, node: Instruction) -> _Broad | None:
    stage = facts.stages.of(node)
    state = facts.state(node)
    source, target = (expand_known(word, state.env, node.escape) for word in node.args)
    if stage is None or source is None or target is None:
        return None
    if not target.startswith("/"):
        if not isinstance(state.workdir, Known):
            return None
        target = posixpath.join(state.workdir.value, target)
    written = node.args[1]
    if written in (".", "./"):
        written = "./"
    elif not written.endswith("/"):
        written += "/"
    return _Broad(node, stage, posixpath.normpath(source.lstrip("/") or "."), posixpath.normpath(target), written)


class _Plan:
    """One install that is to come before one copy."""

    def __init__(
        self,
        document: Document,
        facts: Facts,
        context: Context,
        copy: _Broad,
        install: Install,
        manifests: Manifests,
        where: str,
        root: str,
    ) -> None:
        self.document = document
        self.facts = facts
        self.context = context
        self.copy = copy
        self.install = install
        self.manifests = manifests
        self.where = where
        self.root = root
        self.run = install.view.instruction
        nodes = copy.stage.instructions
        self.between = nodes[nodes.index(copy.node) + 1 : nodes.index(self.run)]

    def result(self) -> Proposal | Refusal:
        node = self.copy.node
        if any(flag.name not in _KEPT_FLAGS for flag in node.flags):
            return self._refuse("place", "flags of the copy decide what it copies")
        problem = self._in_the_way()
        if problem is not None:
            return self._refuse(*problem)
        if self.manifests.early and self._emptied():
            return self._refuse(
                "keeps-cache", f"the RUN empties the cache of {self.install.tool}, which a layer of its own would keep"
            )
        if self.manifests.early:
            return self._add()
        return self._move()

    def _refuse(self, cause: str, reason: str) -> Refusal:
        return Refusal(self.copy.node, cause, reason)

    def _emptied(self) -> bool:
        """Whether the RUN empties the cache that an image made of this stage must not have."""
        caches = _CACHES.get(self.install.tool)
        if caches is None or not self.facts.stages.ships(self.copy.stage):
            return False
        cleaning = {id(call.command) for call in self.install.view.invocations if call.action == "clean"}
        return any(id(one) in cleaning or removes(one, caches) for one in self.install.view.commands)

    def _in_the_way(self) -> Stop | None:
        """What keeps the copy from standing right before the install."""
        relative = not self.copy.node.args[1].startswith("/")
        for node in self.between:
            line = f"line {node.start_line}"
            if node.name == "RUN":
                view = self.facts.script(node)
                if view is None or view.opaque is not None or not _independent(view, len(view.script.items)):
                    return Stop("run-between", f"{line} may read the sources")
            elif node.name in ("COPY", "ADD"):
                if self._overlaps(node):
                    return Stop("run-between", f"{line} copies into the same folder")
            elif node.name == "WORKDIR":
                if relative:
                    return Stop("place", f"{line} moves to another folder than the copy is relative to")
            elif node.name in ("ENV", "ARG"):
                if "$" in self.copy.node.line:
                    return Stop("place", f"{line} may set what the copy uses")
            elif node.name not in _PASSED:
                return Stop("run-between", f"{line} may depend on the sources")
        return None

    def _overlaps(self, node: Instruction) -> bool:
        state = self.facts.state(node)
        words = node.args
        target = expand_known(words[-1], state.env, node.escape) if words else None
        if target is None or not (target.startswith("/") or isinstance(state.workdir, Known)):
            return True
        base = state.workdir.value if isinstance(state.workdir, Known) else "/"
        path = posixpath.normpath(posixpath.join(base, target))
        own = self.copy.target
        return path == own or path.startswith(own.rstrip("/") + "/") or own.startswith(path.rstrip("/") + "/")

    def _copied(self) -> str:
        """The COPY lines for the manifests that no earlier COPY brings."""
        folders: dict[str, list[str]] = {}
        for name in self.manifests.files:
            if not self._there(name):
                folders.setdefault(posixpath.dirname(name) or ".", []).append(name)
        flags = "".join(f"{flag.text} " for flag in self.copy.node.flags)
        lines = []
        for folder, names in folders.items():
            inner = posixpath.relpath(folder, self.copy.source)
            target = self.copy.written if inner == "." else f"{self.copy.written}{inner}/"
            lines.append(f"{self.document.keyword('COPY')} {flags}{' '.join(names)} {target}{self.document.eol}")
        return "".join(lines)

    def _there(self, name: str) -> bool:
        """Whether a COPY before this one puts a manifest where it belongs already."""
        wanted = posixpath.normpath(posixpath.join(self.copy.target, posixpath.relpath(name, self.copy.source)))
        for node in self.copy.stage.instructions:
            if node is self.copy.node:
                return False
            if node.name != "COPY" or node.flag("from") is not None or name not in node.args[:-1]:
                continue
            state = self.facts.state(node)
            target = expand_known(node.args[-1], state.env, node.escape)
            if target is None or not (target.startswith("/") or isinstance(state.workdir, Known)):
                continue
            base = state.workdir.value if isinstance(state.workdir, Known) else "/"
            path = posixpath.join(base, target)
            folder = target.endswith("/") or target in (".", "..") or len(node.args) > 2
            if posixpath.normpath(posixpath.join(path, posixpath.basename(name)) if folder else path) == wanted:
                return True
        return False

    def _add(self) -> Proposal | Refusal:
        """Put a call for the dependencies alone before the copy."""
        view, run, eol = self.install.view, self.run, self.document.eol
        if self.where == "/":
            return self._refuse("place-unknown", "the project is the root folder of the image")
        item = self.install.item
        ships = self.facts.stages.ships(self.copy.stage)
        before = [command for command in view.script.commands if command.item < item]
        if not _independent(view, item):
            return self._refuse("reads-sources", f"the RUN does other work before {self.install.tool} is called")
        split: tuple[str, str] | None = None
        if any(command.name not in ("cd", "set") for command in before):
            split = cut(self.document, view, item - 1)
            if split is None or (ships and takes_back(view, item)):
                return self._refuse("reads-sources", f"the RUN does other work before {self.install.tool} is called")
        if ships and takes_back(view, item):
            return self._refuse("keeps-cache", "the RUN removes files that a layer of its own would keep")
        early = self._copied() + self._early()
        gap = eol if self._spaced() else ""
        node, comments = self.copy.node, _comments_above(self.document, self.copy.node)
        stays = not self.between and split is None
        above = (*comments, node) if stays else (*_comments_above(self.document, run), run)
        body = "".join(comment.text for comment in comments) + node.text

        def edit(editor: Editor) -> None:
            if stays:
                editor.insert_before(above[0], early + gap)
                return
            text = early + gap + body + gap
            if split is not None:
                text = split[0] + gap + text
                editor.replace(run, split[1])
            editor.insert_before(above[0], text)
            for comment in comments:
                editor.remove(comment)
            drop(editor, node)

        return Proposal(
            (node, run, *comments),
            f"install the dependencies of {self.install.tool} before the sources are copied",
            edit,
            safety=Safety.UNSAFE,
            effects=Effects(layers=len(early.splitlines()) + (split is not None), files_added=("/**",)),
            evidence=(self.context.evidence, self.manifests.evidence),
        )

    def _early(self) -> str:
        """The RUN that installs the dependencies alone, with the mounts of the one that needs them."""
        keyword, eol = self.document.keyword("RUN"), self.document.eol
        flags = "".join(f"{flag.text} " for flag in self.run.flags)
        commands = list(self.manifests.early)
        state = self.facts.state(self.run).workdir
        # A call that names its folder names it relative to where it runs.
        place = posixpath.normpath(posixpath.join(self.where, _up(self.install.folder)))
        if not isinstance(state, Known) or state.value != place:
            commands.insert(0, f"cd {place}")
        line = f"{keyword} {flags}{' && '.join(commands)}"
        if len(line) > _WIDTH:
            joint = operator_break(self.document)
            if len(self.document.indent.expandtabs(4)) > _WIDEST:
                joint = f" && {self.document.escape}{eol}    "
            line = f"{keyword} {flags}{joint.join(commands)}"
        return line + eol

    def _move(self) -> Proposal | Refusal:
        view, install = self.install.view, self.install
        # The manifests may say that a call which could do more installs the dependencies alone.
        cleared = bool(install.early)
        calls = [one for one in installs(view) if one.tool == install.tool and (cleared or not one.early)]
        last = max(one.item for one in calls)
        if not _independent(view, last + 1, [one.command for one in calls if one.problem is None]):
            return self._refuse("reads-sources", f"the RUN does other work before {install.tool} is called")
        whole = all(independent(view, command) for command in view.script.commands if command.item > last)
        split: tuple[str, str] | None = None
        if not whole:
            split = cut(self.document, view, last)
            if split is None or (self.facts.stages.ships(self.copy.stage) and takes_back(view, last + 1)):
                return self._refuse("reads-sources", "the RUN installs and builds, and cannot be cut in two")
        for output in install.outputs:
            path = posixpath.normpath(posixpath.join(self.root, output))
            if output.startswith("/") or path.startswith("..") or self.context.ignore.match(path):
                continue
            if self.context.exists(path):
                return self._refuse(
                    "installed-in-context", f"the build context holds {path}, which would be copied over it"
                )
        return self._moved(split)

    def _moved(self, split: tuple[str, str] | None) -> Proposal:
        copied, node, run = self._copied(), self.copy.node, self.run
        comments = _comments_above(self.document, self.copy.node)
        body = "".join(comment.text for comment in comments) + node.text
        if not body.endswith("\n"):
            body += self.document.eol
        gap = self.document.eol if self._spaced() else ""

        def edit(editor: Editor) -> None:
            for comment in comments:
                editor.remove(comment)
            text = gap + body
            if split is not None:
                editor.replace(run, split[0])
                text += gap + split[1]
            editor.insert_after(run, text)
            if copied:
                editor.replace(node, copied)
            else:
                drop(editor, node)

        return Proposal(
            (node, run, *comments),
            f"copy the manifests and run {self.install.tool} before the sources are copied",
            edit,
            safety=Safety.UNSAFE,
            effects=Effects(layers=len(copied.splitlines()) + (split is not None)),
            evidence=(self.context.evidence, self.manifests.evidence),
        )

    def _spaced(self) -> bool:
        """Whether a blank line stands between the copy and what follows it."""
        nodes: tuple[Node, ...] = self.document.nodes
        index = nodes.index(self.copy.node)
        return index + 1 < len(nodes) and isinstance(nodes[index + 1], Blank)


def _comments_above(document: Document, node: Instruction) -> list[Node]:
    """The comment lines right above an instruction: they describe it and go along."""
    nodes = document.nodes
    index = nodes.index(node)
    start = index
    while start > 0 and isinstance(nodes[start - 1], Comment):
        start -= 1
    return list(nodes[start:index])


def _up(folder: str) -> str:
    """The way back from a folder: ``a/b`` gives ``../..``."""
    return posixpath.relpath(".", folder)


def _independent(view: ScriptView, items: int, calls: list[Command] | None = None) -> bool:
    """Whether the first elements of a script read nothing of the sources, but through the ``calls``."""
    return all(
        command.item >= items or independent(view, command) or any(one is command for one in calls or ())
        for command in view.script.commands
    )
