"""Cut a RUN in two, take an instruction out: what moving installs about needs."""

from __future__ import annotations

import posixpath
import re

from dockopt.api import Blank, Document, Editor, Instruction, Node, ScriptView
from dockopt_transforms._tables import word_set

# What they change of the shell is not there any more in the second half.
_LEAKS = word_set("pushd popd export set umask trap source . alias shopt unset ulimit exec")

_FOLDER = re.compile(r"[\w./+@-]+\Z")


def cut(document: Document, view: ScriptView, last: int) -> tuple[str, str] | None:
    """The texts of a RUN's two halves, cut behind an element of its list; the second starts in the folder it ran in.

    None where the second half would not do what it did, or where a comment would lose its place.
    """
    node, script = view.instruction, view.script
    if view.heredoc is not None or not script.and_list or node.comments or last + 1 >= len(script.items):
        return None
    folders: list[str] = []
    for command in script.commands:
        name = command.name
        if command.item > last:
            continue
        if name is None or name in _LEAKS or not command.words:
            return None
        if name == "cd" and not command.within:
            folder = command.values[1] if len(command.words) == 2 else None
            if folder is None or command.redirects or not _FOLDER.match(folder):
                return None
            folders.append(folder)
    here = posixpath.normpath(posixpath.join(*folders)) if folders else "."
    base = node.args_start
    end = node.raw_offset(base + script.items[last].end)
    start = node.raw_offset(base + script.items[last + 1].start, after=True)
    head = node.text[: node.raw_offset(base, after=True)]
    if document.eol in head:
        head = f"{node.keyword} " + "".join(f"{flag.text} " for flag in node.flags)
    second = head + ("" if here == "." else f"cd {here} && ") + node.text[start:]
    return node.text[:end] + document.eol, second if second.endswith("\n") else second + document.eol


def takes_back(view: ScriptView, part: int) -> bool:
    """Whether what follows in a RUN takes files away, which saves their size only in the layer that has them."""
    calls = {id(call.command): call for call in view.invocations}
    for command in view.commands:
        if command.item < part:
            continue
        call = calls.get(id(command))
        if command.name in ("rm", "find") or (call is not None and call.action == "remove"):
            return True
    return False


def drop(editor: Editor, node: Instruction, comments: list[Node]) -> None:
    """Take a copy out whose text, inner comments and all, has been put elsewhere, and one blank line of two.

    :param comments: those right above it, which go along.
    """
    nodes = editor.document.nodes
    index = nodes.index(node)
    above = index - len(comments) - 1
    editor.replace(node, "")
    if (
        above >= 0
        and index < len(nodes) - 1
        and isinstance(nodes[above], Blank)
        and isinstance(nodes[index + 1], Blank)
    ):
        editor.remove(nodes[index + 1])
