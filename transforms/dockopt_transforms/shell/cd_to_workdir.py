"""``RUN cd``, which lasts for one RUN only."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from dockopt.api import Document, Editor, Effects, Facts, Known, Phase, Proposal, Refusal, Safety, ScriptView, Transform


class CdToWorkdir(Transform):
    """Go to a directory by WORKDIR rather than ``cd``.

    What:
        Shows ``RUN cd /dir && command`` as ``WORKDIR /dir`` and ``RUN command``, with a WORKDIR back to where the
        stage was. Only a ``cd`` at the start of the script is one WORKDIR could replace.

    Why:
        WORKDIR says where the following instructions work, and readers see it at a glance.

    Safety:
        Manual: WORKDIR makes the directory where it is missing, belongs to the image's configuration and is one
        more layer; whether it reads better is a matter of taste.

    Refuses:
        directory-unknown: where the ``cd`` goes, or where the stage was before, is only known at build time

    References:
        hadolint DL3003
    """

    id = "cd-to-workdir"
    phase = Phase.SHELL
    aliases = ("DL3003",)
    after = ("unpacked-archive-rm", "pipefail")
    safety = "manual"
    mildest = "manual"
    mentions = ("cd ",)

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        done: set[int] = set()
        for view, command in facts.commands("cd"):
            script = view.script
            if view.instruction.id in done or view.heredoc is not None or command.item != 0 or not command.top:
                continue
            done.add(view.instruction.id)
            if len(script.items) < 2 or script.items[1].operator != "&&":
                continue
            workdir = facts.state(view.instruction).workdir
            target = command.args[0].value if len(command.args) == 1 else None
            if target is None or target.startswith(("-", "~")) or not isinstance(workdir, Known):
                yield Refusal(
                    view.instruction,
                    "directory-unknown",
                    "where this cd goes or comes from is only known at build time",
                )
            else:
                yield _proposal(document, view, posixpath.join(workdir.value, target), workdir.value)


def _proposal(document: Document, view: ScriptView, target: str, before: str) -> Proposal:
    def edit(editor: Editor) -> None:
        node, items = view.instruction, view.script.items
        editor.script(view, [(items[0].start, items[1].start, "")])
        keyword = document.keyword("WORKDIR")
        editor.insert_before(node, f"{keyword} {posixpath.normpath(target)}{editor.eol}")
        editor.insert_after(node, f"{keyword} {before}{editor.eol}")

    return Proposal(
        view.instruction,
        f"WORKDIR {posixpath.normpath(target)} instead of cd",
        edit,
        safety=Safety.MANUAL,
        effects=Effects(config=("workdir",), layers=2),
    )
