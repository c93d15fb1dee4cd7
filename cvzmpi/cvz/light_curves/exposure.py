"""The exposure of a light curve, the time from one cadence to the next.

All times in the package are days. Seconds and minutes stand in files and in what people read. The
light curves of another exposure have another name in the archive, too: see `product_kinds`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cvzmpi.errors import LightCurveError

SECONDS_PER_DAY = 86400.0
MINUTES_PER_DAY = 1440

EXPOSURE_SECONDS = 120.0
"""Exposure of the light curves that stella was trained on; it refuses others."""

EXPOSURE = EXPOSURE_SECONDS / SECONDS_PER_DAY

KEPLER_SHORT, KEPLER_LONG = 58.84876, 1765.4629
"""Cadences of Kepler in seconds: 9 and 270 frames of 6.53875 s (TIMEDEL of its files)."""

NOMINAL_SECONDS = (20.0, KEPLER_SHORT, EXPOSURE_SECONDS, 200.0, 600.0, KEPLER_LONG, 1800.0)
"""Exposures of the missions' products."""

SHORTEST_SECONDS, LONGEST_SECONDS = 15.0, 2000.0
"""Exposures that are read: from below 20 s to above 30 min."""

_NOMINAL_WITHIN = 1 / 120
"""Part by which a cadence may differ from a nominal one: the Earth's motion makes 1e-4 of it."""

_REGULAR = 0.5
"""Part of the steps that must be the exposure, to a tenth."""


def in_cadences(n: float, exposure: float, least: int = 1) -> int:
    """Number of cadences in the time of `n` cadences of 120 s.

    All rules that count cadences are of the light curves of 120 s: of others, they mean the time.

    Parameters
    ----------
    exposure : float
        In days.
    least : int
        Fewest that make sense, where an exposure is longer than the rule's time.
    """
    return max(least, round(n * (EXPOSURE / exposure)))


def is_two_minutes(exposure: float) -> bool:
    """Whether an exposure in days is that of 120 s.

    Results at 120 s do not change from one version to the next: what helps at other exposures, and
    would change them, is asked this first.
    """
    return abs(exposure - EXPOSURE) <= _NOMINAL_WITHIN * EXPOSURE


def median_step(time: np.ndarray) -> float:
    """Median of the steps from one time to the next, in seconds; NaN where there are none."""
    steps = np.diff(time[np.isfinite(time)])
    return float(np.median(steps)) * SECONDS_PER_DAY if len(steps) else np.nan


def nominal_seconds(seconds: float) -> float | None:
    """The exposure of a product that is meant by a measured one; None where it is none of them."""
    for nominal in NOMINAL_SECONDS:
        if abs(seconds - nominal) <= _NOMINAL_WITHIN * nominal:
            return nominal
    return None


def exposure_of(name: Path | str, time: np.ndarray) -> float:
    """The exposure of a light curve by its times, in days: that of most of its cadences.

    Parameters
    ----------
    time : float64, shape (n,)
        In days, increasing; NaN where there is none.

    Returns
    -------
    float
        One of `NOMINAL_SECONDS` where that is meant.

    Raises
    ------
    LightCurveError
        If there are no two times, or they are not regular, or it is too short or too long.
    """
    seconds = median_step(time)
    if not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
        raise LightCurveError(
            f"{name}: cadence is {seconds:.4g} s, expected {SHORTEST_SECONDS:.0f} s to "
            f"{LONGEST_SECONDS:.0f} s"
        )
    steps = np.diff(time[np.isfinite(time)]) * SECONDS_PER_DAY
    regular = np.abs(steps - seconds) <= 0.1 * seconds
    if regular.mean() < _REGULAR:
        raise LightCurveError(
            f"{name}: {1 - regular.mean():.0%} of its steps in time are not {seconds:.4g} s, the "
            "median: expected cadences at regular times"
        )
    nominal = nominal_seconds(seconds)
    return (seconds if nominal is None else nominal) / SECONDS_PER_DAY
