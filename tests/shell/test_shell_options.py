"""Which words turn on errexit."""

from __future__ import annotations

import pytest

from dockopt.shell.options import started_with_errexit, turns_on_errexit


@pytest.mark.parametrize("word", ["-e", "-ex", "-euo", "-xe", "errexit"])
def test_turns_it_on(word: str) -> None:
    assert turns_on_errexit(word)


@pytest.mark.parametrize("word", ["", "-", "-x", "-o", "+e", "--norc", "pipefail", "-c"])
def test_does_not(word: str) -> None:
    assert not turns_on_errexit(word)


def test_words_of_shell() -> None:
    assert started_with_errexit(("/bin/bash", "-o", "errexit", "-c"))
    assert started_with_errexit(("/bin/sh", "-ec"))
    assert not started_with_errexit(("/bin/bash", "-o", "pipefail", "-c"))
    assert not started_with_errexit(("-e",))  # the first word is the program
    assert not started_with_errexit(None)
