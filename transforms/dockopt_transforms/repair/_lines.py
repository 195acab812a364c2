"""Taking whole instructions out of a file without leaving a hole."""

from __future__ import annotations

from dockopt.api import Blank, Document, Editor, Instruction


def remove(editor: Editor, document: Document, node: Instruction) -> None:
    """Take an instruction out; of the blank lines above and below it, those below go where both stand."""
    editor.remove(node)
    nodes = document.nodes
    index = next(place for place, other in enumerate(nodes) if other.id == node.id)
    above = index == 0 or isinstance(nodes[index - 1], Blank)
    if above and not node.comments and index + 1 < len(nodes) and isinstance(nodes[index + 1], Blank):
        editor.remove(nodes[index + 1])
