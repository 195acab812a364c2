"""Dependencies before sources, for tools that read a whole project: Poetry, uv, Cargo, Maven …"""

from __future__ import annotations

import posixpath
import re
from typing import NamedTuple

from dockopt.api import (
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
from dockopt_transforms.cache._copy import (
    Sources,
    bad_place,
    comments_above,
    copies,
    is_there,
    may_sink,
    names_sources,
    odd_name,
    spaced,
    target_of,
)
from dockopt_transforms.cache._cut import cut, drop, takes_back
from dockopt_transforms.cache._installs import Stop, apart, overlap
from dockopt_transforms.cache._project_files import Manifests, manifests_of
from dockopt_transforms.cache._projects import Calls, Install, installs, working_directory
from dockopt_transforms.packages._cleanup import mounted, removes

# They change nothing that a COPY below instead of above them would notice.
_PASSED = frozenset(
    ("ENV", "ARG", "LABEL", "EXPOSE", "SHELL", "STOPSIGNAL", "HEALTHCHECK", "CMD", "ENTRYPOINT", "USER")
)
#: What is installed stays in these: an image whose RUN empties them must not get a layer that holds them, and where
#: a cache is mounted over one, a call for the dependencies alone leaves nothing in its layer.
_CACHES = {
    "go": ("/go/pkg/mod", "~/go/pkg/mod"),
    "cargo": ("/usr/local/cargo/registry", "~/.cargo/registry"),
    "maven": ("~/.m2/repository", "~/.m2"),
    "gradle": ("~/.gradle/caches", "~/.gradle"),
    "dotnet": ("~/.nuget/packages", "~/.nuget"),
}
_WIDTH = 100
_WIDEST = 8  #: a deeper indent is an alignment


def ahead(document: Document, facts: Facts, stage: Stage, node: Instruction, calls: Calls) -> Proposal | Refusal | None:
    """What can be said of a COPY of a whole folder and the first call behind it that works on a project there.

    :param node: a COPY or ADD with one source.
    """
    for install in calls.behind:
        if install.tool not in calls.done:
            return _for_install(document, facts, stage, node, install)
    return None


def _for_install(
    document: Document, facts: Facts, stage: Stage, node: Instruction, install: Install
) -> Proposal | Refusal | None:
    context = facts.context
    source = expand_known(node.args[0], facts.state(node).env, node.escape)
    target = target_of(facts, node)
    where = working_directory(facts, install)
    if source is None or target is None or where is None:
        return Refusal(node, "place-unknown", f"where the sources are copied to, or {install.tool} runs, is not known")
    if not (where == target or where.startswith(target.rstrip("/") + "/")):
        return None
    if isinstance(context, Unknown):
        named = "." in posixpath.basename(source.rstrip("/")).strip(".")
        return None if named else Refusal(node, "context-unknown", context.reason)
    sources = Sources(node, stage, posixpath.normpath(source.lstrip("/") or "."), target)
    if context.value.is_file(sources.source):
        return None
    if not context.value.is_dir(sources.source):
        return Refusal(node, "context-unknown", f"{source} is no folder of the build context")
    root = posixpath.normpath(posixpath.join(sources.source, posixpath.relpath(where, target)))
    found = manifests_of(facts, context.value, install, root, sources.source)
    if found is None or (found is not None and not isinstance(found, Stop) and found.early and _mounted(install)):
        return None
    if isinstance(found, Stop):
        return Refusal(node, *found)
    odd = odd_name(sources, found.files)
    if odd is not None:
        return Refusal(node, "odd-name", f"{odd!r} cannot be written in a COPY as it is")
    stop = bad_place(target, named=False) or names_sources(facts, context.value, sources, install.view.instruction)
    if stop is not None:
        return Refusal(node, *stop)
    if install.tool == "cargo" and _stub_in_the_way(sources):
        return Refusal(node, "run-between", "an earlier step may have made the folder src")
    return _Plan(document, facts, context.value, sources, install, found, where, root).result()


def _mounted(install: Install) -> bool:
    """Whether a cache is mounted where the tool keeps what it downloads or makes."""
    # What Cargo downloads is little beside what it compiles.
    caches = ("~/target",) if install.tool == "cargo" else _CACHES.get(install.tool, ())
    return mounted(install.view.instruction, caches)


def _stub_in_the_way(sources: Sources) -> bool:
    """Whether an earlier step may have made the folder that Cargo's stub is to be in."""
    for stage in sources.stage.chain:
        for node in stage.instructions:
            if node is sources.node:
                break
            if node.name in ("COPY", "ADD") and not (
                node.args and node.args[-1].startswith(("/usr", "/bin", "/root", "/etc"))
            ):
                return True
            if node.name == "RUN" and re.search(r"\bsrc\b|\bcargo\s+(?!install)", node.rest):
                return True
    return False


class _Plan(NamedTuple):
    """One install that is to come before one copy."""

    document: Document
    facts: Facts
    context: Context
    sources: Sources
    install: Install
    manifests: Manifests
    where: str  #: where the install runs in the image
    root: str  #: the same folder in the context

    @property
    def run(self) -> Instruction:
        return self.install.view.instruction

    @property
    def between(self) -> list[Instruction]:
        nodes = self.sources.stage.instructions
        return nodes[nodes.index(self.sources.node) + 1 : nodes.index(self.run)]

    @property
    def ships(self) -> bool:
        return self.facts.stages.ships(self.sources.stage)

    def result(self) -> Proposal | Refusal:
        problem = self._in_the_way() or self._filled()
        if problem is not None:
            return self._refuse(*problem)
        if self.manifests.early and self._emptied():
            return self._refuse(
                "keeps-cache", f"the RUN empties the cache of {self.install.tool}, which a layer of its own would keep"
            )
        return self._add() if self.manifests.early else self._move()

    def _refuse(self, cause: str, reason: str) -> Refusal:
        return Refusal(self.sources.node, cause, reason)

    def _emptied(self) -> bool:
        """Whether the RUN empties the cache that an image made of this stage must not have."""
        caches = _CACHES.get(self.install.tool)
        if caches is None or not self.ships:
            return False
        cleaning = {id(call.command) for call in self.install.view.invocations if call.action == "clean"}
        return any(id(one) in cleaning or removes(one, caches) for one in self.install.view.commands)

    def _in_the_way(self) -> Stop | None:
        """What keeps the copy from standing right before the install."""
        node = self.sources.node
        relative = not node.args[1].startswith("/")
        for other in self.between:
            line = f"line {other.start_line}"
            if other.name == "RUN":
                view = self.facts.script(other)
                if view is None or view.opaque is not None or not self._apart(view, len(view.script.items)):
                    return Stop("run-between", f"{line} may read or change the sources")
            elif other.name in ("COPY", "ADD"):
                target = target_of(self.facts, other)
                if target is None or overlap(target, self.sources.target):
                    return Stop("run-between", f"{line} copies into the same folder")
            elif other.name == "WORKDIR":
                if relative:
                    return Stop("place", f"{line} moves to another folder than the copy is relative to")
            elif other.name in ("ENV", "ARG"):
                if "$" in node.line:
                    return Stop("place", f"{line} may set what the copy uses")
            elif other.name not in _PASSED:
                return Stop("run-between", f"{line} may depend on the sources")
        return None

    def _filled(self) -> Stop | None:
        """What the install makes and the copy, coming after it, would cover."""
        for output in self.install.outputs:
            path = posixpath.normpath(posixpath.join(self.root, output))
            if self.context.exists(path):
                return Stop(
                    "installed-in-context", f"{path} of the build context would be copied over what is installed"
                )
        return None

    def _apart(self, view: ScriptView, items: int, calls: tuple[int, ...] = ()) -> bool:
        """Whether the first elements of a script do nothing with the sources, but through the commands ``calls``."""
        return all(
            command.item >= items
            or id(command) in calls
            or apart(self.facts, view, command, self.sources.target)
            or command.name == "cd"
            for command in view.script.commands
        )

    def _copied(self) -> str:
        """The COPY lines for the manifests that no earlier COPY brings."""
        names = [name for name in self.manifests.files if not is_there(self.facts, self.context, self.sources, name)]
        return "".join(line + self.document.eol for line in copies(self.document, self.sources, names))

    def _sinks(self, *, ran: bool) -> bool:
        """Whether the manifests come below the steps between, which another manifest then does not run again."""
        steps = ran or any(other.name in ("RUN", "COPY", "ADD") for other in self.between)
        return steps and may_sink(self.facts, self.sources, self.between)

    def _layout(self) -> tuple[list[Node], str, str]:
        """The comments that go along with the copy, its text with them, and what sets it apart from a step above."""
        node, eol = self.sources.node, self.document.eol
        comments = comments_above(self.document, node)
        body = "".join(comment.text for comment in comments) + node.text
        if not body.endswith("\n"):
            body += eol
        return comments, body, eol if comments or spaced(self.document, node) else ""

    def _add(self) -> Proposal | Refusal:
        """Put a call for the dependencies alone before the copy."""
        view, run, eol, item = self.install.view, self.run, self.document.eol, self.install.item
        tool = self.install.tool
        if self.where == "/":
            return self._refuse("place-unknown", "the project is the root folder of the image")
        network = run.flag("network")
        if network is not None and network.value not in ("default", "host"):
            return self._refuse("own-way", "the RUN has no network, so it downloads nothing")
        if not _counts(view, item):
            return self._refuse("own-way", f"the build goes on where {tool} fails")
        before = [command for command in view.script.commands if command.item < item]
        other = f"the RUN does other work before {tool} is called"
        if not self._apart(view, item):
            return self._refuse("reads-sources", other)
        split: tuple[str, str] | None = None
        if any(command.name not in ("cd", "set") for command in before):
            split = cut(self.document, view, item - 1)
            if split is None or (self.ships and takes_back(view, item)):
                return self._refuse("reads-sources", other)
        if self.ships and takes_back(view, item):
            return self._refuse("keeps-cache", "the RUN removes files that a layer of its own would keep")
        copied, early = self._copied(), self._early()
        node = self.sources.node
        comments, body, gap = self._layout()
        stays = not self.between and split is None
        sinks = self._sinks(ran=split is not None)

        def edit(editor: Editor) -> None:
            if stays:
                apart_by = eol if spaced(self.document, node) else ""
                editor.insert_before((*comments, node)[0], copied + early + apart_by)
                return
            for comment in comments:
                editor.remove(comment)
            if copied and not sinks:
                editor.replace(node, copied)
            else:
                drop(editor, node, comments)
            text = (copied if sinks else "") + early + gap + body + gap
            if split is not None:
                editor.replace(run, split[0] + gap + text + split[1])
            else:
                editor.insert_before((*comments_above(self.document, run), run)[0], text)

        return Proposal(
            (node, run, *comments),
            f"install the dependencies of {tool} before the sources are copied",
            edit,
            safety=Safety.UNSAFE,
            effects=Effects(
                layers=len(copied.splitlines()) + 1 + (split is not None),
                files_added=("/**",),
            ),
            evidence=(self.context.evidence, self.manifests.evidence),
        )

    def _early(self) -> str:
        """The RUN that installs the dependencies alone, with the mounts of the one that needs them."""
        keyword, eol = self.document.keyword("RUN"), self.document.eol
        flags = "".join(f"{flag.text} " for flag in self.run.flags)
        commands = list(self.manifests.early)
        state = self.facts.state(self.run).workdir
        # A call that names its folder names it relative to where it runs.
        place = posixpath.normpath(posixpath.join(self.where, posixpath.relpath(".", self.install.folder)))
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
        """Put the copy behind the call, which installs the dependencies and nothing else."""
        view, install, run = self.install.view, self.install, self.run
        # The manifests may say that a call which could do more installs the dependencies alone.
        cleared = bool(install.early)
        calls = [one for one in installs(view) if one.tool == install.tool and (cleared or not one.early)]
        last = max(one.item for one in calls)
        followed = tuple(id(one.command) for one in calls if one.problem is None)
        if not self._apart(view, last + 1, followed):
            return self._refuse("reads-sources", f"the RUN does other work before {install.tool} is called")
        split: tuple[str, str] | None = None
        if not self._apart(view, len(view.script.items), followed):
            split = cut(self.document, view, last)
            if split is None or (self.ships and takes_back(view, last + 1)):
                return self._refuse("reads-sources", "the RUN installs and builds, and cannot be cut in two")
        copied, node = self._copied(), self.sources.node
        comments, body, gap = self._layout()
        sinks = self._sinks(ran=False)

        def edit(editor: Editor) -> None:
            for comment in comments:
                editor.remove(comment)
            text = gap + body
            if split is not None:
                editor.replace(run, split[0])
                text += gap + split[1]
            editor.insert_after(run, text)
            if copied and sinks:
                editor.insert_before((*comments_above(self.document, run), run)[0], copied)
            if copied and not sinks:
                editor.replace(node, copied)
            else:
                drop(editor, node, comments)

        return Proposal(
            (node, run, *comments),
            f"copy the manifests and run {install.tool} before the sources are copied",
            edit,
            safety=Safety.UNSAFE,
            effects=Effects(layers=len(copied.splitlines()) + (split is not None)),
            evidence=(self.context.evidence, self.manifests.evidence),
        )


def _counts(view: ScriptView, item: int) -> bool:
    """Whether the build fails where an element of a script does: nothing catches it."""
    items = view.script.items
    if items[item].kind != "command" or items[item].operator not in ("", "&&", ";", "\n"):
        return False
    if view.script.and_list:
        return True
    first = next(iter(view.script.commands), None)
    strict = (
        first is not None
        and first.name == "set"
        and any((value or "").startswith("-") and "e" in (value or "") for value in first.values)
    )
    return (
        (strict or item == len(items) - 1)
        and all(one.operator != "||" for one in items)
        and not view.script.end_operator
    )
