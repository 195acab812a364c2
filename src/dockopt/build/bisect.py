"""Finding the change that is to blame, with few builds."""

from __future__ import annotations

from collections.abc import Callable


def first_failing(count: int, holds: Callable[[int], bool], good: int = 0) -> int:
    """The smallest ``n`` such that the first ``n`` changes together fail.

    ``n - 1`` of them hold and ``n`` do not, so the ``n``-th is to blame, alone or with one before it. Takes
    at most ``log2(count - good)`` calls, rounded up: five for twenty.

    :param count: how many changes there are; all together they fail, which is not asked again.
    :param holds: whether the first ``n`` changes together hold.
    :param good: so many are known to hold.
    """
    bad = count
    while bad - good > 1:
        middle = (good + bad) // 2
        if holds(middle):
            good = middle
        else:
            bad = middle
    return bad
