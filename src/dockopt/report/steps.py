"""One line that says what a long run is at, for a terminal; nothing elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.live import Live
    from rich.text import Text


class Steps:
    """Called with what is being done; shows it with the time since the start, on standard error."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._started = time.monotonic()
        self._text = ""
        self._live: Live | None = None
        self._shown = not quiet and sys.stderr.isatty()

    def __call__(self, text: str) -> None:
        self._text = text
        if self._shown and self._live is None:
            from rich.console import Console
            from rich.live import Live

            self._live = Live(
                get_renderable=self._line, console=Console(file=sys.stderr), transient=True, refresh_per_second=4
            )
            self._live.start()

    def close(self) -> None:
        """Take the line away."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _line(self) -> Text:
        from rich.text import Text

        minutes, seconds = divmod(int(time.monotonic() - self._started), 60)
        return Text(f"{minutes:02d}:{seconds:02d} {self._text}", no_wrap=True, overflow="ellipsis")
