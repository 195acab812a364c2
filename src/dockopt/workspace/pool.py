"""Work spread over all cores by forking.

multiprocessing's pools cost 10 to 30 ms to import and start, as much as a dozen files; forking itself costs
one or two, since every module is loaded already. All work is laid into one pipe before the first fork, from
which the workers help themselves, so a slow file holds up nobody; each answers through a pipe of its own.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")

# A pipe holds at least one page of 4 KiB, where a user has many of them open; four bytes for each chunk.
_CHUNKS_IN_A_PIPE = 1024

# Chunks for each worker: taking one costs a microsecond, and while the last one is worked on the others wait.
_CHUNKS_PER_WORKER = 256

# Milliseconds for which nobody looks for answers, if no worker ends: to wake for each of them takes time from the
# workers, which have all the cores. Not after so many bytes that a worker might have to wait for room in its pipe.
_REST = 10
_MANY = 1 << 14
_PIPE = 1 << 16
_HEAD = 8  # bytes before each answer: whose it is, and its length

# Items between two searches of a worker for circles of objects.
_COLLECT_EVERY = 500


def cores() -> int:
    """The processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def can_fork() -> bool:
    """Whether forking is safe; on macOS system libraries may not survive it."""
    return hasattr(os, "fork") and sys.platform != "darwin"


def forked(work: Callable[[Item], bytes], items: Sequence[Item], workers: int) -> Iterator[tuple[int, bytes | None]]:
    """``(index, work(items[index]))`` for each item, in the order in which they are done.

    ``None`` stands for an item that killed its worker twice (a crash in native code, no memory). ``work``
    must not raise.
    """
    missing = set(range(len(items)))
    size = -(-len(items) // min(workers * _CHUNKS_PER_WORKER, _CHUNKS_IN_A_PIPE))
    for index, answer in _round(work, items, [*range(0, len(items), size)], size, workers):
        missing.discard(index)
        yield index, answer
    # A worker that died took the rest of its chunk along. One process for each: only the guilty dies again.
    for lost in sorted(missing):
        answers = dict(_round(work, items, [lost], 1, 1))
        yield lost, answers.get(lost)


def _round(
    work: Callable[[Item], bytes], items: Sequence[Item], starts: Sequence[int], size: int, workers: int
) -> Iterator[tuple[int, bytes]]:
    import select

    reap(wait=False)
    queue, fill = os.pipe()
    os.write(fill, b"".join(start.to_bytes(4, "little") for start in starts))
    os.close(fill)
    pids: list[int] = []
    pending: dict[int, bytearray] = {}
    try:
        poll, ends = select.poll(), select.poll()
        taken = 0
        for _ in range(workers):
            receive, send = os.pipe()
            pid = os.fork()
            if pid == 0:
                _serve(work, items, size, queue, send)
            pids.append(pid)
            os.close(send)
            pending[receive] = bytearray()
            poll.register(receive, select.POLLIN)
            ends.register(receive, 0)
        while pending:
            if taken < _MANY and not any(pending.values()):
                ends.poll(_REST)
            taken = 0
            for handle, _ in poll.poll():
                part = os.read(handle, _PIPE)
                taken += len(part)
                if not part:
                    poll.unregister(handle)
                    ends.unregister(handle)
                    os.close(handle)
                    del pending[handle]
                    continue
                buffer = pending[handle]
                buffer += part
                while len(buffer) >= _HEAD:
                    end = _HEAD + int.from_bytes(buffer[4:_HEAD], "little")
                    if len(buffer) < end:
                        break
                    index, answer = int.from_bytes(buffer[:4], "little"), bytes(buffer[_HEAD:end])
                    del buffer[:end]
                    yield index, answer
    finally:
        os.close(queue)
        for handle in pending:
            os.close(handle)
        _running.extend(pids)
        if pending:
            import signal
            from contextlib import suppress

            for pid in pids:
                with suppress(ProcessLookupError):  # ended, and forgotten by the system
                    os.kill(pid, signal.SIGTERM)
        reap(wait=bool(pending))


def _serve(work: Callable[[Item], bytes], items: Sequence[Item], size: int, queue: int, send: int) -> None:
    """A worker's life; never returns."""
    try:
        import gc
        import signal

        gc.freeze()  # what the parent loaded stays: neither searched nor copied page by page
        # Documents and facts hold each other in circles, some 30 kB a file. Looking for them again and again
        # takes a twentieth of a run, more than what they occupy until a worker has handled so many files.
        gc.disable()
        done = 0
        # Ctrl-C reaches every process of the terminal: the parent decides, and ends the workers by SIGTERM,
        # which dockopt.workspace.write holds back while a file is half-way.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        while token := os.read(queue, 4):
            start = int.from_bytes(token, "little")
            for index in range(start, min(start + size, len(items))):
                done += 1
                if done % _COLLECT_EVERY == 0:
                    gc.collect()
                answer = work(items[index])
                message = memoryview(index.to_bytes(4, "little") + len(answer).to_bytes(4, "little") + answer)
                while message:
                    message = message[os.write(send, message) :]
    finally:
        try:
            os.close(send)  # the parent need not wait until the system has taken the process apart
        finally:
            # Without the parent's exit handlers and buffered output.
            os._exit(0)


#: Workers that were not seen to end. One that has sent all its answers is left to end while these are reported.
_running: list[int] = []


def reap(*, wait: bool = True) -> None:
    """Let the system forget the workers that have ended, by default when all have."""
    left = []
    for pid in _running:
        try:
            if os.waitpid(pid, 0 if wait else os.WNOHANG)[0] == 0:
                left.append(pid)
        except ChildProcessError:
            pass  # the program that uses dockopt has its own way with ended processes
    _running[:] = left


def spawned(
    work: Callable[..., Answer], arguments: Sequence[tuple[object, ...]], workers: int
) -> Iterator[tuple[int, Answer | None]]:
    """As :func:`forked`, for systems where forking is not safe: fresh interpreters, slower to start.

    ``work`` is called with each tuple of ``arguments``; both must pickle.
    """
    import signal
    from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
    from multiprocessing import get_context

    executor = ProcessPoolExecutor(
        workers, get_context("spawn"), initializer=signal.signal, initargs=(signal.SIGINT, signal.SIG_IGN)
    )
    try:
        futures = [executor.submit(work, *each) for each in arguments]
        for index, future in enumerate(futures):
            try:
                yield index, future.result()
            except BrokenExecutor:
                yield index, None
    finally:
        executor.shutdown(cancel_futures=True)
