"""Where the destination of ADD and COPY stands."""

from __future__ import annotations

from dockopt.api import Instruction


def destination(node: Instruction) -> tuple[int, int]:
    """The logical span of the last argument's text, inside its quotes (and its brackets, in the JSON form)."""
    line, end = node.line, node.args_end
    if node.json is not None:
        end = line.rindex('"', node.args_start, end)
        return line.rindex('"', node.args_start, end) + 1, end
    start = end - len(node.args[-1])
    if line[start] in "\"'" and line[end - 1] == line[start] and end - start > 1:
        return start + 1, end - 1
    return start, end
