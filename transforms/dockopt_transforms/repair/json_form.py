"""An array that is not quite JSON is read as a shell command, or as words with brackets in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from dockopt.api import (
    Document,
    Edit,
    Editor,
    Effects,
    Facts,
    Instruction,
    Phase,
    Proposal,
    Refusal,
    Safety,
    Transform,
    parse_json,
)

_TAKES_JSON = frozenset(("ADD", "CMD", "COPY", "ENTRYPOINT", "HEALTHCHECK", "RUN", "VOLUME"))
# A bare word between commas: a string whose quotes were forgotten.
_BARE = re.compile(r"[\w./:@%+=-]+\Z")
_CLOSING = {'"': '"', "'": "'", "\u201c": "\u201d", "\u201d": "\u201d", "\u2018": "\u2019", "\u2019": "\u2019"}


class Repair(NamedTuple):
    """How an array becomes JSON."""

    edits: list[Edit]
    what: list[str]
    certain: bool


class JsonForm(Transform):
    """Repair an array that was meant as JSON.

    What:
        Writes ``['a', 'b']`` with double quotes, puts a missing comma between two strings, takes a trailing comma
        away, closes an open bracket, replaces typographic quotes.

    Why:
        BuildKit takes what is no JSON for the other form without a word: ``CMD ['server']`` starts a shell that
        looks for a command named ``[server]``, and ``VOLUME ['/data']`` makes a volume of that very name.

    Safety:
        Unsafe: the image changes to what was meant. Manual where a string holds ``$`` or ``\\``, whose meaning
        differs between the two forms.

    Refuses:
        shell-test: a line that starts with ``[`` and may be a test of the shell

    References:
        https://docs.docker.com/reference/dockerfile/#exec-form
        https://docs.docker.com/reference/build-checks/json-args-recommended/
    """

    id = "json-form"
    phase = Phase.REPAIR
    aliases = ("JSONArgsRecommended",)
    safety = "manual"
    mildest = "unsafe"
    mentions = ("[",)

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        for node in document.instructions:
            if node.name not in _TAKES_JSON or node.json is not None:
                continue
            start = node.health_command_start if node.name == "HEALTHCHECK" else node.args_start
            if not node.line.startswith("[", start) or node.heredocs:
                continue
            repair = _repair(node.line, start, node.args_end)
            if repair is None:
                continue
            shell = node.name in ("RUN", "CMD", "ENTRYPOINT", "HEALTHCHECK")
            if shell and not repair.certain and node.line[start + 1 : start + 2].isspace():
                yield Refusal(node, "shell-test", "the line may be a test of the shell")
            else:
                yield _proposal(node, start, repair)


def _proposal(node: Instruction, start: int, repair: Repair) -> Proposal:
    def edit(editor: Editor) -> None:
        editor.splice(node, repair.edits)

    name = node.name.lower()
    effects = {
        "cmd": Effects(config=("cmd",)),
        "entrypoint": Effects(config=("entrypoint",)),
        "healthcheck": Effects(config=("healthcheck",)),
        "volume": Effects(config=("volume:*",)),
    }.get(name, Effects(files_added=("/**",)))
    return Proposal(
        node,
        f"make {node.line[start : start + 40]} JSON: {', '.join(dict.fromkeys(repair.what))}",
        edit,
        safety=Safety.UNSAFE if repair.certain else Safety.MANUAL,
        effects=effects,
    )


def _repair(line: str, start: int, end: int) -> Repair | None:
    """The edits that make the array at ``start`` JSON; None where it does not look like an array."""
    edits: list[Edit] = []
    what: list[str] = []
    certain = True
    commas = items = 0
    bare = False
    last_end = start + 1
    comma_at = -1
    pos = start + 1
    while True:
        while pos < end and line[pos].isspace():
            pos += 1
        if pos >= end or line[pos] == "]":
            break
        if line[pos] == ",":
            if comma_at >= 0 or not items:
                return None
            comma_at = pos
            commas += 1
            pos += 1
            continue
        if items and comma_at < 0:
            edits.append((last_end, last_end, ","))
            what.append("a comma is missing")
        comma_at = -1
        stop, text, sure = _item(line, pos, end)
        if stop < 0:
            return None
        certain = certain and sure
        bare = bare or line[pos] not in _CLOSING
        if text != line[pos:stop]:
            edits.append((pos, stop, text))
            what.append("strings stand in double quotes" if line[pos] in _CLOSING else "a string has no quotes")
        items += 1
        last_end = pos = stop
    # Bare words without commas are a test of the shell, but for a path right behind the bracket.
    if not items or (bare and not commas and line[start + 1] != "/"):
        return None
    if comma_at >= 0:
        edits.append((last_end, comma_at + 1, ""))
        what.append("a comma is left over")
    if pos >= end:
        edits.append((end, end, "]"))
        what.append("the bracket is not closed")
    elif line[pos + 1 : end].strip():
        return None  # something follows the array
    # Without a comma "[ 'a' 'b' ]" might be a test of the shell, which wants white space after its bracket.
    certain = certain and (commas > 0 or not line[start + 1].isspace())
    return Repair(edits, what, certain) if edits else None


def _item(line: str, pos: int, end: int) -> tuple[int, str, bool]:
    """A string of the array: where it stops (-1: it does not), the string as JSON, and whether that is certain."""
    opening = line[pos]
    closing = _CLOSING.get(opening)
    if closing is None:
        stop = pos
        while stop < end and line[stop] not in ",]\"'" and not line[stop].isspace():
            stop += 1
        word = line[pos:stop]
        return (stop, f'"{word}"', bool(_BARE.match(word))) if word else (-1, "", False)
    stop = line.find(closing, pos + 1, end)
    while stop > 0 and opening == '"' and line[stop - 1] == "\\":
        stop = line.find(closing, stop + 1, end)
    if stop < 0:
        return -1, "", False
    text = line[pos + 1 : stop]
    stop += 1
    if opening == '"':
        whole = line[pos:stop]
        return stop, whole, "$" not in text and parse_json(f"[{whole}]") is not None
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return stop, f'"{escaped}"', "$" not in text and "\\" not in text and '"' not in text
