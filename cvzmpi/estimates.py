"""Rates and times left with their uncertainties, and durations in words.

Nothing is estimated from fewer than `MIN_EVENTS` events or `MIN_SECONDS`.
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


def duration(seconds: float) -> str:
    """A duration as a person would say it: 41 s, 12 min, 3 h 07 min, 2 d 4 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    hours = round(minutes / 60)
    return f"{hours // 24} d {hours % 24} h"


def time_left(left: Estimate) -> str:
    """A time left as a person would say it: 20 to 70 min left, about 12 min left.

    Parameters
    ----------
    left : Estimate
        In seconds.
    """
    low, high = duration(left.low), duration(left.high)
    if low == high:
        return f"about {low} left"
    (low_number, _, low_unit), (_, _, high_unit) = low.partition(" "), high.partition(" ")
    return f"{low_number if low_unit == high_unit else low} to {high} left"
