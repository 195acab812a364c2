"""Reading a file, and saying in one line why it cannot be handled."""

from __future__ import annotations

import os
import stat
from typing import NamedTuple

#: Largest file read, in bytes. The longest of some 18,000 real Dockerfiles has under 100 kB; what is larger
#: is a mistake (an archive, a log), and reading it would hold up every other file.
SIZE_LIMIT = 1_000_000


class FileProblem(Exception):
    """A file that cannot be handled. ``str()`` is one clear line without the path."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self.path = path


class Overtaken(FileProblem):
    """Another file that a fix writes has changed meanwhile, as by the fixes of another Dockerfile: to be looked at anew."""


class Source(NamedTuple):
    """A file as it was when read."""

    path: str  #: as given
    data: bytes
    status: os.stat_result  #: of the open file, taken before reading


def why(error: OSError) -> str:
    """The system's reason in plain lower-case words: ``permission denied``."""
    return (error.strerror or type(error).__name__).lower()


def check_text(path: str, data: bytes) -> None:
    """Raise :class:`FileProblem` when ``data`` cannot be a Dockerfile's text at all."""
    if not data:
        raise FileProblem(path, "is empty; there is nothing to rewrite")
    if len(data) > SIZE_LIMIT:
        raise FileProblem(path, _too_large(len(data)))
    if b"\0" in data:
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise FileProblem(path, "is UTF-16; BuildKit reads UTF-8, so save it as UTF-8 first")
        raise FileProblem(path, "is a binary file (it holds NUL bytes), not a Dockerfile")


def read(path: str) -> Source:
    """Read ``path``, following a symbolic link.

    :raises FileProblem: when it does not exist, is no regular file, may not be read, is empty, binary, or
        larger than :data:`SIZE_LIMIT`.
    """
    try:
        # O_NONBLOCK: opening a named pipe that nobody writes to must not hang.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        if os.path.islink(path):
            raise FileProblem(
                path, f"is a dangling symbolic link: its target {os.readlink(path)} does not exist"
            ) from None
        raise FileProblem(path, "does not exist") from None
    except OSError as error:
        raise FileProblem(path, f"cannot be read: {why(error)}") from None
    try:
        status = os.fstat(handle)
        if stat.S_ISDIR(status.st_mode):
            raise FileProblem(path, "is a folder where a file was expected")
        if not stat.S_ISREG(status.st_mode):
            raise FileProblem(path, "is not a regular file; use - to read standard input")
        if status.st_size > SIZE_LIMIT:
            raise FileProblem(path, _too_large(status.st_size))
        data = read_all(handle, SIZE_LIMIT + 1, status.st_size)
    except OSError as error:
        raise FileProblem(path, f"cannot be read: {why(error)}") from None
    finally:
        os.close(handle)
    check_text(path, data)
    return Source(path, data, status)


def read_all(handle: int, limit: int, expected: int) -> bytes:
    """At most ``limit`` bytes from an open file descriptor.

    :param expected: how many there most likely are. Python makes room for all it asks the system for.
    """
    parts = []
    while limit > 0 and (part := os.read(handle, min(limit, max(expected, 4096)))):
        parts.append(part)
        limit -= len(part)
    return b"".join(parts)


def _too_large(size: int) -> str:
    return f"has {size / 1e6:.1f} MB; no Dockerfile over {SIZE_LIMIT // 1_000_000} MB is read"
