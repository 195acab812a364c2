"""MAINTAINER has been deprecated since Docker 1.13."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dockopt.api import Document, Editor, Effects, Facts, Instruction, Phase, Proposal, Refusal, Transform
from dockopt_transforms.repair._lines import remove

LABEL = "org.opencontainers.image.authors"
EFFECTS = Effects(config=("author", f"label:{LABEL}"))

# A display name in quotes before its address, "A B" <a@b>: RFC 5322 quotes it for the mail system's sake.
_DISPLAY_NAME = re.compile(r"""(["'])([^"']+)\1(\s.*|,.*)\Z""", re.S)
# The address in quotes after the name, A B "a@b" or A B "https://…".
_ADDRESS = re.compile(r"""([^"']*[^"'\s])\s+(["'])(\S+@\S+|https?://[^\s"']+)\2\Z""")
_WHOLE = re.compile(r"""(["'])([^"']*)\1\Z""", re.S)


class ReplaceMaintainer(Transform):
    """Replace MAINTAINER by the OCI label for authors.

    What:
        Writes ``LABEL org.opencontainers.image.authors="…"`` in the place of MAINTAINER. BuildKit takes
        MAINTAINER's text as it stands but expands and unquotes a label, so ``"``, ``$`` and the escape token are
        escaped and the label says the same to the character. Only quotes around the whole name, or around the
        name before an address (``"A B" <a@b>``), are left out, and an address in quotes (``A B "a@b"``) is written
        as ``A B <a@b>``. Several MAINTAINER of one stage, of which
        BuildKit keeps the last, become one list of authors.

    Why:
        MAINTAINER is deprecated, builders warn about it, and tools read the label.

    Safety:
        Safe: no file changes; the image's ``author`` field becomes the label.

    Refuses:
        label-exists: the stage sets that label to something else; MAINTAINER is dropped only where it is equal
        label-from-variable: the label is set from a variable, so nobody can tell whether it says the same

    References:
        https://docs.docker.com/reference/build-checks/maintainer-deprecated/
        https://github.com/opencontainers/image-spec/blob/main/annotations.md
        hadolint DL4000
    """

    id = "replace-maintainer"
    phase = Phase.REPAIR
    local = True
    form = True
    aliases = ("DL4000", "MaintainerDeprecated")
    instructions = ("MAINTAINER",)

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        for stage in facts.stages.all:
            nodes = [node for node in stage.instructions if node.name == "MAINTAINER"]
            if not nodes:
                continue
            authors = ", ".join(dict.fromkeys(_plain(node) for node in nodes))
            existing = facts.config(stage).get(f"label:{LABEL}")
            if existing is None:
                yield _replace(document, nodes, authors)
            elif existing.startswith("?"):
                yield Refusal(nodes, "label-from-variable", f"the label {LABEL} is set from a variable")
            elif existing in (f"={authors}", f"={_plain(nodes[-1])}"):
                yield _drop(document, nodes)
            else:
                yield Refusal(nodes, "label-exists", f"the label {LABEL} is set to something else")


def _plain(node: Instruction) -> str:
    """The name a person meant."""
    name = node.rest
    if len(node.lines) > 1:
        name = " ".join(name.split())  # the indent of a continuation is no part of a name
    if whole := _WHOLE.match(name):
        return whole[2]
    if address := _ADDRESS.match(name):
        return f"{address[1]} <{address[3]}>"
    if display := _DISPLAY_NAME.match(name):
        return display[2] + display[3]
    return name


def _quoted(name: str, escape: str) -> str:
    """The name as a double-quoted LABEL value: ``"``, ``$`` and the escape token escaped."""
    out = "".join(escape + ch if ch in ('"', "$", escape) else ch for ch in name)
    return f'"{out}"'


def _replace(document: Document, nodes: list[Instruction], authors: str) -> Proposal:
    node = nodes[-1]
    text = f"{document.keyword('LABEL')} {LABEL}={_quoted(authors, document.escape)}"

    def edit(editor: Editor) -> None:
        for earlier in nodes[:-1]:
            remove(editor, document, earlier)
        editor.splice(node, [(node.keyword_start, node.args_end, text)])

    return Proposal([node, *nodes[:-1]], f"replace MAINTAINER by the label {LABEL}", edit, effects=EFFECTS)


def _drop(document: Document, nodes: list[Instruction]) -> Proposal:
    def edit(editor: Editor) -> None:
        for node in nodes:
            remove(editor, document, node)

    return Proposal(nodes, f"drop MAINTAINER: the label {LABEL} says the same", edit, effects=EFFECTS)
