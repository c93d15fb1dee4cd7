"""Progress of what may take long: a bar on a terminal, or lines; nothing in the first seconds."""

from __future__ import annotations

import os
import sys
import time
from typing import TextIO

from cvzmpi.messages.wording import counted

FIRST_SECONDS = 2.0
"""What ends before shows nothing."""
LINE_SECONDS = 60.0
"""Between two lines where there is no terminal."""
BAR_SECONDS = 0.2
"""Between two drawings of a bar."""


class ProgressBar:
    """How far something has come, from the second second on.

    Parameters
    ----------
    stream : text stream, optional
        Where to show it; by default standard error. It is a bar on a terminal that can do that.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._live: LiveLine | None = None
        self._next = time.monotonic() + FIRST_SECONDS

    def show(self, one: str, done: int, total: int | None = None, more: str = "") -> None:
        """Show the present state, if it is time to.

        Parameters
        ----------
        one : str
            What is counted, in the singular.
        done, total : int
            How many are done, and how many there are; None where nobody knows.
        more : str
            What else is told, after the numbers.
        """
        now = time.monotonic()
        if now < self._next:
            return
        counts = counted(done, one) if total is None else f"{done:,} of {counted(total, one)}"
        text = counts + more
        if can_draw(self._stream):
            self._next = now + BAR_SECONDS
            if self._live is None:
                self._live = LiveLine(self._stream)
                self._live.start()
            self._live.show(text, done, total)
        else:
            self._next = now + LINE_SECONDS
            print(time.strftime("%Y-%m-%d %H:%M:%S"), text, file=self._stream, flush=True)

    def clear(self) -> None:
        """Take the bar away, for lines of others; the next `show` draws it again."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(self, *error: object) -> None:
        self.clear()


def can_draw(stream: TextIO) -> bool:
    """True for a terminal on which a line can be drawn again and again."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


class LiveLine:
    """A bar that stays at the bottom of a terminal, with rich."""

    def __init__(self, stream: TextIO) -> None:
        # Only one process, and only on a terminal, has a use for rich.
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

        self._progress = Progress(
            SpinnerColumn(),
            BarColumn(bar_width=24),
            TextColumn("{task.description}", markup=False),
            console=Console(file=stream),
            auto_refresh=False,  # drawn between messages: no second thread beside MPI
            transient=True,
        )
        self._task = self._progress.add_task("starting", total=None)

    def start(self) -> None:
        """Begin to draw."""
        self._progress.start()

    def stop(self) -> None:
        """Draw no more."""
        self._progress.stop()

    def show(self, text: str, completed: int, total: int | None) -> None:
        """Draw the bar with a text beside it."""
        self._progress.update(self._task, description=text, completed=completed, total=total)
        self._progress.refresh()

    def say(self, text: str) -> None:
        """Print a line above the bar."""
        self._progress.console.print(text, markup=False, highlight=False, soft_wrap=True)
