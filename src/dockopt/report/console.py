"""Standard output and standard error: bytes, colour, a reader that went away."""

from __future__ import annotations

import os
import sys
from typing import TextIO


class Console:
    """Writes to both streams; once a reader is gone (``| head``), the rest is dropped and work goes on."""

    __slots__ = ("_gone",)

    def __init__(self) -> None:
        self._gone: set[int] = set()

    def out(self, data: bytes | str) -> None:
        """To standard output."""
        self._write(sys.stdout, data)

    def err(self, line: str) -> None:
        """One line to standard error."""
        self._write(sys.stderr, line + "\n")

    def _write(self, stream: TextIO | None, data: bytes | str) -> None:
        if not data or stream is None or id(stream) in self._gone:
            return
        try:
            stream.flush()
            buffer = stream.buffer
            # Not through the locale: a path or a comment may hold any bytes, and must come out as it went in.
            buffer.write(data if isinstance(data, bytes) else data.encode("utf-8", "surrogateescape"))
            buffer.flush()
        except BrokenPipeError:
            self._gone.add(id(stream))
            # Else the interpreter would complain when it flushes at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def wants_colour(stream: TextIO) -> bool:
    """Whether to colour what goes to ``stream``: ``NO_COLOR`` forbids, ``FORCE_COLOR`` demands, else a
    terminal that is not dumb gets it (https://no-color.org, https://force-color.org)."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def width_of(stream: TextIO) -> int | None:
    """How many columns the terminal behind ``stream`` has; None for what is no terminal: there, lines stay whole."""
    if not stream.isatty():
        return None
    from shutil import get_terminal_size

    return get_terminal_size().columns
