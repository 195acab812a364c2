"""Replacing a file in one step, so that no reader and no crash ever sees half of it."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

from dockopt.workspace.read import SIZE_LIMIT, FileProblem, Overtaken, Source, read_all, why


def replace(source: Source, data: bytes) -> None:
    """Replace the file ``source`` was read from by ``data``.

    A temporary file beside it is written and renamed over it: mode and owner are kept, and a symbolic link stays a
    link (its target is replaced).

    :raises FileProblem: when the file or its folder is read-only, the disk is full, or the file has changed
        since it was read. It is untouched then.
    """
    # Links further up are no matter: the temporary file stands beside it, behind the same ones.
    target = os.path.realpath(source.path) if os.path.islink(source.path) else source.path
    if not os.access(target, os.W_OK) and os.path.exists(target):
        raise FileProblem(source.path, "is read-only, so it was left alone; make it writable first")
    with _undisturbed():
        temporary = _temporary_beside(target)
        try:
            try:
                handle = os.open(temporary, _CREATE, 0o600)
            except OSError as error:
                raise FileProblem(
                    source.path, f"was left alone: its folder cannot be written to ({why(error)})"
                ) from None
            try:
                _write_all(handle, data)
                _keep_owner_and_mode(handle, source.status)
            finally:
                os.close(handle)
            if not _still_as_read(target, source):
                raise FileProblem(source.path, "changed on disk while it was being fixed; run again")
            os.replace(temporary, target)
            temporary = ""
        except OSError as error:
            raise FileProblem(source.path, f"was left alone: it cannot be replaced ({why(error)})") from None
        finally:
            if temporary:
                _remove(temporary)


def put(path: str, before: bytes | None, after: bytes) -> Callable[[], None]:
    """Write another file: replace what holds ``before``, or make it where ``before`` is None.

    One that holds ``after`` already, written for another Dockerfile of the run, is left as it is.

    :returns: what takes it back.
    :raises Overtaken: where it has changed since.
    :raises FileProblem: as :func:`replace` does; the file is untouched then.
    """
    found = _found(path)
    if found is not None and found.data == after:
        return _nothing
    if (found.data if found is not None else None) != before:
        raise Overtaken(path, "changed on disk while it was being fixed; run again")
    if found is None:
        _make(path, after)
    else:
        try:
            replace(found, after)
        except FileProblem as problem:
            now = _found(path)
            raise (problem if now is not None and now.data == before else Overtaken(path, str(problem))) from None

    def take_back() -> None:
        now = _found(path)
        if now is None or now.data != after:
            return  # somebody else's by now
        if before is None:
            _remove(path)
        else:
            replace(now, before)

    return take_back


def _nothing() -> None:
    pass


def _found(path: str) -> Source | None:
    """A file as it is, of any content; None where there is none."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        if os.path.islink(path):
            raise FileProblem(path, "is a dangling symbolic link") from None
        return None
    except OSError as error:
        raise FileProblem(path, f"cannot be read: {why(error)}") from None
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise FileProblem(path, "is not a regular file")
        return Source(path, read_all(handle, SIZE_LIMIT + 1, status.st_size), status)
    except OSError as error:
        raise FileProblem(path, f"cannot be read: {why(error)}") from None
    finally:
        os.close(handle)


def _make(path: str, data: bytes) -> None:
    with _undisturbed():
        temporary = _temporary_beside(path)
        try:
            handle = os.open(temporary, _CREATE, 0o666)
            try:
                _write_all(handle, data)
            finally:
                os.close(handle)
            try:
                os.link(temporary, path)  # unlike a rename it never replaces what came to be meanwhile
            except FileExistsError:
                raise Overtaken(path, "changed on disk while it was being fixed; run again") from None
            except OSError:
                os.replace(temporary, path)  # a file system without hard links
        except OSError as error:
            raise FileProblem(path, f"cannot be made: {why(error)}") from None
        finally:
            _remove(temporary)


