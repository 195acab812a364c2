"""A build has nobody to answer a question."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dockopt.api import (
    Document,
    Edit,
    Editor,
    Facts,
    Invocation,
    Phase,
    Proposal,
    Refusal,
    ScriptView,
    Transform,
    insert_after,
)

_MANAGERS = ("apt", "dnf", "yum", "microdnf", "zypper")
_ACTIONS = frozenset(("install", "upgrade", "remove"))
# dnf's and yum's verbs that take a second verb: ``dnf module install``.
_GROUPS = {
    "module": frozenset(("install", "enable", "disable", "reset", "update", "remove", "switch-to")),
    "group": frozenset(("install", "update", "upgrade", "remove")),
}
_DRY = ("-s", "--simulate", "--just-print", "--dry-run", "--recon", "--no-act", "--assume-no", "--assumeno", "-D")
_DRY_APT = ("--print-uris",)
_CONFIG = {"apt": "apt::get::assume-yes", "dnf": "assumeyes", "yum": "assumeyes", "microdnf": "assumeyes"}


class AssumeYes(Transform):
    """Answer a package manager's question in advance.

    What:
        Adds ``-y`` to apt-get, aptitude, dnf, yum and microdnf, and ``--non-interactive`` to zypper, for every
        verb that asks before it changes the system.

    Why:
        A build has no terminal: the question is answered by the end of the input, which aborts the call as
        soon as it needs more than the packages it names.

    Safety:
        Safe: where the call went through before, nothing was asked.

    Refuses:
        set-in-config: the file writes a configuration that answers already

    References:
        https://manpages.debian.org/bookworm/apt/apt-get.8.en.html
        https://dnf.readthedocs.io/en/latest/command_ref.html
        https://documentation.suse.com/smart/systems-management/html/concept-zypper/index.html
        hadolint DL3014, DL3030, DL3034, DL3038
    """

    id = "assume-yes"
    phase = Phase.PACKAGES
    local = True
    aliases = ("DL3014", "DL3030", "DL3034", "DL3038")
    after = ("apt-to-apt-get",)
    managers = _MANAGERS

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        by_view: dict[int, tuple[ScriptView, list[Invocation]]] = {}
        for manager in _MANAGERS:
            config = _CONFIG.get(manager)
            for view, call in facts.invocations(manager):
                if _answered(call):
                    continue
                if config is not None and facts.mentions(config) and _sets(facts.text, config):
                    yield Refusal(view.instruction, "set-in-config", f"the file sets {config} for {manager}")
                    continue
                by_view.setdefault(view.instruction.id, (view, []))[1].append(call)
        for view, calls in by_view.values():
            yield _proposal(view, calls)


def _sets(text: str, config: str) -> bool:
    """Whether a text names a setting otherwise than as an option of one call, as ``--assumeyes`` is."""
    return re.search(rf"(?<!--)(?<!-o)(?<!-o ){config}", text) is not None


def _answered(call: Invocation) -> bool:
    """Whether the call asks nothing, or has its answer."""
    name = call.manager.name
    group = call.verb in _GROUPS and name != "zypper"
    if call.verb_word is None or not (group or call.action in _ACTIONS) or call.yes or call.option(*_DRY):
        return True
    if group:
        return not call.operands or call.operands[0].value not in _GROUPS[call.verb or ""]
    if name == "apt":
        quiet = sum(option.name in ("-q", "--quiet") for option in call.options)
        return (
            quiet > 1  # apt-get(8): -qq implies -y
            or any(option.word.text == "-q=2" for option in call.options)
            or call.option(*_DRY_APT) is not None
            or any((option.value or "").lower().startswith("apt::get::assume-yes") for option in call.options)
        )
    return any((option.value or "").startswith("assumeyes") for option in call.options)


def _proposal(view: ScriptView, calls: list[Invocation]) -> Proposal:
    def edit(editor: Editor) -> None:
        edits: list[Edit] = []
        for call in calls:
            if call.manager.name == "zypper":
                edits.append(insert_after(call.executable, "--non-interactive"))
            elif call.verb in _GROUPS:
                edits.append(insert_after(call.executable, "-y"))
            elif call.verb_word is not None:
                edits.append(insert_after(call.verb_word, "-y"))
        editor.script(view, edits)

    flag = "--non-interactive" if all(call.manager.name == "zypper" for call in calls) else "-y"
    return Proposal(view.instruction, f"answer with {flag}, since a build has nobody to ask", edit)
