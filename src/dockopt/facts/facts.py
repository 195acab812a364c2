"""All facts of one document, each worked out when it is first asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dockopt.facts.base import BaseImage
from dockopt.facts.outside import Outside, Surroundings
from dockopt.facts.packages import Invocation, invocations_of
from dockopt.facts.stages import Stage, Stages
from dockopt.facts.state import FILES_ONLY, State, States
from dockopt.facts.value import Known, Unknown
from dockopt.shell.script import Command, Script, parse_script
from dockopt.syntax.document import Document
from dockopt.syntax.lazy import lazy
from dockopt.syntax.nodes import Instruction

if TYPE_CHECKING:
    from collections.abc import KeysView, Sequence

    from dockopt.facts.app.model import App, Launch
    from dockopt.facts.context import Context

_new_view = tuple.__new__
_POSIX = frozenset(("sh", "bash", "ash", "dash", "zsh", "ksh", "mksh", "busybox"))


class ScriptView(NamedTuple):
    """The script of one RUN, and how its offsets map to the instruction.

    ``heredoc`` is None for a script on the instruction's own line (offset 0 is the logical offset
    ``instruction.args_start``); else the index of the heredoc whose body it is. ``opaque`` says why
    nobody may edit inside it, None where one may.
    """

    instruction: Instruction
    stage: Stage
    script: Script
    heredoc: int | None
    opaque: str | None

    @property
    def commands(self) -> tuple[Command, ...]:
        """The script's commands; none where it is opaque."""
        return () if self.opaque is not None else self.script.commands

    @property
    def invocations(self) -> tuple[Invocation, ...]:
        """The package manager calls; none where the script is opaque."""
        return () if self.opaque is not None else invocations_of(self.script)

    @property
    def editable_end(self) -> int:
        """Offsets from here on (heredoc bodies fed to a command) are not to be edited."""
        return len(self.instruction.rest) if self.heredoc is None else len(self.script.text)


