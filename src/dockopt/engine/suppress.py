"""Suppression comments: dockopt's own, hadolint's, BuildKit's and tally's.

``# dockopt: ignore`` and ``# dockopt: ignore[id, …] reason`` silence the instruction below (or the one
whose continuation they stand in); in the block of comments at the top of the file, above the first
instruction, they silence the whole file. ``# hadolint ignore=…``, ``# tally ignore=…`` and
``# check=skip=…`` silence the instruction below, ``# hadolint global ignore=…``, ``# tally global
ignore=…`` and the ``check`` parser directive the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from dockopt.engine.registry import Registry, UnknownTransform
from dockopt.syntax.document import Document
from dockopt.syntax.nodes import Comment, Directive, Instruction, Node

ALL = frozenset(("*",))

_OWN = re.compile(r"#+\s*dockopt\s*:\s*ignore(?:\s*[\[=]\s*([^\]\s][^\]]*?)\s*(?:\]|$))?", re.I)
_OWN_EQUALS = re.compile(r"#+\s*dockopt\s*:\s*ignore\s*=\s*([\w,-]+)", re.I)
_OTHER = re.compile(r"#+\s*(?:hadolint|tally)\s+(global\s+)?ignore\s*=\s*([\w/*,\s-]+)", re.I)
_CHECK = re.compile(r"#+\s*check\s*=\s*(.*)", re.I)


class Suppressions:
    """Which transforms may not touch which instruction."""

    def __init__(self, document: Document, registry: Registry) -> None:
        self._registry = registry
        self._file: set[str] = set()
        self._nodes: dict[int, set[str]] = {}
        #: what dockopt's own comments name that is no transform: a line, and a sentence with the nearest name
        self.unknown: list[tuple[int, str]] = []
        text = document.text.lower()
        if ("ignore" in text and any(tool in text for tool in ("dockopt", "hadolint", "tally"))) or (
            "check" in text and _CHECK.search(text)
        ):
            self._read(document)

    def __bool__(self) -> bool:
        return bool(self._file or self._nodes)

    def hides(self, transform: str, nodes: Iterable[Node]) -> bool:
        """Whether a comment asks for ``transform`` to leave one of these nodes alone."""
        if transform in self._file or "*" in self._file:
            return True
        for node in nodes:
            names = self._nodes.get(node.id)
            if names is not None and (transform in names or "*" in names):
                return True
        return False

    def _read(self, document: Document) -> None:
        pending: set[str] = set()
        top = True
        for node in document.nodes:
            if isinstance(node, Directive):
                if node.name == "check":
                    self._file |= self._check(node.value)
            elif isinstance(node, Comment):
                names, whole_file, own = self._comment(node.text.strip(), node.start_line)
                if whole_file or (own and top):
                    self._file |= names
                else:
                    pending |= names
            elif isinstance(node, Instruction):
                top = False
                for number, comment in node.placed_comments():
                    pending |= self._comment(comment, node.start_line + number)[0]
                if pending:
                    self._nodes[node.id] = pending
                pending = set()
            else:
                pending = set()  # a blank line ends the comment's reach, as it does for hadolint

    def _comment(self, text: str, line: int) -> tuple[set[str], bool, bool]:
        """The transforms a comment silences, whether in the whole file, whether it is dockopt's own."""
        match = _OWN_EQUALS.match(text) or _OWN.match(text)
        if match is not None:
            if match[1] is None:
                return set(ALL), False, True
            return self._own_ids(match[1], line), False, True
        match = _OTHER.match(text)
        if match is not None:
            return self._ids(match[2]), bool(match[1]), False
        match = _CHECK.match(text)
        if match is not None:
            return self._check(match[1]), False, False
        return set(), False, False

    def _check(self, value: str) -> set[str]:
        """The value of ``check``: ``skip=A,B;error=true``."""
        for part in value.split(";"):
            key, _, names = part.strip().partition("=")
            if key.strip().lower() == "skip":
                if names.strip().lower() == "all":
                    return {
                        spec.id
                        for spec in self._registry.specs
                        if any(a[:1].isupper() and not a[-1].isdigit() for a in spec.aliases)
                    }
                return self._ids(names)
        return set()

    def _own_ids(self, names: str, line: int) -> set[str]:
        """As :meth:`_ids`; a name that stands for nothing is kept, for it was meant to silence something."""
        found: set[str] = set()
        for name in _split(names):
            try:
                found.update(self._registry.resolve(name))
            except UnknownTransform as error:
                self.unknown.append((line, f"# dockopt: ignore: {error}"))
        return found

    def _ids(self, names: str) -> set[str]:
        found: set[str] = set()
        for name in _split(names):
            # Nothing for a rule of the other tool that nothing here answers to.
            found.update(self._registry.find(name) or ())
        return found


def _split(names: str) -> list[str]:
    """Names with commas or spaces between them, without the name of the tool before a slash: ``hadolint/DL3059``."""
    return [name.rsplit("/", 1)[-1] for name in names.replace(",", " ").split()]
