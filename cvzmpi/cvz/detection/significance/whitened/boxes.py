"""The best box over a peak: how well a flat hump fits the whitened light curve."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

_BESIDE = 2  # cadences by which a box may miss the peak
_COVERAGE = 0.6  # part of a box that has to be usable
_AT_ONCE = 16  # lengths that are looked at, the most promising first


def best_box(
    alpha: np.ndarray,
    usable: np.ndarray,
    peak: int,
    lengths: np.ndarray,
    information: np.ndarray,
    scales: np.ndarray,
    limit: float | None = None,
) -> float:
    """The best signal-to-noise of a box over the peak, or 0.

    Most lengths need no look: no box of a length has more than the difference between the highest
    sum of all cadences before an end and the lowest before a start, nor less coverage than with all
    that is missing within reach. Rounding keeps the order of differences, products, roots and
    quotients, so this bound holds to the last bit.

    Parameters
    ----------
    alpha : float64, shape (n,)
        K^-1 of the flux on the grid of cadences.
    usable : float64, shape (n,)
        1 where a cadence is usable, and 0 elsewhere.
    peak : int
        Index of the cadence that a box has to hold, or to miss by two; by three cadences more than
        the longest box is long from both ends.
    lengths : int64, shape (n_boxes,)
        Of the boxes in cadences, increasing.
    information, scales : float64, shape (n_boxes,)
        b^T K^-1 b of each box, and the star's noise in it in units of the process's.
    limit : float, optional
        From 0 on. Where it is given, only whether the best is above it needs to be known: if so,
        one that is above is returned, and else the limit.
    """
    totals = np.zeros((2, len(alpha) + 1))
    np.cumsum(alpha, out=totals[0, 1:])
    np.cumsum(usable, out=totals[1, 1:])
    first, reach = peak - _BESIDE, lengths + 2 * _BESIDE  # the first end, and the last one after it
    starts, n_ends = first - lengths, int(reach[-1]) + 1
    ends = totals[:, first : first + n_ends]
    highest = np.maximum.accumulate(ends[0])[reach]
    lowest = np.minimum.accumulate(totals[0, starts[-1] : first + 2 * _BESIDE + 1][::-1])[reach]
    n_missing = reach + lengths - (ends[1, reach] - totals[1, starts])
    covered = np.maximum((lengths - n_missing) / lengths, _COVERAGE)
    bound = (highest - lowest) / np.sqrt(information * covered) / scales
    best, order = limit or 0.0, np.argsort(-bound)
    windows = sliding_window_view(totals, n_ends, axis=1)
    for at in range(0, len(order), _AT_ONCE):
        rows = order[at : at + _AT_ONCE]
        if bound[rows[0]] <= best or (limit is not None and best > limit):
            break
        flux, n_usable = ends[:, None] - windows[:, starts[rows]]  # by length, and by end
        coverage = n_usable / lengths[rows, None]
        noise = np.sqrt(information[rows, None] * np.maximum(coverage, _COVERAGE))
        over_peak = np.arange(n_ends) <= reach[rows, None]
        snr = np.where(over_peak & (coverage > _COVERAGE), flux / noise, 0.0)
        best = max(best, float(np.max(snr.max(axis=1) / scales[rows])))
    return best
