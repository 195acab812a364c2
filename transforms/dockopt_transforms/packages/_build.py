"""What the cleaners of build tools share: a cache that the finished image must not need any more."""

from __future__ import annotations

from typing import ClassVar

from dockopt.api import MANAGERS, Facts, Instruction, Invocation, Refusal, ScriptView, base_name
from dockopt_transforms.packages._cleanup import Cleaner, later_scripts, started

_SHELLS = frozenset(("sh", "bash", "ash", "dash", "zsh"))


class BuildCleaner(Cleaner):
    """Clean a build tool's cache, where neither a later step nor the finished image runs the tool."""

    start_verbs: ClassVar[frozenset[str]] = frozenset()
    """At start the tool counts only with one of these after it; empty: always."""

    def objection(self, facts: Facts, view: ScriptView, fills: list[Invocation]) -> Refusal | None:
        node = view.instruction
        for other in later_scripts(facts, view):
            where = f"line {other.instruction.start_line}"
            if other.opaque is not None or any(call.manager.name == self.manager for call in other.invocations):
                return Refusal(node, "cache-needed", f"{where} may use the cache")
            if any(_runs_script(command.words[0].text) for command in other.commands if command.words):
                return Refusal(node, "cache-needed", f"{where} runs a script that may use the cache")
        starts = list(started(facts, view))
        if not any(start.name in ("CMD", "ENTRYPOINT") for start in starts):
            return Refusal(node, "runtime-use", "what the image runs is not in this file")
        for start in starts:
            if self._starts(start):
                return Refusal(node, "runtime-use", f"line {start.start_line} may use the cache when the image runs")
        return self.version_objection(facts, view, fills)

    def _starts(self, node: Instruction) -> bool:
        """Whether a CMD, ENTRYPOINT or HEALTHCHECK runs the tool, or a script or shell that may."""
        words = list(node.json) if node.json is not None else node.rest.split()
        names = [base_name(word.strip("\"'`;()")) for word in words]
        for index, name in enumerate(names):
            if name in MANAGERS[self.manager].commands:
                if not self.start_verbs or self.start_verbs & set(names[index + 1 :]):
                    return True
            elif _runs_script(name):
                return True
        return node.json is not None and len(words) == 1 and names[0] in _SHELLS

    def version_objection(self, facts: Facts, view: ScriptView, fills: list[Invocation]) -> Refusal | None:
        """Why this version of the tool is not to be asked for it."""
        return None


def _runs_script(word: str) -> bool:
    return base_name(word) in ("make", "just", "task") or word.endswith((".sh", ".bash"))
