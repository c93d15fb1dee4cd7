"""Few values that stand for many: between them, those in between are interpolated."""

from __future__ import annotations

import numpy as np


def knots(values: np.ndarray, tolerance: float) -> np.ndarray:
    """Choose few places between which linear interpolation is right to a tolerance.

    From each knot on, the next one is as far as a straight line to it passes all values between
    within the tolerance. Values that are not finite are skipped: there, anything will do.

    Parameters
    ----------
    values : float, shape (n,)
    tolerance : float
        Above 0, in the unit of the values.

    Returns
    -------
    ndarray of int, shape (n_knots,)
        Indices of the knots, ascending; the first and the last finite value are among them.
    """
    places = np.flatnonzero(np.isfinite(values))
    if not len(places):
        return places
    x, y = places.tolist(), values[places].tolist()
    chosen, start = [x[0]], 0
    lowest, highest = -np.inf, np.inf  # slopes of the lines that pass all values since `start`
    for at in range(1, len(x)):
        slope = (y[at] - y[start]) / (x[at] - x[start])
        if not lowest <= slope <= highest:
            start = at - 1
            chosen.append(x[start])
            lowest, highest = -np.inf, np.inf
        run, rise = x[at] - x[start], y[at] - y[start]
        lowest = max(lowest, (rise - tolerance) / run)
        highest = min(highest, (rise + tolerance) / run)
    if x[-1] != chosen[-1]:
        chosen.append(x[-1])
    return np.array(chosen)
