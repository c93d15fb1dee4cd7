"""Which windows of which injected flares are asked about, and what every network reads for that.

It is prepared once, and then asked of one network after the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvzmpi.cvz.detection.stella import network as nn


@dataclass(frozen=True)
class ChangedBorder:
    """Flares that change a border of the windows, and what that border reads.

    Attributes
    ----------
    is_left : bool
        Whether it is taps 0 and 1, or 48 and 49.
    of : int, shape (b,)
        Which of the members of the question.
    rows : float32, shape (2 b, n, 8)
        From `layers.neighbourhoods`, of all with the flares and then of all without.
    """

    is_left: bool
    of: np.ndarray
    rows: np.ndarray


@dataclass(frozen=True)
class Question:
    """Some windows of some flares.

    Attributes
    ----------
    members : int, shape (k,)
        Which flares of the batch.
    u : range
        The windows 4 u + r of the plan.
    residues : range
        The residues r: all, the first of all, or every second one.
    v : range
        The features that change, and are interior taps of these windows.
    n_cadences : int
        How many are asked for; of some more the answer is not needed.
    rows : float32, shape (2, k, 2 n_v + 4, 8), contiguous
        Of `conv1_rows`, as `features` reads them.
    places : int, shape (n_residues, k, n_v + 1)
        Of the features without the flares, in residue order.
    windows : int, shape (n_u, n_residues, k)
        Of the windows without the flares, by where they start.
    left_out : list of (bool, shape (k,), and slice of v)
        Features that these members do not change.
    borders : list of ChangedBorder
    """

    members: np.ndarray
    u: range
    v: range
    residues: range
    n_cadences: int
    rows: np.ndarray
    places: np.ndarray
    windows: np.ndarray
    left_out: list[tuple[np.ndarray, slice]]
    borders: list[ChangedBorder]

    def taps(self, u: int) -> slice:
        """The interior taps at which a window reads features that change; maybe none."""
        start = min(max(self.v.start - u, nn.INTERIOR.start), nn.INTERIOR.stop)
        return slice(start, max(min(self.v.stop - u, nn.INTERIOR.stop), start))


def asked_windows(cadences: slice) -> tuple[range, range]:
    """The windows 4 u + r of some cadences: u and the residues r.

    Parameters
    ----------
    cadences : slice
        Of the plan's cadences, from a multiple of 4 on: all, or every second one, maybe beginning
        with the next.
    """
    u = range(cadences.start // nn.STEP, -(-cadences.stop // nn.STEP))
    first, step = cadences.start % nn.STEP, cadences.step or 1
    stop = nn.STEP if len(u) > 1 else cadences.stop - nn.STEP * u.start
    return u, range(first, stop, step)


def residue_order(position: np.ndarray, n_v: int) -> np.ndarray:
    """Places of positions in an array of shape (4, n_v), flattened."""
    place: np.ndarray = (position % nn.STEP) * n_v + position // nn.STEP
    return place


def beyond(within: np.ndarray, v: range) -> list[tuple[np.ndarray, slice]]:
    """The parts of a stretch of v that are outside of each member's.

    Parameters
    ----------
    within : int, shape (k, 2)
        Where that of each begins, and where it ends.
    """
    begin, end = within.T
    before = [
        (begin == start, slice(0, start - v.start))
        for start in set(begin[begin > v.start].tolist())
    ]
    after = [
        (end == stop, slice(max(stop - v.start, 0), len(v)))
        for stop in set(end[end < v.stop].tolist())
    ]
    return before + after
