"""The progress of a search in memory: a bar on a terminal or in a notebook, if it takes long."""

from __future__ import annotations

import sys
import threading
from importlib.util import find_spec
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from cvzmpi.cvz.light_curves.stage import Stage
from cvzmpi.messages.progress_bar import FIRST_SECONDS

_NEXT = {
    Stage.DOWNLOAD: "searching with the networks",
    Stage.DETECT: "fitting the quiet star and searching by significance",
    Stage.MODEL: "injecting flares",
}
"""What comes after a checkpoint, in words."""


class SearchProgress:
    """A bar that appears where the work takes longer than two seconds; gone in the end.

    Parameters
    ----------
    shown : bool or None
        None shows it on a terminal and in a notebook that has ipywidgets.
    n_flares : int
        Flares that will be injected.
    """

    def __init__(self, shown: bool | None, n_flares: int) -> None:
        console = Console(file=sys.stderr)
        # In a notebook, rich draws with ipywidgets; without them it would only warn.
        if console.is_jupyter:
            is_seen = shown is not False and find_spec("ipywidgets") is not None
        else:
            is_seen = console.is_terminal if shown is None else shown
        self._n_flares = n_flares
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=console,
            transient=True,
            disable=not is_seen,
        )
        self._task = self._progress.add_task(_NEXT[Stage.DOWNLOAD], total=None)
        self._timer = threading.Timer(FIRST_SECONDS, self._start) if is_seen else None
        self._lock = threading.Lock()
        self._ended = False

    def reached(self, checkpoint: Stage) -> None:
        """The work is at a checkpoint."""
        total = self._n_flares if checkpoint is Stage.MODEL else None
        self._progress.reset(self._task, total=total, description=_NEXT[checkpoint])

    def flares_done(self, n_flares: int) -> None:
        """So many injected flares were searched for."""
        self._progress.advance(self._task, n_flares)

    def _start(self) -> None:
        with self._lock:
            if not self._ended:
                self._progress.start()

    def __enter__(self) -> SearchProgress:
        if self._timer is not None:
            self._timer.daemon = True
            self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        with self._lock:
            self._ended = True
            self._progress.stop()
