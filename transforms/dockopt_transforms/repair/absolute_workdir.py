"""A relative WORKDIR depends on what the base image was left at."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from dockopt.api import Document, Editor, Facts, Instruction, Known, Phase, Proposal, Refusal, Transform, expand_known

_PLAIN = re.compile(r"/[\w./@+:-]*\Z")
_TAME = re.compile(r"[\w./@+:-]+\Z")


class AbsoluteWorkdir(Transform):
    """Write a relative WORKDIR as the absolute path it stands for.

    What:
        Puts the working directory so far, set by an earlier WORKDIR or known of the base image, before a
        relative path.

    Why:
        A relative path moves when the base image changes its own working directory, and a reader has to add the
        lines up to know where a command runs.

    Safety:
        Safe: the directory stays the same.

    Refuses:
        base-workdir-unknown: neither the file nor the table of base images says where the path starts
        tilde-is-literal: BuildKit does not expand ``~``, so the directory is named ``~``; most likely a mistake
        windows: the rules for Windows paths are others

    References:
        https://docs.docker.com/reference/build-checks/workdir-relative-path/
        https://docs.docker.com/reference/dockerfile/#workdir
        hadolint DL3000
    """

    id = "absolute-workdir"
    phase = Phase.REPAIR
    local = True
    form = True
    aliases = ("DL3000", "WorkdirRelativePath")
    instructions = ("WORKDIR",)

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        for node in facts.named("WORKDIR"):
            if node.rest[:1] != "/":
                result = self._look(node, facts)
                if result is not None:
                    yield result

    def _look(self, node: Instruction, facts: Facts) -> Proposal | Refusal | None:
        state = facts.state(node)
        path = node.rest
        known = expand_known(path, state.env, node.escape)
        if known is not None and known.startswith("/"):
            return None
        stage = facts.stages.of(node)
        if stage is not None and stage.windows:
            absolute = path[:1] == "\\" or path[1:2] == ":" or path[:1] == "$"
            return None if absolute else Refusal(node, "windows", "the rules for Windows paths are others")
        inner = path.lstrip("\"'")
        if inner.startswith("/") or (known is None and inner.startswith("$")):
            return None  # absolute already, behind its quote; or most likely so, in its variable
        if inner.startswith("~"):
            return Refusal(node, "tilde-is-literal", f"{inner} is a directory named ~, for BuildKit does not expand it")
        before = state.workdir
        if not isinstance(before, Known) or not _PLAIN.match(before.value):
            why = "its text needs quotes" if isinstance(before, Known) else before.reason
            return Refusal(node, "base-workdir-unknown", f"where the path starts is not known: {why}")
        return _proposal(node, inner, before)


def _proposal(node: Instruction, inner: str, before: Known[str]) -> Proposal:
    start, end = node.args_end - len(inner), node.args_end
    path = posixpath.join(before.value, inner)
    if _TAME.match(inner):
        path = posixpath.normpath(path)

    def edit(editor: Editor) -> None:
        editor.splice(node, [(start, end, path)])

    return Proposal(node, f"write WORKDIR {node.rest} as absolute path", edit, evidence=(before.evidence,))
