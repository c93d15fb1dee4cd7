"""Waiting: that the archive is waited for is said when that begins, and when it is over."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

_QUIET_SECONDS = 60.0
"""An archive that fails now and then is not worth a line each time."""


class WaitingNotice:
    """Says that the archive is waited for; from all threads, once for all of them.

    Parameters
    ----------
    say : callable, optional
    """

    def __init__(self, say: Callable[[str], None] | None) -> None:
        self._say = say or (lambda _: None)
        self._lock = threading.Lock()
        self._since: float | None = None  # it has not answered
        self._said: float | None = None

    def failed(self, reason: str, pause: float) -> None:
        """An attempt failed; the next one follows after a pause."""
        with self._lock:
            now = time.monotonic()
            if self._since is not None:
                return
            self._since = now
            if self._said is not None and now - self._said < _QUIET_SECONDS:
                return
            self._said = now
            self._say(f"waiting for the archive: {reason}; asked again in {pause:.0f} s")

    def answered(self) -> None:
        """The archive gave something."""
        with self._lock:
            if self._since is None:
                return
            told, seconds = self._said == self._since, time.monotonic() - self._since
            self._since = None
            if told:
                self._say(f"the archive answers again, after {seconds:.0f} s")
