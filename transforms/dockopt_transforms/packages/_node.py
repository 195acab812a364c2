"""What the Node transforms share: who uses a manager later, and which Yarn a file runs."""

from __future__ import annotations

from dockopt.api import Facts, Refusal, ScriptView
from dockopt_transforms.packages._cleanup import later_scripts

_OFFLINE = ("--offline", "--prefer-offline")


def offline_later(facts: Facts, view: ScriptView, manager: str) -> Refusal | None:
    """A refusal where a later RUN wants to install from the cache."""
    for other in later_scripts(facts, view):
        for call in other.invocations:
            if call.manager.name == manager and call.option(*_OFFLINE):
                where = f"line {other.instruction.start_line}"
                return Refusal(view.instruction, "cache-needed", f"{where} installs from the cache")
    return None
