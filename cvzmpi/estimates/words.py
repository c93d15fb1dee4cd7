"""Durations and times left in words."""

from __future__ import annotations

from cvzmpi.estimates.intervals import Estimate

_LOW_IS_NOTHING = 20.0  # of an interval, its end over its begin


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


def time_left(left: Estimate, words: str = "left") -> str:
    """A time left as a person would say it: 20 to 70 min left, about 12 min left.

    Parameters
    ----------
    left : Estimate
        In seconds.
    words : str
        What follows.
    """
    low, high = duration(left.low), duration(left.high)
    if low == high:
        return f"about {low} {words}"
    if left.low < left.high / _LOW_IS_NOTHING:
        return f"at most {high} {words}"
    (low_number, _, low_unit), (_, _, high_unit) = low.partition(" "), high.partition(" ")
    return f"{low_number if low_unit == high_unit else low} to {high} {words}"
