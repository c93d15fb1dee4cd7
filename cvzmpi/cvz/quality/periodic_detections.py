"""Test whether detections recur with a period, as features of pulsations or of eclipses do.

Flares of a star come at random times; even where they favour one side of it, they spread over half
of a rotation. The shoulders of eclipses and the rising branches of pulsations return at one phase.
So the peak times are folded with each period in turn, and the length of their mean resultant vector

    R = |sum exp(2 pi i t / P)| / n

is tested against times without a period (Rayleigh test; its probability by Greenwood & Durand 1955,
Ann. Math. Stat. 26, 233, as in Zar, Biostatistical Analysis, eq. 27.4). Two detections per eclipse,
at its beginning and its end, or two eclipses per period, are found at a fraction of the period.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.fft import next_fast_len, rfft

MIN_CYCLES = 5
"""Fewer returns than that do not make a period."""

_MIN_PERIOD = 1 / 24  # days; shorter than that, two flares in a row could not be told apart
_MIN_SEPARATION = 1 / 24  # days; detections closer than that are parts of one event
_OVERSAMPLING = 8  # frequencies in each 1 / span
_STEP = _MIN_PERIOD / 15  # days; times are rounded to it, which lowers R by less than 1 %


@dataclass(frozen=True)
class Recurrence:
    """The period with which detections recur most clearly."""

    period: float  # days
    resultant: float  # R, from 0 (any phase) to 1 (one phase)
    # the probability that detections at random times show any period this clearly: the Rayleigh
    # test's, times the number of periods tried
    chance: float
    n: int  # detections, those within an hour counted once


def recurrence(peak_time: np.ndarray) -> Recurrence | None:
    """Find the period with which detections recur.

    Parameters
    ----------
    peak_time : float64, shape (n,)
        In days, in any order.

    Returns
    -------
    Recurrence or None
        None for fewer than `MIN_CYCLES` detections, or within a span that has no room for as many
        cycles.
    """
    times = _apart(np.sort(peak_time[np.isfinite(peak_time)]))
    n = len(times)
    span = float(times[-1] - times[0]) if n else 0.0
    if n < MIN_CYCLES or span < MIN_CYCLES * _MIN_PERIOD:
        return None
    cycles, resultant = _resultants(times - times[0])
    # Between random times, long and short periods are equally likely on a logarithmic scale: the
    # k-th of K independent frequencies stands for 1 / (k ln K) of the chance.
    tried = 2 * cycles * math.log(cycles[-1])
    chance = np.minimum(_rayleigh(n, resultant) * tried, 1.0)
    best = int(np.argmin(chance))
    return Recurrence(span / float(cycles[best]), float(resultant[best]), float(chance[best]), n)


def _apart(times: np.ndarray) -> np.ndarray:
    """The times without those that follow a kept one within `_MIN_SEPARATION`."""
    kept: list[float] = []
    for time in times.tolist():
        if not kept or time - kept[-1] >= _MIN_SEPARATION:
            kept.append(time)
    return np.array(kept)


def _resultants(times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """R for each number of cycles in the span, from `MIN_CYCLES` to the shortest period.

    The vectors are a Fourier transform of the series that is 1 at each of the times.
    """
    span = times[-1]
    steps = np.rint(times / _STEP).astype(np.int64)
    size = next_fast_len(_OVERSAMPLING * (int(steps[-1]) + 1), real=True)
    series = np.bincount(steps, minlength=size)
    sums = np.abs(rfft(series.astype(np.float64)))
    cycles = np.arange(len(sums)) * (span / (size * _STEP))
    tried = (cycles >= MIN_CYCLES) & (cycles <= span / _MIN_PERIOD)
    return cycles[tried], sums[tried] / len(times)


def _rayleigh(n: int, resultant: np.ndarray) -> np.ndarray:
    """The probability of as large a resultant for n directions at random."""
    return np.exp(np.sqrt(1 + 4 * n + 4 * n**2 * (1 - resultant**2)) - (1 + 2 * n))
