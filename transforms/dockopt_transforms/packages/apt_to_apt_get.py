"""``apt`` is for people; scripts call ``apt-get``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dockopt.api import (
    Document,
    Edit,
    Editor,
    Effects,
    Facts,
    Invocation,
    Phase,
    Proposal,
    Refusal,
    ScriptView,
    Transform,
    base_name,
    insert_after,
    replace,
)

# Verbs apt-get knows under the same name in every release since 1.0.
_SHARED = frozenset(
    (
        "install",
        "update",
        "upgrade",
        "dist-upgrade",
        "remove",
        "purge",
        "autoremove",
        "auto-remove",
        "clean",
        "autoclean",
        "auto-clean",
        "build-dep",
        "source",
        "download",
        "check",
    )
)

# What may be a call in a script whose grammar is not known.
_CALL = re.compile(r"(?<![\w./-])apt\s+(?:-\S+\s+)*(?:install|update|upgrade|remove|purge)\b")

# APT::Keep-Downloaded-Packages is false for the binary apt alone (apt's NEWS, 1.2~exp1).
EFFECTS = Effects(files_added=("/var/cache/apt/archives/**",))


class AptToAptGet(Transform):
    """Call ``apt-get`` instead of ``apt`` in scripts.

    What:
        Renames the command for the verbs both have; ``full-upgrade`` becomes ``dist-upgrade``, and
        ``upgrade`` gets ``--with-new-pkgs``, which is what apt's own upgrade does.

    Why:
        apt's interface is for a terminal and may change between releases; it says so itself on every call
        whose output is not a terminal. apt-get's is stable.

    Safety:
        Safe: both are the same program over the same library; the same packages are installed. apt removes the
        archives it has downloaded once they are installed, apt-get leaves them in ``/var/cache/apt/archives``
        unless the image says otherwise, as the official images of Debian and Ubuntu do.

    Refuses:
        verb-not-shared: apt-get has no such verb (``list``, ``search``, ``show`` …), or the verb is not known
        opaque-script: the script is not one that dockopt reads

    References:
        https://manpages.debian.org/bookworm/apt/apt.8.en.html#SCRIPT_USAGE_AND_DIFFERENCES_FROM_OTHER_APT_TOOLS
        hadolint DL3027
    """

    id = "apt-to-apt-get"
    phase = Phase.PACKAGES
    local = True
    aliases = ("DL3027",)
    mentions = ("apt ",)

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        by_view: dict[int, tuple[ScriptView, list[Invocation]]] = {}
        for view, call in facts.invocations("apt"):
            if base_name(call.executable.value or "") != "apt":
                continue
            if call.verb not in _SHARED and call.verb != "full-upgrade":
                verb = call.verb_word.text if call.verb_word is not None else "without a verb"
                yield Refusal(view.instruction, "verb-not-shared", f"apt-get has no counterpart of apt {verb}")
                continue
            by_view.setdefault(view.instruction.id, (view, []))[1].append(call)
        for view, calls in by_view.values():
            yield _proposal(view, calls)
        for view in facts.scripts:
            if view.opaque is not None and _CALL.search(view.script.text):
                yield Refusal(view.instruction, "opaque-script", view.opaque)


def _proposal(view: ScriptView, calls: list[Invocation]) -> Proposal:
    def edit(editor: Editor) -> None:
        edits: list[Edit] = []
        for call in calls:
            word = call.executable
            edits.append(
                replace(
                    word, word.text[: word.text.rindex("apt")] + "apt-get" + word.text[word.text.rindex("apt") + 3 :]
                )
            )
            if call.verb_word is None:
                continue
            if call.verb == "full-upgrade":
                edits.append(replace(call.verb_word, "dist-upgrade"))
            elif call.verb == "upgrade" and not call.option("--with-new-pkgs", "--without-new-pkgs"):
                edits.append(insert_after(call.verb_word, "--with-new-pkgs"))
        editor.script(view, edits)

    return Proposal(view.instruction, "call apt-get instead of apt", edit, effects=EFFECTS)
