"""The line ``sha256sum -c`` reads: two spaces between sum and name."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dockopt.api import Command, Document, Edit, Editor, Facts, Phase, Proposal, Refusal, ScriptView, Transform
from dockopt_transforms.shell._calls import editable

_PROGRAMS = ("sha256sum", "sha512sum", "sha1sum", "sha384sum", "sha224sum", "md5sum", "b2sum")
_SUM = r"(?:[0-9A-Fa-f]{32,128}|\$\w+|\$\{\w+\})"
_FILE = r"(?:[\w./+~-]|\$\w+|\$\{\w+\})+"
_ONE_WORD = re.compile(rf'"({_SUM})( )({_FILE})"\Z|\'([0-9A-Fa-f]{{32,128}})( )([\w./+~-]+)\'\Z')
_FIRST_VARIABLE = re.compile(r'"?\$\{?(\w+)')
_HEX = re.compile(r"[0-9A-Fa-f]{32,128}\Z")
_BARE = re.compile(r"[\w./+{}$-]+\Z")


class Sha256Spacing(Transform):
    """Put two spaces between checksum and file name for ``sha256sum -c``.

    What:
        ``echo "$SUM file" | sha256sum -c`` becomes ``echo "$SUM  file" | sha256sum -c``; likewise for the other
        ``*sum`` programs.

    Why:
        The format has two characters there: a space, and a space or ``*``. GNU's programs forgive one, BusyBox's
        before 1.30 and others do not, and the check fails on a file that is right.

    Safety:
        Safe: the same sum is checked against the same file.

    Refuses:
        words-unknown: the words of the line are only known at build time

    References:
        binnacle sha256sumEchoOneSpace
        https://www.gnu.org/software/coreutils/manual/html_node/cksum-output-modes.html
    """

    id = "sha256-spacing"
    phase = Phase.SHELL
    local = True
    aliases = ("sha256sumEchoOneSpace",)
    mentions = ("sum",)

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        by_node: dict[int, tuple[ScriptView, list[Edit]]] = {}
        refused: set[int] = set()
        for name in _PROGRAMS:
            for view, command in facts.commands(name):
                if not any(word.value in ("-c", "--check") or _checks(word.value) for word in command.args):
                    continue
                echo = _feeder(view, command)
                if echo is None:
                    continue
                edits = _edits(echo)
                if edits and not _is_sum(echo, facts.state(view.instruction).env):
                    edits = None
                if edits is None:
                    if view.instruction.id not in refused:
                        refused.add(view.instruction.id)
                        yield Refusal(view.instruction, "words-unknown", "what the checksum line holds is not known")
                elif edits:
                    by_node.setdefault(view.instruction.id, (view, []))[1].extend(edits)
        for view, edits in by_node.values():
            yield _proposal(view, edits)


def _checks(value: str | None) -> bool:
    return value is not None and value.startswith("-") and not value.startswith("--") and "c" in value


def _feeder(view: ScriptView, command: Command) -> Command | None:
    """The ``echo`` whose output the command reads through a pipe."""
    if not command.within or command.within[-1] != "pipeline":
        return None
    before = [
        other
        for other in view.commands
        if other.end <= command.start and other.within == command.within and other.item == command.item
    ]
    if not before or before[-1].name != "echo" or not editable(view, before[-1]):
        return None
    return before[-1] if view.script.text[before[-1].outer_end : command.start].strip() == "|" else None


def _is_sum(echo: Command, env: dict[str, str | None]) -> bool:
    """Whether the line starts with a sum as far as the file tells: a variable may hold more than that."""
    match = _FIRST_VARIABLE.match(echo.args[0].text)
    value = env.get(match[1]) if match is not None else None
    return value is None or _HEX.match(value) is not None


def _edits(echo: Command) -> list[Edit] | None:
    """What makes one space two; empty where it is right, None where that cannot be told."""
    words = echo.args
    if len(words) == 1:
        match = _ONE_WORD.match(words[0].text)
        if match is None:
            return [] if "  " in words[0].text or "*" in words[0].text or " " not in words[0].text else None
        at = words[0].start + (match.end(2) if match[2] else match.end(5))
        return [(at, at, " ")]
    if len(words) == 2 and not words[1].text.startswith(("*", "-")) and not words[0].text.startswith("-"):
        # Two words: echo joins them by one space whatever stands between, so they become one, quoted.
        first, second = words
        if all(_BARE.match(word.text) for word in words):
            return [(first.start, first.start, '"'), (first.end, second.start, "  "), (second.end, second.end, '"')]
        return None
    return []


def _proposal(view: ScriptView, edits: list[Edit]) -> Proposal:
    def edit(editor: Editor) -> None:
        editor.script(view, edits)

    return Proposal(view.instruction, "put two spaces between checksum and file name", edit)
