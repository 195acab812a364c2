"""Tables of names, for every family."""

from __future__ import annotations


def word_set(text: str) -> frozenset[str]:
    """The words of ``text`` as a set: tables of names read better without quotes and commas."""
    return frozenset(text.split())
