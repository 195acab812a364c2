"""Cut a RUN in two."""

from __future__ import annotations

from dockopt.api import Document, ScriptView
from dockopt_transforms.shell._calls import word_set

# What they change of the shell is not there any more in the second half.
_LEAKS = word_set("cd pushd popd export set umask trap source . alias shopt unset ulimit exec")


def cut(document: Document, view: ScriptView, last: int) -> tuple[str, str] | None:
    """The texts of a RUN's two halves, cut behind an element of its list.

    None where the second half would not do what it did, or where a comment would lose its place.
    """
    node, script = view.instruction, view.script
    if view.heredoc is not None or not script.and_list or node.comments or last + 1 >= len(script.items):
        return None
    for command in script.commands:
        name = command.name
        if command.item <= last and (name is None or name in _LEAKS or not command.words):
            return None
    base = node.args_start
    end = node.raw_offset(base + script.items[last].end)
    start = node.raw_offset(base + script.items[last + 1].start, after=True)
    head = node.text[: node.raw_offset(base, after=True)]
    if document.eol in head:
        head = f"{node.keyword} " + "".join(f"{flag.text} " for flag in node.flags)
    second = head + node.text[start:]
    return node.text[:end] + document.eol, second if second.endswith("\n") else second + document.eol
