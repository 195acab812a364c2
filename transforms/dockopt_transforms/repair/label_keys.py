"""Label keys as Docker's guidelines have them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dockopt.api import (
    Document,
    Edit,
    Editor,
    Effects,
    Facts,
    Instruction,
    Pair,
    Phase,
    Proposal,
    Refusal,
    Safety,
    Transform,
)

# Docker's guidelines: lower-case letters, digits, dots and dashes; a letter first, no dot or dash last or doubled.
_GOOD = re.compile(r"[a-z](?:[a-z0-9]|[.-](?=[a-z0-9]))*\Z")
_QUOTED = re.compile(r"""(["'])([A-Za-z0-9._-]+)\1\Z""")
_RESERVED = ("com.docker.", "io.docker.", "org.dockerproject.")


class LabelKeys(Transform):
    """Write label keys without needless quotes.

    What:
        ``LABEL "version"="1"`` becomes ``LABEL version="1"``. A key that breaks Docker's guidelines (upper case,
        underscores, a reserved name space) is shown with the key it should be.

    Why:
        One way of writing makes keys findable; the guidelines keep them usable by the tools that filter by label.

    Safety:
        Safe for quotes. Manual for another key: whatever reads the label by its old name would no longer find it.

    Refuses:
        key-from-variable: the key comes from a variable

    References:
        https://docs.docker.com/engine/manage-resources/labels/
        hadolint DL3048
    """

    id = "label-keys"
    phase = Phase.REPAIR
    local = True
    form = True
    aliases = ("DL3048",)
    safety = "manual"
    after = ("key-value-form", "replace-maintainer")
    instructions = ("LABEL",)

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        for node in facts.named("LABEL"):
            yield from self._look(node)

    def _look(self, node: Instruction) -> Iterator[Proposal | Refusal]:
        quotes: list[Edit] = []
        wrong: list[tuple[Pair, str]] = []
        for pair in node.pairs:
            if "$" in pair.key:
                yield Refusal(node, "key-from-variable", f"the key {pair.key} comes from a variable")
                continue
            quoted = _QUOTED.match(pair.key)
            key = quoted[2] if quoted else pair.key
            if quoted and not pair.legacy:
                quotes.append((pair.start, pair.start + len(pair.key), key))
            if not _GOOD.match(key) or key.startswith(_RESERVED):
                wrong.append((pair, key))
        if quotes:
            yield _unquote(node, quotes)
        for pair, key in wrong:
            yield _rename(node, pair, key)


def _unquote(node: Instruction, edits: list[Edit]) -> Proposal:
    def edit(editor: Editor) -> None:
        editor.splice(node, edits)

    return Proposal(node, "write label keys without quotes", edit)


def _rename(node: Instruction, pair: Pair, key: str) -> Proposal:
    better = re.sub(r"[^a-z0-9]*([.-])[^a-z0-9]*", r"\1", re.sub(r"[^a-z0-9.-]+", "-", key.lower())).strip(".-")
    reserved = key.startswith(_RESERVED)

    def edit(editor: Editor) -> None:
        editor.splice(node, [(pair.start, pair.start + len(pair.key), better)])

    message = f"the name space of {key} is reserved for Docker" if reserved else f"name the label {key} {better}"
    return Proposal(
        node, message, edit, safety=Safety.MANUAL, effects=Effects(config=(f"label:{key}", f"label:{better}"))
    )
