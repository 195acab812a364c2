"""MAINTAINER has been deprecated since Docker 1.13."""

from __future__ import annotations

from collections.abc import Iterator

from dockopt.api import Document, Editor, Effects, Facts, Instruction, Phase, Proposal, Refusal, Transform

LABEL = "org.opencontainers.image.authors"
EFFECTS = Effects(config=("author", f"label:{LABEL}"))


class ReplaceMaintainer(Transform):
    """Replace MAINTAINER by the OCI label for authors.

    What:
        Writes ``LABEL org.opencontainers.image.authors="…"`` in the place of MAINTAINER, the name quoted so
        that it stays the same to the character.

    Why:
        MAINTAINER is deprecated, builders warn about it, and tools read the label.

    Safety:
        Safe: no file changes; the image's ``author`` field becomes the label.

    Refuses:
        label-exists: the stage sets that label already; MAINTAINER is then dropped only where it is equal

    References:
        https://docs.docker.com/reference/build-checks/maintainer-deprecated/
        https://github.com/opencontainers/image-spec/blob/main/annotations.md
        hadolint DL4000
    """

    id = "replace-maintainer"
    phase = Phase.REPAIR
    aliases = ("DL4000", "MaintainerDeprecated")
    mentions = ("maintainer",)

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        for stage in facts.stages.all:
            maintainers = [node for node in stage.instructions if node.name == "MAINTAINER"]
            for node in maintainers[:-1]:
                yield _drop(node, "drop a MAINTAINER that a later one replaces")
            if not maintainers:
                continue
            node = maintainers[-1]
            name = node.rest
            value = _quoted(name, document.escape)
            existing = facts.config(stage).get(f"label:{LABEL}")
            if existing is None:
                yield _replace(node, f"{_keyword(node)} {LABEL}={value}")
            elif existing == f"={_plain(name)}":
                yield _drop(node, f"drop MAINTAINER: the label {LABEL} says the same")
            else:
                yield Refusal(node, "label-exists", f"the label {LABEL} is set to something else")


def _keyword(node: Instruction) -> str:
    return "label" if node.keyword.islower() else "LABEL"


def _plain(name: str) -> str:
    """The name without quotes around the whole of it."""
    if len(name) > 1 and name[0] == name[-1] and name[0] in "\"'" and name[0] not in name[1:-1]:
        return name[1:-1]
    return name


def _quoted(name: str, escape: str) -> str:
    """The name as a double-quoted LABEL value: ``"``, ``$`` and the escape token escaped."""
    out = "".join(escape + ch if ch in ('"', "$", escape) else ch for ch in _plain(name))
    return f'"{out}"'


def _replace(node: Instruction, text: str) -> Proposal:
    def edit(editor: Editor) -> None:
        editor.splice(node, [(node.keyword_start, node.args_end, text)])

    return Proposal(node, f"replace MAINTAINER by the label {LABEL}", edit, effects=EFFECTS)


def _drop(node: Instruction, message: str) -> Proposal:
    def edit(editor: Editor) -> None:
        editor.remove(node)

    return Proposal(node, message, edit, effects=EFFECTS)