class Facts:
    """What is known of ``document``. Facts of an edited document are a new object.

    ``outside`` says where the document stands; Facts of the documents of one run share their
    :class:`Surroundings`.
    """

    def __init__(
        self, document: Document, outside: Outside | Surroundings | None = None, before: Facts | None = None
    ) -> None:
        """``before`` are the facts of the document this one was edited from: what still holds is kept."""
        self.document = document
        self._before = before
        self.surroundings = outside if isinstance(outside, Surroundings) else Surroundings(outside, self)

    @property
    def only_safe(self) -> bool:
        """Whether nobody is told of anything but safe changes: a transform need not look for other ones.

        What a safe change of its own depends on must not depend on this.
        """
        return self.surroundings.only_safe

    @property
    def context(self) -> Known[Context] | Unknown:
        """The build context: its folder, files and ``.dockerignore``."""
        return self.surroundings.context

    @property
    def app(self) -> Known[App] | Unknown:
        """The application the final stage runs: its port, health route, manifests, build."""
        return self.surroundings.apps.main

    def digest(self, reference: str, *, lock_only: bool = False) -> Known[str] | Unknown | None:
        """The digest to pin an image to, by ``dockopt.lock`` or ``--online``; None where there is neither.

        :param lock_only: by ``dockopt.lock`` only.
        """
        return self.surroundings.digest(reference, lock_only=lock_only)

    def current_version(self, reference: str) -> Known[str] | Unknown | None:
        """The tag with a version for what a floating tag names now; None without ``--online``."""
        return self.surroundings.version(reference)

    @property
    def apps(self) -> tuple[App, ...]:
        """Every application whose manifest COPY takes; only :attr:`app` has what its start command says."""
        return self.surroundings.apps.all

    def apps_at(self, folder: str) -> tuple[App, ...]:
        """The applications in one folder of the build context, whether a COPY names it or not."""
        return self.surroundings.apps.at(folder)

    def unread_manifest(self, *names: str) -> str | None:
        """Why a manifest by one of these names (``go.mod``, ``.csproj``), where COPY takes from, cannot be read.

        None where there is none such, or each can be read.
        """
        return self.surroundings.apps.unread(names)

    @property
    def launch(self) -> Known[Launch] | Unknown:
        """The command the final stage runs, through wrappers and the scripts of the context."""
        return self.surroundings.apps.launch

    def copied_text(self, path: str, stage: Stage) -> Known[str] | Unknown:
        """The text of the file of the build context that COPY or ADD put at an absolute path of a stage."""
        context = self.context
        if isinstance(context, Unknown):
            return context
        from dockopt.facts.app.launch import ImageFiles

        name = ImageFiles(self, context.value).find(path, stage)
        return context.value.text(name) if name is not None else Unknown(f"no COPY puts {path} there")

    def context_file(self, path: str, stage: Stage, before: Instruction | None = None) -> str | None:
        """The build context's name of what stands at an absolute path in a stage, None where no COPY put it there.

        :param before: an instruction of the stage; what comes after it does not count. Default: the stage's end.
        """
        context = self.context
        if isinstance(context, Unknown):
            return None
        from dockopt.facts.app.launch import ImageFiles

        return ImageFiles(self, context.value).find(path, stage, before)

    @lazy
    def stages(self) -> Stages:
        return Stages(self.document)

    @lazy
    def states(self) -> States:
        before, self._before = self._before, None
        known: States | None = before.__dict__.get("states") if before is not None else None
        if before is not None and known is not None and _same_state(before.document, self.document):
            return known  # states are kept by node id
        return States(self.stages, self.surroundings)

    @lazy
    def text(self) -> str:
        """The whole text in lower case: a cheap look before an expensive one."""
        return self.document.text.lower()

    @lazy
    def _by_name(self) -> dict[str, list[Instruction]]:
        found: dict[str, list[Instruction]] = {}
        for node in self.document.instructions:
            found.setdefault(node.name, []).append(node)
        return found

    @property
    def names(self) -> KeysView[str]:
        """The names of its instructions, in capitals."""
        return self._by_name.keys()

    def named(self, name: str) -> Sequence[Instruction]:
        """The instructions by a name in capitals, in file order."""
        return self._by_name.get(name, ())

    def mentions(self, *needles: str) -> bool:
        """Whether the file's text holds one of these lower-case strings anywhere."""
        text = self.text
        for needle in needles:  # noqa: SIM110  # a generator costs more than the search
            if needle in text:
                return True
        return False

    def state(self, node: Instruction) -> State:
        """The state just before an instruction of a stage.

        :raises KeyError: for FROM and for an ARG before the first FROM.
        """
        stage = self.stages.of(node)
        if stage is None:
            raise KeyError(node)
        return self.states.of_stage(stage).before[node.id]

    def config(self, stage: Stage) -> dict[str, str]:
        """What the stage and its parent stages set in the image configuration; see ``Effects.config``."""
        return self.states.of_stage(stage).config

    def base_image(self, stage: Stage) -> BaseImage | None:
        """What is known of the image a stage is built on in the end, None where it is nothing.

        By the table; with ``--online`` by its registry where the table has nothing.
        """
        root = stage.root
        return self.surroundings.image(root.base, root.platform) if root.base else None

    @lazy
    def scripts(self) -> tuple[ScriptView, ...]:
        """The scripts of all shell-form RUNs, in order. RUN inside ONBUILD is left out."""
        found = []
        for stage in self.stages.all:
            shell: tuple[str, ...] | None = self._inherited_shell(stage) or self._image_shell(stage)
            for node in stage.instructions:
                if node.name == "SHELL":
                    shell = node.json
                elif node.name == "RUN" and node.json is None:
                    found.append(self._view(node, stage, shell))
        return tuple(found)

    def _inherited_shell(self, stage: Stage) -> tuple[str, ...] | None:
        for member in stage.chain[1:]:
            for node in reversed(member.instructions):
                if node.name == "SHELL":
                    return node.json
        return None

    def _image_shell(self, stage: Stage) -> tuple[str, ...] | None:
        """SHELL of the base image, which only a registry tells."""
        if self.surroundings.outside is None or self.surroundings.outside.online is None:
            return None
        image = self.base_image(stage)
        return image.shell_words or None if image is not None else None

    def _view(self, node: Instruction, stage: Stage, shell: tuple[str, ...] | None) -> ScriptView:
        cached: ScriptView | None = node.__dict__.get("_view")
        key = (shell, stage.windows)
        if cached is not None and node.__dict__.get("_view_key") == key:
            return cached if cached.stage is stage else _new_view(ScriptView, (node, stage, *cached[2:]))
        view = _make_view(node, stage, shell)
        node.__dict__["_view"] = view
        node.__dict__["_view_key"] = key
        return view

    @lazy
    def _scripts_by_id(self) -> dict[int, ScriptView]:
        return {view.instruction.id: view for view in self.scripts}

    def script(self, node: Instruction) -> ScriptView | None:
        """The script of a RUN, None for the JSON form and for anything but RUN."""
        return self._scripts_by_id.get(node.id)

    @lazy
    def _invocations(self) -> dict[str, list[tuple[ScriptView, Invocation]]]:
        found: dict[str, list[tuple[ScriptView, Invocation]]] = {}
        for view in self.scripts:
            for call in view.invocations:
                found.setdefault(call.manager.name, []).append((view, call))
        return found

    @property
    def managers(self) -> KeysView[str]:
        """The package managers that editable scripts call."""
        return self._invocations.keys()

    def invocations(self, manager: str) -> list[tuple[ScriptView, Invocation]]:
        """All calls of a package manager (``apt``, ``pip`` …) in editable scripts, in order."""
        return self._invocations.get(manager, [])

    @lazy
    def _commands(self) -> dict[str, list[tuple[ScriptView, Command]]]:
        found: dict[str, list[tuple[ScriptView, Command]]] = {}
        for view in self.scripts:
            for command in view.commands:
                name = command.name
                if name is not None:
                    found.setdefault(name.rsplit("/", 1)[-1], []).append((view, command))
        return found

    def commands(self, name: str) -> list[tuple[ScriptView, Command]]:
        """All commands by that name (without its directory) in editable scripts, in order.

        A command behind ``sudo`` or ``env`` is under the wrapper's name.
        """
        return self._commands.get(name, [])

    def shell(self, view: ScriptView) -> str | None:
        """The shell that runs a script: ``bash``, ``dash``, ``ash``, ``sh`` (which one is unknown), ``zsh`` …"""
        state = self.state(view.instruction)
        if state.shell is not None:
            for word in state.shell:
                name = word.rsplit("/", 1)[-1]
                if name in _POSIX:
                    return name if name != "sh" else self._default_shell(view.stage)
            return None
        return self._default_shell(view.stage)

    def _default_shell(self, stage: Stage) -> str:
        image = self.base_image(stage)
        return image.shell if image is not None else "sh"


