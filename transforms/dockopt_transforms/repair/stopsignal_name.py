"""STOPSIGNAL by the name everybody knows."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dockopt.api import Document, Editor, Effects, Facts, Instruction, Phase, Proposal, Refusal, Transform

# The numbers POSIX fixes for kill(1); all others differ between processor architectures.
_NUMBERS = {
    "1": "SIGHUP",
    "2": "SIGINT",
    "3": "SIGQUIT",
    "6": "SIGABRT",
    "9": "SIGKILL",
    "14": "SIGALRM",
    "15": "SIGTERM",
}
_NAMES = frozenset(
    "ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS TERM TRAP"  # noqa: SIM905
    " TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ".split()
)
_REAL_TIME = re.compile(r"RTM(?:IN(?:\+\d+)?|AX(?:-\d+)?)\Z")


class StopsignalName(Transform):
    """Write STOPSIGNAL as the signal's name.

    What:
        ``STOPSIGNAL 15`` and ``STOPSIGNAL term`` become ``STOPSIGNAL SIGTERM``.

    Why:
        A name is read without a table, and means the same on every architecture.

    Safety:
        Safe: it is the same signal, only the configuration's text changes.

    Refuses:
        number-differs: a number that is another signal on another architecture
        unknown-signal: no signal of Linux has that name
        variable: the signal comes from a variable

    References:
        https://docs.docker.com/reference/dockerfile/#stopsignal
        https://pubs.opengroup.org/onlinepubs/9799919799/utilities/kill.html
    """

    id = "stopsignal-name"
    phase = Phase.REPAIR
    local = True
    form = True
    instructions = ("STOPSIGNAL",)

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        for node in facts.named("STOPSIGNAL"):
            result = _look(node)
            if result is not None:
                yield result


def _look(node: Instruction) -> Proposal | Refusal | None:
    written = node.rest
    if "$" in written:
        return Refusal(node, "variable", f"{written} comes from a variable")
    signal = written.strip("\"'")
    if signal.isdigit():
        name = _NUMBERS.get(signal)
        if name is None:
            return Refusal(node, "number-differs", f"signal {signal} is another one on another architecture")
    else:
        short = signal.upper().removeprefix("SIG")
        if short not in _NAMES and not _REAL_TIME.match(short):
            return Refusal(node, "unknown-signal", f"no signal of Linux is named {written}")
        name = "SIG" + short
    if name == written:
        return None

    def edit(editor: Editor) -> None:
        editor.splice(node, [(node.args_start, node.args_end, name)])

    return Proposal(node, f"write signal {written} as {name}", edit, effects=Effects(config=("stopsignal",)))
