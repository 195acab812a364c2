"""What a shell's options say about how it runs a script."""

from __future__ import annotations


def turns_on_errexit(word: str) -> bool:
    """Whether an argument of the shell, or of ``set``, turns on errexit: ``-e``, ``-euo``, or ``-o``'s ``errexit``.

    POSIX 2.14, set: options may be grouped behind one dash. ``--norc`` and its like are bash's own long options.
    """
    return word == "errexit" or (word.startswith("-") and not word.startswith("--") and "e" in word)


def started_with_errexit(shell: tuple[str, ...] | None) -> bool:
    """Whether a SHELL instruction's words start the shell with errexit; none is the default, without it."""
    return any(turns_on_errexit(word) for word in (shell or ())[1:])
