"""The rate of requests: evenly spaced over all threads, and held back when the archive asks."""

from __future__ import annotations

import threading
import time


class RequestRate:
    """Lets requests pass one after the other, at most so many a second.

    Parameters
    ----------
    stopped : threading.Event
        Ends all waiting.
    """

    def __init__(self, per_second: float, stopped: threading.Event) -> None:
        self._spacing = 1 / per_second
        self._stopped = stopped
        self._turn = threading.Lock()
        self._not_before = 0.0

    def wait(self) -> None:
        """Return when the next request may be sent."""
        # Waiting with the lock held, threads go on one by one, and the time between two is what
        # passes between their requests, not between the moments at which these were planned.
        with self._turn:
            while not self._stopped.is_set():
                seconds = self._not_before - time.monotonic()
                if seconds <= 0:
                    break
                self._stopped.wait(seconds)
            self._not_before = max(self._not_before, time.monotonic() + self._spacing)

    def hold(self, seconds: float) -> None:
        """Let no request pass for so long, since the archive asked for it."""
        self._not_before = max(self._not_before, time.monotonic() + seconds)
