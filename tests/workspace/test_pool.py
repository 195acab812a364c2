"""Forked and spawned workers."""

from __future__ import annotations

import fcntl
import os
import pickle
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from dockopt.workspace import pool


def square(number: int) -> int:
    return number * number


def died(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def forked(work: Callable[[int], Any], items: Sequence[int], workers: int) -> Iterator[tuple[int, Any]]:
    """With anything for an answer."""
    answers = pool.forked(lambda item: pickle.dumps(work(item)), items, workers)
    try:
        for index, answer in answers:
            yield index, None if answer is None else pickle.loads(answer)
    finally:
        answers.close()  # type: ignore[attr-defined]


def children() -> set[str]:
    """The processes this one has started and not waited for; other tests may keep a server of theirs.

    Workers end in their own time, which is not long.
    """
    pool.reap()
    with open(f"/proc/self/task/{os.getpid()}/children") as stream:
        return set(stream.read().split())


@pytest.mark.parametrize("count", [1, 2, 7, 64, 1000, 20_000])
@pytest.mark.parametrize("workers", [1, 2, 5])
def test_every_item_once(count: int, workers: int) -> None:
    before = children()
    answers = list(forked(square, range(count), workers))
    assert sorted(answers) == [(number, number * number) for number in range(count)]
    assert children() == before


def test_work_is_shared() -> None:
    def who(number: int) -> int:
        time.sleep(0.01)
        return os.getpid()

    pids = {answer for _, answer in forked(who, range(40), 3)}
    assert len(pids) == 3
    assert os.getpid() not in pids


def test_answers_larger_than_a_pipe() -> None:
    answers = dict(forked(lambda number: bytes([number]) * 300_000, range(20), 2))
    assert answers == {number: bytes([number]) * 300_000 for number in range(20)}


def test_a_dead_worker_costs_its_own_item_only() -> None:
    expected = {number: None if number == 3 else number for number in range(100)}
    assert dict(forked(died, range(100), 2)) == expected


def test_an_item_that_kills_once_is_answered_the_second_time(tmp_path: object) -> None:
    mark = f"{tmp_path}/mark"

    def once(number: int) -> int:
        if number == 5 and not os.path.exists(mark):
            open(mark, "w").close()
            os._exit(1)
        return number

    assert dict(forked(once, range(10), 2)) == {number: number for number in range(10)}


def test_leaving_early_ends_the_workers() -> None:
    def slow(number: int) -> int:
        time.sleep(0 if number == 0 else 60)
        return number

    before = children()
    answers = forked(slow, range(100), 2)
    start = time.monotonic()
    assert next(answers) == (0, 0)
    answers.close()  # type: ignore[attr-defined]
    assert time.monotonic() - start < 30
    assert children() == before


def test_a_program_that_lets_the_system_forget_its_children() -> None:
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        for _ in range(2):
            assert sorted(forked(square, range(20), 2)) == [(number, number * number) for number in range(20)]
    finally:
        signal.signal(signal.SIGCHLD, before)


def test_a_pipe_of_one_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the system gives them to one who has many: what does not fit must not be waited for by those who would read it."""
    pipe = os.pipe

    def small() -> tuple[int, int]:
        ends = pipe()
        fcntl.fcntl(ends[1], fcntl.F_SETPIPE_SZ, 4096)
        return ends

    monkeypatch.setattr(pool.os, "pipe", small)
    assert len(list(forked(square, range(6000), 16))) == 6000


def test_no_descriptor_is_left_open() -> None:
    before = len(os.listdir("/proc/self/fd"))
    list(forked(square, range(100), 3))
    list(forked(died, range(10), 2))
    assert len(os.listdir("/proc/self/fd")) == before


def test_spawned() -> None:
    assert dict(pool.spawned(square, [(number,) for number in range(5)], 2)) == {
        0: 0,
        1: 1,
        2: 4,
        3: 9,
        4: 16,
    }


def test_spawned_survives_a_dead_worker() -> None:
    answers = dict(pool.spawned(died, [(number,) for number in range(4)], 1))
    assert answers[3] is None
    assert len(answers) == 4
