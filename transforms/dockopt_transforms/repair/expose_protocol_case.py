"""EXPOSE's protocol is written in lower case."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dockopt.api import Document, Edit, Editor, Facts, Instruction, Phase, Proposal, Refusal, Transform

_PROTOCOL = re.compile(r"/(tcp|udp|sctp)(?=[\s\"']|\Z)", re.I)


class ExposeProtocolCase(Transform):
    """Write the protocol of EXPOSE in lower case.

    What:
        ``EXPOSE 53/UDP`` becomes ``EXPOSE 53/udp``.

    Why:
        The image says ``53/udp`` whatever the file says, and builders warn about the rest.

    Safety:
        Safe: BuildKit lowers it itself.

    Refuses:
        unknown-protocol: a protocol that is none of tcp, udp, sctp, with which the build fails

    References:
        https://docs.docker.com/reference/build-checks/expose-proto-casing/
    """

    id = "expose-protocol-case"
    phase = Phase.REPAIR
    local = True
    form = True
    aliases = ("ExposeProtoCasing",)
    instructions = ("EXPOSE",)

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        for node in facts.named("EXPOSE"):
            if "/" in node.rest:
                result = _look(node)
                if result is not None:
                    yield result


def _look(node: Instruction) -> Proposal | Refusal | None:
    edits: list[Edit] = []
    for match in _PROTOCOL.finditer(node.line, node.args_start, node.args_end):
        if match[1] != match[1].lower():
            edits.append((match.start(1), match.end(1), match[1].lower()))
    if not edits:
        for word in node.args:
            protocol = word.partition("/")[2]
            if protocol.isalpha() and protocol.lower() not in ("tcp", "udp", "sctp") and protocol != protocol.lower():
                return Refusal(node, "unknown-protocol", f"{protocol} is no protocol Docker knows")
        return None

    def edit(editor: Editor) -> None:
        editor.splice(node, edits)

    return Proposal(node, "write the protocol in lower case", edit)
