"""dnf, yum and microdnf: one cache cleaner, told apart by the program's name."""

from __future__ import annotations

from dockopt.api import Command, Facts, Invocation, Refusal, ScriptView
from dockopt_transforms.packages._cleanup import Cleaner, later_scripts

_GROUP_VERBS = frozenset(("group", "groups", "module"))
_GROUP_ACTIONS = frozenset(("install", "update", "upgrade", "enable-and-install"))
_OFFLINE = ("-C", "--cacheonly")
_KEEPING = ("--downloadonly", "--downloaddir", "--destdir")
# yum is a link to dnf since Fedora 22 and RHEL 8, so either one's ``clean all`` empties the other's cache.
_SAME = {"dnf": ("dnf", "yum"), "yum": ("yum", "dnf"), "microdnf": ("microdnf",)}


class DnfCleaner(Cleaner):
    """Clean the cache of dnf or one of its kin."""

    clean = "clean all"
    repositories = True
    caches = ("/var/cache/dnf", "/var/cache/libdnf5", "/var/cache/yum")

    def fills(self, call: Invocation) -> bool:
        if call.verb in _GROUP_VERBS:
            return bool(call.operands) and call.operands[0].value in _GROUP_ACTIONS
        return super().fills(call)

    def cleans(self, command: Command, call: Invocation | None) -> bool:
        if call is not None and call.manager.name in _SAME[self.manager] and call.action == "clean":
            return True
        return super().cleans(command, call)

    def objection(self, facts: Facts, view: ScriptView, fills: list[Invocation]) -> Refusal | None:
        node = view.instruction
        if any(call.option("--installroot") for call in fills):
            return Refusal(node, "other-root", "the packages go below --installroot, and their cache with them")
        if any(call.option(*_KEEPING) for call in fills):
            return Refusal(node, "cache-needed", "the packages are downloaded to be kept")
        for other in later_scripts(facts, view):
            for call in other.invocations:
                if call.manager.name in _SAME[self.manager] and call.option(*_OFFLINE):
                    where = f"line {other.instruction.start_line}"
                    return Refusal(
                        node, "cache-needed", f"{where} works from the cache alone ({call.executable.text} -C)"
                    )
        return None
