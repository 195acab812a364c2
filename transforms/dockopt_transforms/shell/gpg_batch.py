"""``gpg`` that never asks."""

from __future__ import annotations

from collections.abc import Iterator

from dockopt.api import Document, Editor, Facts, Phase, Proposal, Refusal, Transform, insert_after
from dockopt_transforms._tables import word_set
from dockopt_transforms.shell._calls import Call, calls, grouped

# Commands that do the same with and without --batch where there is no terminal to ask on.
_SAME = word_set(
    "--recv-keys --recv-key --recv --receive-keys --import --verify --dearmor --export --list-keys --list-key -k "
    "--fingerprint --fetch-keys --import-ownertrust --enarmor --print-md --list-packets"
)
_BATCH = word_set("--batch --no-tty --no-batch")
_ASKING = (
    "--passphrase", "--pinentry", "--edit-key", "--gen-key", "--full-gen", "--quick-", "--generate-key", "--sign",
    "--encrypt", "--decrypt", "--symmetric", "--delete-", "--search-keys", "--command-fd", "--status-fd",
    "--allow-secret-key-import", "--export-secret", "--clearsign", "--detach-sign", "--interactive",
)  # fmt: skip


class GpgBatch(Transform):
    """Add ``--batch`` to ``gpg``.

    What:
        Adds the option right behind ``gpg`` where it receives, imports, verifies, exports or converts keys.

    Why:
        gpg's normal mode is made for people: it may ask, and what it prints may change between versions.
        Its manual asks scripts to use ``--batch``.

    Safety:
        Safe: these commands do the same; where gpg would have asked there is no terminal in a build, and the
        call fails either way.

    Refuses:
        asks: the command asks for a passphrase, a key or a choice, which ``--batch`` answers in another way
        data-file-guessed: ``--verify`` with one file, where gpg without ``--batch`` finds the signed file by its name
        command-unknown: which command gpg is given is only known at build time

    References:
        binnacle gpgUseBatchFlag
        https://www.gnupg.org/documentation/manuals/gnupg/Unattended-Usage-of-GPG.html
    """

    id = "gpg-batch"
    phase = Phase.SHELL
    local = True
    aliases = ("gpgUseBatchFlag",)
    after = ("drop-sudo",)
    mentions = ("gpg",)

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        for group in grouped(calls(facts, "gpg", "gpg2")):
            good: list[Call] = []
            refusals: dict[str, Refusal] = {}
            for call in group:
                if not call.args or any(_option(word.text) in _BATCH for word in call.args):
                    continue
                problem = _problem(call)
                if problem is None:
                    good.append(call)
                elif problem[0]:
                    refusals.setdefault(problem[0], Refusal(call.view.instruction, *problem))
            yield from refusals.values()
            if good:
                yield _proposal(good)


def _option(text: str) -> str:
    return text.partition("=")[0]


def _problem(call: Call) -> tuple[str, str] | None:
    """Why a call stays; an empty cause where there is nothing to tell."""
    texts = [_option(word.value if word.value is not None else word.text) for word in call.args]
    if any(text.startswith(_ASKING) for text in texts) or any(_short_command(text) for text in texts):
        return "asks", "this gpg command may ask, and --batch would answer in another way"
    if "--verify" in texts:
        files = [text for text in texts[texts.index("--verify") + 1 :] if not text.startswith("-") or text == "-"]
        if len(files) < 2:
            return "data-file-guessed", "with --batch, gpg --verify no longer finds the signed file by its name"
    if any(text in _SAME for text in texts):
        return None
    if any(word.value is None and not word.text.startswith('"') for word in call.args):
        return "command-unknown", "what gpg does here is only known at build time"
    return "", ""


def _short_command(text: str) -> bool:
    """Whether it is a bundle of short options with one of gpg's own commands: sign, encrypt, decrypt."""
    return text.startswith("-") and not text.startswith("--") and any(letter in text for letter in "secdb")


def _proposal(group: list[Call]) -> Proposal:
    view = group[0].view

    def edit(editor: Editor) -> None:
        editor.script(view, [insert_after(call.program, "--batch") for call in group])

    return Proposal(view.instruction, "add --batch to gpg", edit)
