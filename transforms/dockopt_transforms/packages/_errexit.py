"""Whether errexit (``set -e``) is in force in a script: what decides how a command may be put behind another."""

from __future__ import annotations

from dockopt.api import (
    Command,
    Facts,
    ScriptView,
    reads_status,
    replaces_shell,
    started_with_errexit,
    turns_on_errexit,
)

_OUTRIGHT = ("", ";", "\n")  #: the operators behind which a command runs whatever went before


def may_hold(facts: Facts, view: ScriptView) -> bool:
    """Whether it is, or may be, in force anywhere in a script."""
    return _from_start(facts, view) or any(command.name == "set" for command in view.script.commands)


def holds(facts: Facts, view: ScriptView, item: int) -> bool:
    """Whether it is sure to be in force when an element of the top-level list runs."""
    strict = _from_start(facts, view)
    for command in view.script.commands:
        if command.item >= item:
            break
        if command.name == "set":
            strict = _sets(command, view.script.items[command.item].operator in _OUTRIGHT, strict)
    return strict


def plain(view: ScriptView, item: int) -> bool:
    """Whether an element of the list is a command or pipeline, and no construct that other commands stand in.

    Under errexit the two differ: ``for … done`` may stop at the first failure inside, which ``&&`` behind it would
    take from it, or fail without ending the script, which ``;`` behind it would hide (POSIX 2.8.1, set -e).
    """
    return all(command.within in ((), ("pipeline",)) for command in view.script.commands_of(item))


def may_follow(facts: Facts, view: ScriptView, item: int) -> bool:
    """Whether a command may be put behind an element, and what fails the RUN and what ``$?`` says stay as they are."""
    script = view.script
    if any(map(replaces_shell, script.commands_of(item))):
        return False
    if not may_hold(facts, view):
        return True
    if item + 1 == len(script.items):
        return plain(view, item)
    return script.items[item + 1].operator not in (";", "\n") or not reads_status(script, item + 1)


def ends_script(facts: Facts, view: ScriptView, item: int) -> bool:
    """Whether errexit is sure to end the script where an element fails, so that none behind it need be there for that."""
    items = view.script.items
    return items[item].operator in _OUTRIGHT and plain(view, item) and holds(facts, view, item)


def _from_start(facts: Facts, view: ScriptView) -> bool:
    if started_with_errexit(facts.state(view.instruction).shell):
        return True
    first = view.script.text.split("\n", 1)[0]
    return first.startswith("#!") and any(turns_on_errexit(word) for word in first.split()[1:])


def _sets(command: Command, outright: bool, strict: bool) -> bool:
    """Whether errexit is sure to be in force behind a ``set``, given whether it was before."""
    for word in command.args:
        value = word.value
        if value is None:
            return False  # an expansion may hold any option
        if value == "--":
            break
        if turns_on_errexit(value) and "+o" not in command.values:
            strict = strict or (command.top and outright)
        elif (value.startswith("+") and "e" in value) or value == "errexit":
            strict = False
    return strict
