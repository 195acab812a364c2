"""Upgrading everything in a build."""

from __future__ import annotations

from collections.abc import Iterator

from dockopt.api import Document, Edit, Editor, Facts, Phase, Proposal, Refusal, Safety, ScriptView, Transform
from dockopt_transforms.packages import _apt

_VERBS = frozenset(("upgrade", "dist-upgrade", "full-upgrade", "safe-upgrade"))


class RemoveUpgrade(Transform):
    """Rely on a fresh base image instead of upgrading its packages.

    What:
        Points out ``apt-get upgrade`` and ``dist-upgrade``, and what the RUN is without it.

    Why:
        An upgrade keeps the old files in the base's layers and adds the new ones, and what it brings depends on the
        day the layer was built. A newer base image, rebuilt often, has the same fixes in smaller layers.

    Safety:
        Manual: whether the base image is kept fresh is not written in the file, and without the upgrade a stale
        one keeps its holes.

    Refuses:
        in-compound: the upgrade stands inside a condition, a loop or a longer pipeline

    References:
        https://docs.docker.com/build/building/best-practices/#rebuild-your-images-often
        hadolint DL3005
    """

    id = "remove-upgrade"
    phase = Phase.PACKAGES
    aliases = ("DL3005",)
    after = ("apt-to-apt-get",)
    mentions = ("upgrade",)
    safety = "manual"
    mildest = "manual"

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        for view, call in facts.invocations("apt"):
            if call.verb not in _VERBS or call.operands:
                continue
            index = call.command.item
            single = len(view.script.items) == 1
            edit = None if single else _apt.drop_items(view, index, index)
            if not call.command.top or (edit is None and not single):
                yield Refusal(
                    view.instruction, "in-compound", "the upgrade stands where it cannot be taken out by itself"
                )
                continue
            yield _proposal(view, edit, call.verb or "")


def _proposal(view: ScriptView, change: Edit | None, verb: str) -> Proposal:
    def edit(editor: Editor) -> None:
        if change is None:
            _apt.remove_run(editor, view)
        else:
            editor.script(view, [change])

    return Proposal(view.instruction, f"use a newer base image instead of apt-get {verb}", edit, safety=Safety.MANUAL)
