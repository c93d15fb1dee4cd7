"""A state that lasts is said once: again when it changes, or when a long time has passed."""

from __future__ import annotations

import math
import re
import threading
import time
from collections.abc import Callable


class SaidOnce:
    """Says a line about a state that may last, however often it is told; for all threads.

    Parameters
    ----------
    say : callable
        Takes a line.
    again : float
        Seconds after which the same is said once more, if it still lasts.
    quiet : float
        Seconds after a line in which no new state is said.
    """

    def __init__(
        self, say: Callable[[str], None], again: float = 600.0, quiet: float = 0.0
    ) -> None:
        self._say = say
        self._again = again
        self._quiet = quiet
        self._lock = threading.Lock()
        self._state: str | None = None
        self._since = 0.0
        self._said_at = -math.inf
        self._is_said = False

    def tell(self, line: str, state: str | None = None) -> None:
        """Say a line, unless its state is said already.

        Parameters
        ----------
        state : str, optional
            Stands for the state; by default the line without its numbers.
        """
        state = state or re.sub(r"\d+", "", line)
        with self._lock:
            now = time.monotonic()
            is_new = state != self._state
            if is_new:
                self._state, self._since, self._is_said = state, now, False
            if now - self._said_at >= (self._quiet if is_new else self._again):
                self._said_at, self._is_said = now, True
                self._say(line)

    def over(self, line: str | None = None) -> None:
        """End the state; say a line where the state was said.

        Parameters
        ----------
        line : str, optional
            With `{seconds}` where it names how long the state has lasted.
        """
        with self._lock:
            if self._state is not None and self._is_said and line is not None:
                seconds = f"{time.monotonic() - self._since:.0f}"
                self._say(line.replace("{seconds}", seconds))
            self._state = None
