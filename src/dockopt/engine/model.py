"""The words every layer above the facts speaks: safety, phases, effects, proposals, refusals.

Plain classes rather than dataclasses where instances are made by the thousand or imported on every
start: ``dataclasses`` pulls in ``inspect``, which costs more than all of this package.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, NamedTuple

from dockopt.syntax.nodes import Node

if TYPE_CHECKING:
    from dockopt.engine.edit import Editor


class Safety(Enum):
    """How much a change may alter the image; the convention ruff users know."""

    SAFE = "safe"  #: files (but for declared caches), config and behaviour stay
    UNSAFE = "unsafe"  #: an intended, declared, observable change; needs ``--unsafe-fixes``
    MANUAL = "manual"  #: shown, never applied


class Phase(IntEnum):
    """When a transform runs; inside one phase ``after`` decides."""

    REPAIR = 1
    PACKAGES = 2
    SHELL = 3
    CACHE = 4
    STAGES = 5
    LAYERS = 6
    RUNTIME = 7
    METADATA = 8
    LAYOUT = 9


class Effects(NamedTuple):
    """What a proposal declares it changes in the image. Everything not declared must stay.

    ``config`` names keys of the image configuration: ``cmd``, ``entrypoint``, ``user``, ``workdir``,
    ``shell``, ``stopsignal``, ``healthcheck``, ``author``, ``onbuild``, ``env:NAME``, ``label:NAME``,
    ``expose:8080/tcp``, ``volume:/path``; a trailing ``*`` matches any rest, and ``env:~*`` stands for
    variables that no instruction sets, which the base image brings. ``files_removed``, ``files_added`` and
    ``files_owned``, what gets another owner, are absolute globs. ``packages_added`` and
    ``packages_removed`` name packages as ``manager:package`` (``apt:curl``); ``*`` matches any rest, and
    ``apt:~*`` stands for packages that no command names, which came along as recommendations or dependencies.
    ``commands_removed`` names programs that scripts call less often than before: ``chown``. Those of package managers
    and ``rm`` need no mention. ``layers`` is the change in the number of layers.
    """

    files_removed: tuple[str, ...] = ()
    files_added: tuple[str, ...] = ()
    files_owned: tuple[str, ...] = ()
    config: tuple[str, ...] = ()
    packages_added: tuple[str, ...] = ()
    packages_removed: tuple[str, ...] = ()
    commands_removed: tuple[str, ...] = ()
    layers: int = 0


NO_EFFECTS = Effects()


class FileEdit(NamedTuple):
    """Another file a change writes: ``.dockerignore``."""

    path: str  #: absolute
    before: bytes | None  #: None where there is no such file yet
    after: bytes


class Proposal:
    """One change a transform offers: where, why, how safe, what it alters, and how to make it.

    :param nodes: the nodes the edit touches, the first being the one a reader is pointed to. Two
        proposals of one pass that share a node are not applied together: the second waits for the
        transform's next pass.
    :param message: one sentence, in the imperative, without a final full stop.
    :param edit: called with an :class:`~dockopt.engine.edit.Editor`; it makes the change.
    :param evidence: facts relied on, each ``"line 3: …"`` or the name of a table.
    :param files: other files to write. A proposal that has some leaves the Dockerfile alone: ``edit`` is None,
        and ``nodes`` are those it is about.
    """

    __slots__ = ("edit", "effects", "evidence", "files", "message", "nodes", "safety")

    def __init__(
        self,
        nodes: Node | Iterable[Node],
        message: str,
        edit: Callable[[Editor], None] | None,
        *,
        safety: Safety = Safety.SAFE,
        effects: Effects = NO_EFFECTS,
        evidence: tuple[str, ...] = (),
        files: tuple[FileEdit, ...] = (),
    ) -> None:
        self.nodes: tuple[Node, ...] = (nodes,) if isinstance(nodes, Node) else tuple(nodes)
        self.message = message
        self.edit = edit
        self.safety = safety
        self.effects = effects
        self.evidence = evidence
        self.files = files


class Refusal:
    """Why a transform leaves a place alone.

    :param cause: a slug named by cause, ``shell-state-leaks``; the catalogue lists them.
    :param reason: one sentence for a person, without a final full stop.
    """

    __slots__ = ("cause", "nodes", "reason")

    def __init__(self, nodes: Node | Iterable[Node], cause: str, reason: str) -> None:
        self.nodes: tuple[Node, ...] = (nodes,) if isinstance(nodes, Node) else tuple(nodes)
        self.cause = cause
        self.reason = reason


class Entry(NamedTuple):
    """One line of the journal. Reports are drawn from these and from nothing else; they pickle."""

    kind: str  #: ``applied`` | ``waiting`` (behind --unsafe-fixes) | ``manual`` | ``refused`` | ``defect``
    transform: str  #: the transform's id
    start_line: int  #: first line in the original file, 1-based
    end_line: int  #: last line in the original file, inclusive
    message: str  #: what was or would be done; for a refusal the reason
    safety: str = "safe"  #: ``safe`` | ``unsafe`` | ``manual``
    cause: str = ""  #: a refusal's cause, or what the proof missed for a defect
    evidence: tuple[str, ...] = ()
    effects: Effects = NO_EFFECTS

    @property
    def key(self) -> str:
        """Names the change from one run over the same file to the next, whatever else is applied."""
        return entry_key(self.transform, self.start_line, self.end_line)


def entry_key(transform: str, start_line: int, end_line: int) -> str:
    """:attr:`Entry.key` for a change at hand; several of one transform in one place share it."""
    return f"{transform}:{start_line}-{end_line}"


class Outcome(NamedTuple):
    """What came of one file. ``after is before`` (and equal) when nothing in it changed.

    ``error`` is one clear line (what, where, what to do) for a file that could not be handled;
    ``error_line`` its 1-based line, 0 where there is none. A file with an error is never changed.
    """

    before: bytes
    after: bytes
    entries: tuple[Entry, ...] = ()
    error: str | None = None
    error_line: int = 0
    files: tuple[FileEdit, ...] = ()  #: other files to write
    warnings: tuple[str, ...] = ()  #: what could not be asked for, one line each: a registry without an answer
    remarks: tuple[tuple[int, str], ...] = ()  #: lines (1-based) and what is odd there: a comment that silences nothing

    @property
    def changed(self) -> bool:
        """Whether anything is to be written: the file itself, or another."""
        return self.after != self.before or bool(self.files)