def _same_state(before: Document, after: Document) -> bool:
    """Whether ``after`` is ``before`` with nothing done but RUN, COPY and ADD edited in place or dropped.

    They change files only.
    """
    old = iter(before.instructions)
    for node in after.instructions:
        for other in old:
            if other.id == node.id:
                if other is not node and (node.name not in FILES_ONLY or other.name not in FILES_ONLY):
                    return False
                break
            if other.name not in FILES_ONLY:
                return False
        else:
            return False
    return all(other.name in FILES_ONLY for other in old)


def posix_shell(shell: tuple[str, ...] | None) -> bool:
    """Whether SHELL's words (None for the default) run a script with a POSIX shell."""
    if shell is None:
        return True
    if len(shell) < 2 or not (shell[-1].startswith("-") and shell[-1].endswith("c")):
        return False
    return any(word.rsplit("/", 1)[-1] in _POSIX for word in shell)


def _make_view(node: Instruction, stage: Stage, shell: tuple[str, ...] | None) -> ScriptView:
    opaque: str | None = None
    if not posix_shell(shell):
        opaque = f"SHELL {list(shell or ())} is no POSIX shell that dockopt knows"
    elif stage.windows and shell is None:
        opaque = "the stage is built on Windows, whose shell is cmd"
    text, heredoc = node.rest, None
    if node.heredocs:
        first = node.heredocs[0]
        if len(node.heredocs) == 1 and _only_heredoc(node):
            heredoc = 0
            text = node.text[first.body_start : first.body_end]
            if text.startswith("#!") and not _posix_shebang(text):
                opaque = "the heredoc has a shebang of another language"
        else:
            text = node.rest + "\n" + node.text[node.head_end :]
    script = parse_script(text)
    if opaque is None and script.error:
        opaque = "the script does not parse"
    return ScriptView(node, stage, script, heredoc, opaque)


def _only_heredoc(node: Instruction) -> bool:
    """Whether the line holds nothing but the heredoc word: its body is then the script."""
    rest = node.rest
    return rest.startswith("<<") and not any(ch in rest[2:].lstrip("- \t") for ch in " \t;&|<>()")


def _posix_shebang(text: str) -> bool:
    words = text.split("\n", 1)[0][2:].split()
    if words and words[0].endswith("/env"):
        words = [word for word in words[1:] if not word.startswith("-")]
    return bool(words) and words[0].rsplit("/", 1)[-1] in _POSIX
