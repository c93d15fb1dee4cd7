"""A value with its 95 % interval, and rates of counted events.

No rate comes of fewer than `MIN_EVENTS` events or `MIN_SECONDS`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

MIN_EVENTS = 5
MIN_SECONDS = 10.0
_S_95 = 1.959964  # standard deviations on either side of 95 % of a normal distribution


@dataclass(frozen=True)
class Estimate:
    """A value and its 95 % interval."""

    value: float
    low: float
    high: float


def poisson_interval(n: int) -> tuple[float, float]:
    """The means for which a count of n is within the 95 % that is nearest to be expected.

    Gehrels 1986 (ApJ 303, 336), equations 9 and 12; within 3 % of the exact limits from n = 5 on.

    Parameters
    ----------
    n : int
        The count.

    Returns
    -------
    low, high : float
    """
    low = 0.0 if n == 0 else n * (1 - 1 / (9 * n) - _S_95 / (3 * math.sqrt(n))) ** 3
    m = n + 1
    return max(low, 0.0), m * (1 - 1 / (9 * m) + _S_95 / (3 * math.sqrt(m))) ** 3


def rate(n: int, seconds: float) -> Estimate | None:
    """The rate of events per second; None if too few came, or in too short a time.

    Parameters
    ----------
    n : int
        The number of events.
    seconds : float
        The time in which they came.
    """
    if n < MIN_EVENTS or seconds < MIN_SECONDS:
        return None
    low, high = poisson_interval(n)
    return Estimate(n / seconds, low / seconds, high / seconds)
