"""Archives that stay in the image after they were unpacked."""

from __future__ import annotations

from collections.abc import Iterator

from dockopt.api import Command, Document, Facts, Phase, Proposal, Refusal, ScriptView, Transform, Word, base_name
from dockopt_transforms._tables import word_set
from dockopt_transforms.shell._calls import options
from dockopt_transforms.shell._downloads import leftovers, removal

_TAR = word_set(
    "-C -f -b -g -H -I -K -L -N -T -V -X -F --file --directory --exclude --strip-components --owner --group"
)
_UNZIP = word_set("-d -x -P")


class UnpackedArchiveRm(Transform):
    """Remove a downloaded archive once it is unpacked.

    What:
        Adds ``rm archive`` right after the ``tar`` or ``unzip`` that unpacks what the same RUN downloaded with
        ``curl`` or ``wget``.

    Why:
        The archive stays in the layer beside its contents, and a later RUN cannot take it out again.

    Safety:
        Safe: the archive was made by this RUN, nothing else in the file names it, and what was unpacked stays.

    Refuses:
        used-later: something else in the file names the archive, or a pattern that fits it
        directory-not-proven: the script changes its directory or a variable between download and unpacking
        cache-mount: a mount of the RUN may hold the archive, where it costs nothing
        status-tested: the unpacking stands beside ``||`` or in the background, or ends a chain that ``set -e`` stops at

    References:
        binnacle tarSomethingRmTheSomething
        https://docs.docker.com/build/building/best-practices/
    """

    id = "unpacked-archive-rm"
    phase = Phase.SHELL
    aliases = ("tar-rm", "tarSomethingRmTheSomething")
    after = ("drop-sudo", "wget-quiet-progress")
    scripts = True
    mentions = ("tar ", "tar\t", "unzip")

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        by_view: dict[int, tuple[ScriptView, list[tuple[Command, Word]]]] = {}
        for name in ("tar", "bsdtar", "unzip"):
            for view, command in facts.commands(name):
                archive = _archive(command)
                if archive is not None:
                    by_view.setdefault(view.instruction.id, (view, []))[1].append((command, archive))
        for view, uses in by_view.values():
            for left in leftovers(view, uses):
                result = removal(document, facts, left, "archive")
                if result is not None:
                    yield result


def _archive(command: Command) -> Word | None:
    """The archive an unpacking command reads."""
    if base_name(command.name or "") == "unzip":
        found = options(command.args, _UNZIP)
        used = {id(option.word) for option in found} | {id(option.value_word) for option in found}
        rest = [word for word in command.args if id(word) not in used]
        return rest[0] if rest else None
    first = command.args[0].value if command.args else None
    if first is not None and not first.startswith("-"):
        return _old_style(first, command.args[1:])
    found = options(command.args, _TAR)
    if not any(option.name in ("-x", "--extract", "--get") for option in found):
        return None
    return next((option.value_word for option in found if option.name in ("-f", "--file") and option.value_word), None)


def _old_style(letters: str, words: tuple[Word, ...]) -> Word | None:
    """``tar xzfC archive directory``: the values follow in the order of their letters."""
    if "x" not in letters or "f" not in letters:
        return None
    place = sum("-" + letter in _TAR for letter in letters[: letters.index("f")])
    return words[place] if place < len(words) else None
