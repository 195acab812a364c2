"""Signature files that stay in the image after they were verified."""

from __future__ import annotations

from collections.abc import Iterator

from dockopt.api import Command, Document, Facts, Phase, Proposal, Refusal, ScriptView, Transform, Word
from dockopt_transforms.shell._calls import calls
from dockopt_transforms.shell._downloads import leftovers, plain, removal

_SUFFIXES = (".asc", ".sig", ".sign", ".gpg")


class AscRm(Transform):
    """Remove a downloaded signature once it is verified.

    What:
        Adds ``rm file.asc`` right after the ``gpg --verify`` that reads a signature the same RUN downloaded.

    Why:
        Nobody reads the signature again; it stays in the layer.

    Safety:
        Safe: the signature was downloaded by this RUN and nothing else in the file names it.

    Refuses:
        used-later: something else in the file names the signature, or a pattern that fits it
        directory-not-proven: the script changes its directory or a variable between download and verification
        cache-mount: a mount of the RUN may hold the file, where it costs nothing
        status-tested: the verification stands beside ``||`` or in the background

    References:
        binnacle gpgVerifyAscRmAsc
    """

    id = "asc-rm"
    phase = Phase.SHELL
    aliases = ("gpgVerifyAscRmAsc",)
    after = ("drop-sudo", "wget-quiet-progress", "gpg-batch")
    scripts = True
    mentions = ("--verify",)

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        by_view: dict[int, tuple[ScriptView, list[tuple[Command, Word]]]] = {}
        for call in calls(facts, "gpg", "gpg2"):
            signature = _signature(call.args)
            if signature is not None:
                by_view.setdefault(call.view.instruction.id, (call.view, []))[1].append((call.command, signature))
        for view, uses in by_view.values():
            for left in leftovers(view, uses):
                result = removal(document, facts, left, "signature")
                if result is not None:
                    yield result


def _signature(args: tuple[Word, ...]) -> Word | None:
    values = [word.value for word in args]
    if "--verify" not in values:
        return None
    after = args[values.index("--verify") + 1 :]
    files = [word for word in after if not word.text.startswith("-")]
    # A lone file holds what it signs; only a detached signature can go.
    return files[0] if len(files) > 1 and plain(files[0].text).endswith(_SUFFIXES) else None
