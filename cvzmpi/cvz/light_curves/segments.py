"""Segments: stretches of a light curve without a long gap, and where a detector can look."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np


class Window(NamedTuple):
    """The cadences that a detector needs around cadence i: those of [i - before, i + after)."""

    before: int
    after: int

    @property
    def length(self) -> int:
        """Number of cadences."""
        return self.before + self.after


def segments(time: np.ndarray, exposure: float, max_gap: int) -> list[slice]:
    """Cut a light curve at its long gaps.

    Parameters
    ----------
    time : float64, shape (n,)
        Times of the usable cadences, in days, increasing.
    exposure : float
        Time from one cadence to the next, in days.
    max_gap : int
        A new segment starts where more cadences than this are missing.

    Returns
    -------
    list of slice
        Of indices into `time`, in order, covering all of it.
    """
    missing = np.rint(np.diff(time) / exposure) - 1
    cuts = np.flatnonzero(missing > max_gap) + 1
    edges = [0, *cuts.tolist(), len(time)]
    return [slice(a, b) for a, b in pairwise(edges) if b > a]


def evaluated_cadences(
    time: np.ndarray, exposure: float, max_gap: int, window: Window
) -> np.ndarray:
    """Cadences whose window, counted in usable cadences, lies in one segment.

    Returns
    -------
    bool, shape (n,)
    """
    evaluated = np.zeros(len(time), bool)
    for segment in segments(time, exposure, max_gap):
        n_windows = segment.stop - segment.start - window.length + 1
        if n_windows > 0:
            first = segment.start + window.before
            evaluated[first : first + n_windows] = True
    return evaluated