def write_report(path: str, data: bytes) -> None:
    """Write ``data`` to ``path``, atomically where it is a regular file or new.

    :raises FileProblem: when that is not possible.
    """
    target = os.path.realpath(path)
    try:
        status = os.stat(target) if os.path.exists(target) else None
        if status is not None and stat.S_ISDIR(status.st_mode):
            raise FileProblem(path, "is a folder; --output needs a file")
        if status is not None and not stat.S_ISREG(status.st_mode):
            # A pipe or a device cannot be replaced, and there is nothing in it to protect.
            handle = os.open(target, os.O_WRONLY)
            try:
                _write_all(handle, data)
            finally:
                os.close(handle)
            return
        if status is not None and not os.access(target, os.W_OK):
            raise FileProblem(path, "is read-only; --output cannot write it")
        with _undisturbed():
            temporary = _temporary_beside(target)
            try:
                handle = os.open(temporary, _CREATE, 0o666)
                try:
                    _write_all(handle, data)
                    if status is not None:
                        _keep_owner_and_mode(handle, status)
                finally:
                    os.close(handle)
                os.replace(temporary, target)
            finally:
                _remove(temporary)
    except OSError as error:
        raise FileProblem(path, f"cannot be written: {why(error)}") from None


_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)


def _temporary_beside(target: str) -> str:
    # In the same folder, since a rename is atomic only inside one file system. The random part keeps two
    # runs, even in two containers with the same process ids, from meeting in a shared folder.
    return os.path.join(os.path.dirname(target), f".dockopt-{os.getpid()}-{os.urandom(4).hex()}.tmp")


def _write_all(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


def _keep_owner_and_mode(handle: int, status: os.stat_result) -> None:
    if hasattr(os, "fchown"):
        own = os.fstat(handle)
        if (own.st_uid, own.st_gid) != (status.st_uid, status.st_gid):
            try:
                os.fchown(handle, status.st_uid, status.st_gid)
            except OSError:
                # Only root may give a file away; the group alone may still be one of ours.
                with suppress(OSError):
                    os.fchown(handle, -1, status.st_gid)
    if hasattr(os, "fchmod"):
        # After chown, which clears the set-id bits.
        os.fchmod(handle, stat.S_IMODE(status.st_mode))


def _still_as_read(target: str, source: Source) -> bool:
    # Contents, not only times: the clock of a file system ticks every few milliseconds, and an editor that
    # saves within one tick without changing the size would go unseen.
    try:
        handle = os.open(target, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    except OSError:
        return False
    try:
        now = os.fstat(handle)
        same_file = (now.st_dev, now.st_ino) == (source.status.st_dev, source.status.st_ino)
        return same_file and read_all(handle, len(source.data) + 1, len(source.data) + 1) == source.data
    finally:
        os.close(handle)


def _remove(temporary: str) -> None:
    with suppress(OSError):  # renamed, or never made
        os.unlink(temporary)


def _one_thread() -> bool:
    """Whether this process has no thread but this one, as a forked worker; False where that cannot be told.

    Linux counts the threads, Python's or not, in the links of a folder.
    """
    try:
        return os.stat("/proc/self/task").st_nlink == 2 + 1
    except OSError:
        return False


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Hold ctrl-C and termination back for the milliseconds in which a temporary file exists.

    A mask holds back only what is sent to this thread: one sent to the process goes to any other thread (of a
    progress bar, of a test runner) that has none. Where there are such, the handlers only note what came meanwhile.
    """
    import signal

    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    held = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    came: list[int] = []
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, held)
    try:
        with ExitStack() as handlers:
            for number in () if _one_thread() else held:
                known = signal.getsignal(number)
                if known is None or known == signal.SIG_IGN:
                    continue  # what is not Python's cannot be put back
                with suppress(ValueError):  # Python's handlers are the main thread's
                    signal.signal(number, lambda number, frame: came.append(number))
                    handlers.callback(signal.signal, number, known)
            yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for one in came:
            signal.raise_signal(one)
