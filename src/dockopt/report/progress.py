"""A progress bar for runs long enough to want one."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

#: Seconds before the bar shows: importing rich takes a tenth of one, and a bar that flashes by helps nobody.
PATIENCE = 0.5


class Progress:
    """Called with the number of files done; draws on standard error."""

    __slots__ = ("_bar", "_started", "_task", "_total")

    def __init__(self, total: int) -> None:
        self._total = total
        self._started = time.monotonic()
        self._bar: Bar | None = None
        self._task: TaskID | None = None

    def __call__(self, done: int) -> None:
        if self._bar is None:
            if time.monotonic() - self._started < PATIENCE:
                return
            self._bar = self._show()
        assert self._task is not None
        self._bar.update(self._task, completed=done)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()

    def _show(self) -> Bar:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

        bar = Progress(
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=Console(file=sys.stderr),
            transient=True,
        )
        bar.start()
        self._task = bar.add_task("", total=self._total)
        return bar
