"""ENV and LABEL once took a key and a value with white space between them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from dockopt.api import (
    Document,
    Edit,
    Editor,
    ExpansionError,
    Facts,
    Instruction,
    Pair,
    Phase,
    Proposal,
    Refusal,
    Transform,
    process_word,
    same_value,
    tokens,
)

# A later line that starts like a key of its own: NAME value, or key=value.
_KEY_ON_ITS_OWN = re.compile(r"\s*(?:[A-Z_][A-Z0-9_]*\s+\S|[A-Za-z_][\w.-]*\s*=)")


class KeyValueForm(Transform):
    """Write ENV and LABEL as ``key=value``.

    What:
        Turns ``ENV key some value`` into ``ENV key="some value"``, and LABEL likewise. The value gets quotes only
        where it holds white space; what it expands to stays the same to the character.

    Why:
        The form with white space takes the whole line as one value, so a second key becomes part of the first
        one's value unseen. Docker's reference calls it legacy and builders warn about it.

    Safety:
        Safe: keys and values of the image stay as they are.

    Refuses:
        several-keys-meant: a later line of the value starts like a key of its own, which is most likely a mistake
        equals-stands-alone: the value starts with ``=`` (``ENV key = value``), which then is part of it
        quoting-not-certain: the value has quotes or escapes that no quoted form is sure to keep

    References:
        https://docs.docker.com/reference/build-checks/legacy-key-value-format/
        https://docs.docker.com/reference/dockerfile/#env
    """

    id = "key-value-form"
    phase = Phase.REPAIR
    local = True
    form = True
    aliases = ("LegacyKeyValueFormat",)
    instructions = ("ENV", "LABEL")

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        for node in document.instructions:
            if node.name not in ("ENV", "LABEL"):
                continue
            pairs = node.pairs
            if len(pairs) != 1 or not pairs[0].legacy:
                continue
            yield _look(node, pairs[0])


def _look(node: Instruction, pair: Pair) -> Proposal | Refusal:
    key = pair.key
    if _holds_another_key(node, pair):
        return Refusal(node, "several-keys-meant", f"the value of {key} goes on with what looks like a key")
    if pair.value[:1] == "=" and pair.value[1:2].isspace():
        return Refusal(node, "equals-stands-alone", f"the value of {key} starts with =, most likely a mistake")
    edits = _edits(node, pair)
    if edits is None:
        return Refusal(node, "quoting-not-certain", f"the quotes in the value of {key} cannot be kept")
    return _proposal(node, pair, edits)


def _proposal(node: Instruction, pair: Pair, edits: list[Edit]) -> Proposal:
    def edit(editor: Editor) -> None:
        editor.splice(node, edits)

    return Proposal(node, f"write {node.name} {pair.key} as key=value", edit)


def _holds_another_key(node: Instruction, pair: Pair) -> bool:
    return any(
        line.logical > pair.value_start
        and _KEY_ON_ITS_OWN.match(node.text[line.content_start : line.content_end])
        and node.line[line.logical - 1 : line.logical + 1].isspace()
        for line in node.lines
    )


def _edits(node: Instruction, pair: Pair) -> list[Edit] | None:
    """The edits that give the form with ``=``, None where the value's meaning is not sure to stay."""
    escape, value = node.escape, pair.value
    if any(ch in pair.key for ch in ("'", '"', escape)) or not _accepted(value, escape):
        return None
    quoted = _quoted(value, escape)
    if quoted is None or not _one_word(quoted, escape) or not same_value(quoted, value, escape):
        return None
    key_end = pair.start + len(pair.key)
    seam = any(key_end < line.logical <= pair.value_start for line in node.lines)
    if seam or value not in (quoted, quoted[1:-1]):
        return [(key_end, pair.end, "=" + quoted)]
    # The value's text stays where it is, over however many lines; it only gets its quotes.
    quote = quoted[: (len(quoted) - len(value)) // 2]
    return [(key_end, pair.value_start, "=" + quote), (pair.end, pair.end, quote)]


def _accepted(value: str, escape: str) -> bool:
    """Whether BuildKit takes the value at all: no quote left open, no bad substitution."""
    try:
        process_word(value, defaultdict(lambda: "x"), escape)
    except ExpansionError:
        return False
    return True


def _one_word(value: str, escape: str) -> bool:
    found = tokens(value, 0, len(value), escape)
    return len(found) == 1 and found[0].text == value


def _quoted(value: str, escape: str) -> str | None:
    """The value as one word: as it is where that will do, else in double quotes."""
    if _one_word(value, escape):
        return value
    out: list[str] = []
    special = ('"', "$", escape)
    pos = 0
    while pos < len(value):
        ch = value[pos]
        if ch == "'":
            end = value.index("'", pos + 1)
            out.extend(escape + inner if inner in special else inner for inner in value[pos + 1 : end])
            pos = end + 1
        elif ch == '"':
            end = pos + 1
            while value[end] != '"':
                end += 2 if value[end] == escape else 1
                if end >= len(value):
                    return None
            out.append(value[pos + 1 : end])
            pos = end + 1
        elif ch == escape:
            following = value[pos + 1 : pos + 2]
            out.append(escape + following if following in special else following)
            pos += 2
        else:
            out.append(ch)
            pos += 1
    return '"' + "".join(out) + '"'
