"""Something that lasts is said once: again when it changes, or when a long time has passed."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

_AGAIN_SECONDS = 600.0


class SaidOnce:
    """Says something that may last, however often it is told.

    Parameters
    ----------
    say : callable
        Takes a line.
    again : float
        Seconds after which the same is said once more, if it still lasts.
    """

    def __init__(self, say: Callable[[str], None], again: float = _AGAIN_SECONDS) -> None:
        self._say = say
        self._again = again
        self._what: str | None = None
        self._said_at = 0.0

    def tell(self, line: str) -> None:
        """It is so, now; numbers in the line make no difference."""
        what, now = re.sub(r"\d+", "", line), time.monotonic()
        if what != self._what or now - self._said_at >= self._again:
            self._what, self._said_at = what, now
            self._say(line)

    def over(self, line: str | None = None) -> None:
        """It is so no more; the line is said where something was said before."""
        if self._what is not None and line is not None:
            self._say(line)
        self._what = None
