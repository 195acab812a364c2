"""The editor a proposal makes its change with: a batch of node edits that gives a new document."""

from __future__ import annotations

from collections.abc import Iterable

from dockopt.facts.facts import ScriptView
from dockopt.syntax.document import Document, read, read_fragment
from dockopt.syntax.nodes import Instruction, Node
from dockopt.syntax.spans import Edit, splice, splice_text


class EditError(Exception):
    """An edit that cannot be made: the node is gone, or its text no longer reads as what it was."""


class Editor:
    """Collects edits on one document; :meth:`result` is the document after them.

    Text is raw Dockerfile text, its line endings as they shall stand in the file (use ``eol``); a
    whole node ends with one, unless it is the last of a file without.
    """

    def __init__(self, document: Document) -> None:
        self.document = document
        self.eol = document.eol
        self._new: dict[int, list[Node]] = {}
        self._before: dict[int, list[Node]] = {}
        self._after: dict[int, list[Node]] = {}
        self._known = {node.id: index for index, node in enumerate(document.nodes)}

    def _check(self, node: Node) -> None:
        if node.id not in self._known:
            raise EditError(f"{node!r} is not part of the document")
        if node.id in self._new:
            raise EditError(f"{node!r} is edited twice")

    def replace(self, node: Node, text: str, *, absorbed: Iterable[Node] = ()) -> None:
        """Put ``text`` in the place of a node. ``absorbed`` nodes are merged into it: they go too.

        :raises EditError: where the node was edited already.
        """
        self._check(node)
        gone = list(absorbed)
        origin = (
            min([node.origin[0], *(other.origin[0] for other in gone)]),
            max([node.origin[1], *(other.origin[1] for other in gone)]),
        )
        nodes = read_fragment(text, self.document.escape, origin)
        for made in nodes:
            if isinstance(made, Instruction) or not isinstance(node, Instruction):
                made.id = node.id  # the first instruction is the edited node; what else there is, is new
                break
        self._new[node.id] = nodes
        for other in gone:
            self._check(other)
            self._new[other.id] = []

    def remove(self, node: Node) -> None:
        """Take a node out. Comment lines inside an instruction stay, as comments of their own."""
        self._check(node)
        left: list[Node] = []
        if isinstance(node, Instruction):
            for line in node.lines:
                if line.comment:
                    left.extend(read_fragment(node.text[line.start : line.end], self.document.escape, node.origin))
        self._new[node.id] = left

    def insert_before(self, node: Node, text: str) -> None:
        """Put ``text``, one or more whole lines, above a node."""
        self._before.setdefault(node.id, []).extend(read_fragment(text, self.document.escape, node.origin))

    def add_directive(self, name: str, value: str) -> None:
        """Put a parser directive at the very top, where alone it is one."""
        first = self.document.nodes[0]
        made = read(f"# {name}={value}{self.eol}").nodes
        for node in made:
            node.origin = (first.start_line, first.start_line)
        self._before.setdefault(first.id, [])[:0] = made

    def insert_after(self, node: Node, text: str) -> None:
        """Put ``text``, one or more whole lines, below a node."""
        self._after.setdefault(node.id, []).extend(read_fragment(text, self.document.escape, node.origin))

    def splice(self, node: Instruction, edits: Iterable[Edit]) -> None:
        """Edit an instruction by spans of its logical line."""
        self.replace(node, splice(node, edits))

    def script(self, view: ScriptView, edits: Iterable[Edit]) -> None:
        """Edit a RUN's script by spans of the script's text."""
        self.replace(view.instruction, script_text(view, edits))

    def result(self) -> Document:
        """The document after all edits."""
        old = self.document.nodes
        nodes: list[Node] = []
        made: list[Node] = []
        done = 0
        touched = self._before.keys() | self._new.keys() | self._after.keys()
        for index in sorted([self._known[id] for id in touched if id in self._known]):
            nodes += old[done:index]
            done = index + 1
            node = old[index]
            here = [
                *self._before.get(node.id, ()),
                *self._new.get(node.id, (node,)),
                *self._after.get(node.id, ()),
            ]
            nodes += here
            made += here
        nodes += old[done:]
        if not self.document.text.endswith("\n") or not all(node.text.endswith("\n") for node in made):
            nodes = _terminated(nodes, self.document, self.eol)
        return Document(nodes, bom=self.document.bom, escape=self.document.escape)


def script_text(view: ScriptView, edits: Iterable[Edit]) -> str:
    """The instruction's text after edits given in offsets of its script."""
    node = view.instruction
    batch = list(edits)
    for start, end, _ in batch:
        if end > view.editable_end or start < 0:
            raise EditError("the edit reaches into a heredoc that is fed to a command")
    if view.heredoc is None:
        base = node.args_start
        return splice(node, [(start + base, end + base, text) for start, end, text in batch])
    base = node.heredocs[view.heredoc].body_start
    return splice_text(node.text, [(start + base, end + base, text) for start, end, text in batch])


def _terminated(nodes: list[Node], before: Document, eol: str) -> list[Node]:
    """Keep the file's final-newline style where edits changed which node is last."""
    for index, node in enumerate(nodes[:-1]):
        if not node.text.endswith("\n"):
            nodes[index] = _with_text(node, node.text + eol, before.escape)
    if nodes and before.nodes:
        had = before.text.endswith("\n")
        last = nodes[-1]
        if not had and last.text.endswith("\n"):
            nodes[-1] = _with_text(last, last.text.rstrip("\r\n") or last.text, before.escape)
        elif had and not last.text.endswith("\n"):
            nodes[-1] = _with_text(last, last.text + eol, before.escape)
    return nodes


def _with_text(node: Node, text: str, escape: str) -> Node:
    made = read_fragment(text, escape, node.origin)
    if len(made) != 1:
        raise EditError(f"{text!r} does not read as one node")
    made[0].id = node.id
    return made[0]
