"""Whether two chains of RUN scripts mean the same as one."""

from __future__ import annotations

import re

from dockopt.api import Facts, ScriptView, program
from dockopt_transforms.layers._chain import Member
from dockopt_transforms.layers._leaks import (
    Obstacle,
    as_earlier,
    as_last,
    assigned,
    idle,
    outlives,
    reads_startup_files,
)
from dockopt_transforms.layers._lookup import Lookups

MAX_WRAPPED = 4  #: parentheses round more lines than this are easily overlooked


def join(left: list[Member], right: list[Member], facts: Facts) -> Obstacle | None:
    """Why the members of two chains, each fit by itself, do not mean the same in one shell.

    Where they do, the members know whether they go in parentheses.
    """
    last, first = left[-1], right[0]
    if idle(last.script) or idle(first.script):
        return Obstacle("shell-state-leaks", "all one of them does is to change its own shell, which no other RUN sees")
    if reads_startup_files(last.script, facts):
        return Obstacle("shell-startup", "the shell reads start-up files first, which the RUN before may have written")
    earlier = as_earlier(last.script, facts)
    if not isinstance(earlier, bool):
        return earlier
    if earlier and len(last.node.lines) > MAX_WRAPPED:
        return Obstacle("shell-state-leaks", "it changes its shell, and is too long to be put in parentheses")
    later = as_last(first.script)
    if not isinstance(later, bool):
        return later
    if later and len(first.node.lines) > MAX_WRAPPED:
        return Obstacle("shell-state-leaks", "it uses ; or ||, and is too long to be put in parentheses")
    obstacle = outlives(last.script, facts)
    if obstacle is not None:
        return obstacle
    if _asks_for_last_word(first.script):
        return Obstacle("shell-state-leaks", "it begins with $_, which a new shell sets to something else")
    if any("gnupg" in member.script.script.text.lower() for member in right) and any(
        _starts_agent(member.script) for member in left
    ):
        return Obstacle(
            "daemon-started", "gpg-agent runs until the end of its RUN, in the directory that the next takes away"
        )
    wraps = {last.node.id: earlier or last.wrapped, first.node.id: later or first.wrapped}
    obstacle = _remembered([*left, *right], wraps, facts)
    if obstacle is not None:
        return obstacle
    last.wrapped, first.wrapped = wraps[last.node.id], wraps[first.node.id]
    return None


def _asks_for_last_word(view: ScriptView) -> bool:
    """Whether a script may read ``$_``, the last word of the command before, ahead of its own first simple command."""
    script = view.script
    use = re.search(r"\$(?:_(?!\w)|\{[#!]?_(?!\w))", script.text)
    if use is None:
        return False
    # What is no simple command (``[[``, a function, an assignment, a pipeline's parts) leaves it as it is.
    plain = {command.item for command in script.commands if command.top and command.words and command.name != "[["}
    ends = [item.end for index, item in enumerate(script.items) if item.kind == "command" and index in plain]
    return use.start() < min(ends, default=len(script.text))


def _starts_agent(view: ScriptView) -> bool:
    return any(program(command) in ("gpg", "gpg2", "dirmngr", "apt-key") for command in view.commands)


def _remembered(members: list[Member], wraps: dict[int, bool], facts: Facts) -> Obstacle | None:
    """What the shell of a chain would remember from one member to another, wrongly or so that readers may be misled."""
    lookups = Lookups(member.script for member in members)
    if not lookups.needed and not any(wraps.get(member.node.id, member.wrapped) for member in members):
        return None
    hidden: set[str] = set()
    for member in members:
        view = member.script
        name = lookups.lost(view)
        if name is not None:
            return Obstacle("command-moves", f"the shell would go on running {name} from where it found it first")
        name = next((name for name in hidden if _mentions(view.script.text, name)), None)
        if name is not None:
            return Obstacle(
                "shell-state-leaks", f"both use the variable {name}, which must not reach from one to the other"
            )
        wrapped = wraps.get(member.node.id, member.wrapped)
        lookups.add(view, facts, wrapped=wrapped)
        if wrapped:
            hidden |= assigned(view)
    return None


def _mentions(text: str, name: str) -> bool:
    at = text.find(name)
    while at >= 0:
        end = at + len(name)
        if not (text[at - 1 : at].isalnum() or text[at - 1 : at] == "_") and not (
            text[end : end + 1].isalnum() or text[end : end + 1] == "_"
        ):
            return True
        at = text.find(name, end)
    return False
