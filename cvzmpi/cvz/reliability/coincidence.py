"""Events at the same time in several stars of a sector: scattered light, a shaking spacecraft.

Flares of different stars know nothing of each other. Where more stars have an event at a time than
chance brings together, most of these events are the instrument's, and an event there is its star's
own with no more than the chance that the number of expected ones leaves.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import poisson

WITHIN = 15 / 1440
"""Days. Times are barycentric: for stars of one camera they differ by some minutes from those of
the spacecraft."""

_CHANCE = 1e-6
"""Greatest chance that unrelated events come together so; a sector has 2,000 such stretches."""

_FEWEST = 3  # other stars


def coincident(sector: np.ndarray, star: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Count the other stars of the same sector that have an event within `WITHIN`.

    Parameters
    ----------
    sector, star : int, shape (n_events,)
    time : float64, shape (n_events,)
        BTJD.

    Returns
    -------
    int64, shape (n_events,)
    """
    counts = np.zeros(len(time), np.int64)
    for one in np.unique(sector):
        rows = np.flatnonzero(sector == one)
        rows = rows[np.argsort(time[rows], kind="stable")]
        times, stars = time[rows], star[rows]
        first = np.searchsorted(times, times - WITHIN, side="left")
        last = np.searchsorted(times, times + WITHIN, side="right")
        counts[rows] = [
            len(set(stars[start:stop].tolist())) - 1
            for start, stop in zip(first.tolist(), last.tolist(), strict=True)
        ]
    return counts


def chance_of_own(
    counts: np.ndarray, sector: np.ndarray, star: np.ndarray, time: np.ndarray
) -> np.ndarray:
    """The chance that an event is not of those that several stars have in common.

    Parameters
    ----------
    counts : int, shape (n_events,)
        From `coincident`; the others as there.

    Returns
    -------
    float64, shape (n_events,)
        1 where so many may come together by chance.
    """
    own = np.ones(len(time))
    for one in np.unique(sector):
        rows = sector == one
        span = max(float(np.ptp(time[rows])), 2 * WITHIN)
        stars, of_star = np.unique(star[rows], return_counts=True)
        number = of_star[np.searchsorted(stars, star[rows])]
        expected = (np.count_nonzero(rows) - number) * 2 * WITHIN / span
        here = counts[rows]
        together = (here >= _FEWEST) & (poisson.sf(here - 1, expected) < _CHANCE)
        own[rows] = np.where(together, np.minimum(1.0, (expected + 1) / (here + 1)), 1.0)
    return own
