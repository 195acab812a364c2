"""In which folder each command of a script runs: what ``cd`` before it says."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from dockopt.facts.value import Known

if TYPE_CHECKING:
    from dockopt.facts.facts import Facts, ScriptView
    from dockopt.shell.script import Command

_MOVES = frozenset(("cd", "pushd", "popd"))
_SUBSHELL = ("subshell",)


def directories(facts: Facts, view: ScriptView) -> list[str | None]:
    """The absolute working directory of each command of a script, in the order of :attr:`ScriptView.commands`.

    Of ``cd`` itself it is the folder it leads to, where that is there. None where it is not known: behind
    ``cd "$DIR"`` or ``cd -``, and behind a ``cd`` in a condition or a loop.
    """
    workdir = facts.state(view.instruction).workdir
    here = workdir.value if isinstance(workdir, Known) else None
    commands = view.commands
    if not any(command.name in _MOVES for command in commands):
        return [here] * len(commands)
    found: list[str | None] = []
    inner: tuple[int, str | None] = (-1, None)  # the element of the list that is a subshell, and where that one is
    perhaps = False  # whether a cd of this and-or list may have been passed over
    items, text = view.script.items, view.script.text
    for index, command in enumerate(commands):
        last = commands[index - 1] if index else None
        if last is not None and command.item != last.item and items[command.item].operator != "&&":
            here, perhaps = None if perhaps else here, False
        in_subshell = command.within[:1] == _SUBSHELL
        if in_subshell and inner[0] != command.item:
            inner = (command.item, here)
        elif in_subshell and last is not None and text[last.outer_end : command.start].strip() != "&&":
            inner = (command.item, None)
        place = inner[1] if in_subshell else here
        if command.name in _MOVES:
            known = place is not None and (not command.within or command.within == _SUBSHELL)
            target = _target(command) if known and items[command.item].operator != "||" else None
            place = posixpath.normpath(posixpath.join(place, target)) if place is not None and target else None
            if in_subshell:
                inner = (command.item, place)
            else:
                here = place
                perhaps = perhaps or items[command.item].operator == "&&"
        found.append(place)
    return found


def _target(command: Command) -> str | None:
    """The literal operand of a ``cd``."""
    if command.name != "cd" or len(command.words) != 2 or command.redirects:
        return None
    word = command.words[1]
    value = word.value
    return value if value and value != "-" and not value.startswith("~") and not word.glob else None
