"""Stages and how they feed each other."""

from __future__ import annotations

from dockopt.facts.base import is_windows
from dockopt.syntax.document import Document
from dockopt.syntax.nodes import Instruction
from dockopt.syntax.words import expand_known


class Stage:
    """One build stage: its FROM and the instructions up to the next."""

    __slots__ = ("base", "final", "from_", "index", "instructions", "name", "parent", "windows")

    def __init__(self, index: int, from_: Instruction, name: str, base: str | None, parent: Stage | None) -> None:
        self.index = index
        self.from_ = from_
        self.name = name  #: lower case, empty for an unnamed stage
        self.base = base  #: the image reference, variables expanded; None where one has no known value
        self.parent = parent  #: the earlier stage this one starts from
        self.instructions: list[Instruction] = []
        self.final = False  #: the last stage, which a build without ``--target`` makes
        self.windows: bool = parent.windows if parent is not None else is_windows(base or from_.rest)

    @property
    def platform(self) -> str:
        """FROM's ``--platform``; empty where there is none, or a variable."""
        flag = self.from_.flag("platform")
        return flag.value if flag is not None and flag.value and "$" not in flag.value else ""

    @property
    def root(self) -> Stage:
        """The stage of this FROM chain that starts from an image."""
        stage = self
        while stage.parent is not None:
            stage = stage.parent
        return stage

    @property
    def chain(self) -> list[Stage]:
        """This stage and the stages it starts from, nearest first."""
        found = [self]
        while found[-1].parent is not None:
            found.append(found[-1].parent)
        return found

    def __repr__(self) -> str:
        return f"Stage({self.index}, {self.name or self.from_.rest!r})"


class Stages:
    """All stages of a document."""

    def __init__(self, document: Document) -> None:
        self.all: list[Stage] = []
        self.meta: list[Instruction] = []  #: ARG instructions before the first FROM
        self._of: dict[int, Stage] = {}
        names: dict[str, Stage] = {}
        env: dict[str, str | None] = {}
        flagged: list[Instruction] = []
        of = self._of
        stage: Stage | None = None
        for node in document.instructions:
            if node.flags:
                flagged.append(node)
            if node.name == "FROM":
                args = node.args
                reference = expand_known(args[0], env, node.escape) if args else None
                parent = names.get((reference or "").lower())
                name = args[2].lower() if len(args) == 3 else ""
                stage = Stage(len(self.all), node, name, reference, parent)
                self.all.append(stage)
                of[node.id] = stage
                if name:
                    names[name] = stage
            elif stage is None:
                self.meta.append(node)
                if node.name == "ARG":
                    for token in node.tokens:
                        key, equals, value = token.text.partition("=")
                        # A build argument may be given on the command line: its default is a guess for
                        # anything but naming the base image, where the default is what people build.
                        env[key] = expand_known(value, env, node.escape) if equals else None
            else:
                stage.instructions.append(node)
                of[node.id] = stage
        if stage is not None:
            stage.final = True
        self.names = names
        self.copied = self._copied(flagged) if flagged else set()

    def of(self, node: Instruction) -> Stage | None:
        """The stage an instruction belongs to, None for an ARG before the first FROM."""
        return self._of.get(node.id)

    def _copied(self, flagged: list[Instruction]) -> set[int]:
        """The indexes of stages some COPY --from or mount reads from."""
        found: set[int] = set()
        for node in flagged:
            for reference in sources(node):
                target = self.find(reference)
                if target is not None:
                    found.add(target.index)
        return found

    def find(self, reference: str) -> Stage | None:
        """The stage a ``--from`` names, by name or number."""
        stage = self.names.get(reference.lower())
        if stage is None and reference.isdigit() and int(reference) < len(self.all):
            stage = self.all[int(reference)]
        return stage

    def children(self, stage: Stage) -> list[Stage]:
        """The stages built directly on top of ``stage``."""
        return [other for other in self.all if other.parent is stage]

    def descendants(self, stage: Stage) -> list[Stage]:
        """The stages built on top of ``stage``, however far."""
        return [other for other in self.all if other is not stage and stage in other.chain]

    def ships(self, stage: Stage) -> bool:
        """Whether the stage's layers end in an image somebody may run.

        The last stage and what it is built on do; so does a stage nothing copies from, for it can only
        be there as a ``--target``. A stage that only feeds COPY --from does not: its layers cost
        nothing at run time, and more of them cache better.
        """
        if stage.final or any(other.final for other in self.descendants(stage)):
            return True
        if stage.index in self.copied:
            return False
        children = self.children(stage)
        return not children or any(self.ships(child) for child in children)


def sources(node: Instruction) -> list[str]:
    """What a node reads from: ``--from`` of COPY, ``from=`` of a RUN's mounts."""
    found: list[str] = []
    for flag in node.flags:
        if flag.name == "from" and flag.value:
            found.append(flag.value)
        elif flag.name == "mount" and flag.value:
            found.extend(part[5:] for part in flag.value.split(",") if part.startswith("from="))
    return found
