"""The signs of life of a running job, and how fast it is."""

from __future__ import annotations

import math
import time
from collections import deque

_BEATS = 13  # that the speed is measured over: a minute, with one every five seconds


class Heartbeat:
    """When a sign of life is due, and the steps that were done by each of the last ones.

    Parameters
    ----------
    interval : float
        Seconds between two signs of life.

    Attributes
    ----------
    steps : int
        Done so far.
    """

    def __init__(self, interval: float) -> None:
        self.steps = 0
        self._interval = interval
        self._beats: deque[tuple[float, int]] = deque(maxlen=_BEATS)  # when, and steps by then

    def is_due(self) -> bool:
        """Whether it is time for one."""
        last = self._beats[-1][0] if self._beats else -math.inf
        return time.monotonic() - last >= self._interval

    def beat(self) -> None:
        """Note that one is given now."""
        self._beats.append((time.monotonic(), self.steps))

    def steps_per_second(self) -> float:
        """Over the last beats."""
        (begun, steps_before), (ended, steps) = self._beats[0], self._beats[-1]
        return (steps - steps_before) / (ended - begun) if ended > begun else 0.0
