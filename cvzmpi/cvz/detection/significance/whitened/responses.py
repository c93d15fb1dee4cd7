"""K^-1 of many short flares, each of them alone, in a few solves.

Most of a solve's time goes into the exponentials of its recursion, which are the same for all right
sides. So flares whose cadences overlap are solved together, as columns over the cadences of all. A
column has the bits that it has alone: the recursion of one column knows no other, and where a
column is still 0, before its flare or (upwards) after its end, its state is exactly 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cvzmpi.cvz.detection.significance.whitened.whitening import Whitening

# What a cadence of a solve costs besides its columns, in columns, with the calls themselves: of the
# arithmetic alone, 105 ns to 8 ns.
_ALONE = 16.0


@dataclass(frozen=True)
class Flares:
    """Flares at the cadences where they are followed, one behind the other."""

    flux: np.ndarray  # float64, shape (n,)
    # int64, shape (n_flares + 1,): where in `flux` each flare begins, and the last one ends
    begin: np.ndarray
    start: np.ndarray  # int64, shape (n_flares,): usable cadence of the first value of each
    # int64, shape (n_flares,): first usable cadence of K^-1 of each flare, and that after its last;
    # elsewhere it is taken as 0
    first: np.ndarray
    stop: np.ndarray

    def __len__(self) -> int:
        return len(self.first)


def add_responses(
    whitening: Whitening, flares: Flares, alpha: np.ndarray, centre: np.ndarray
) -> None:
    """Add K^-1 of each flare to its row of `alpha`.

    Parameters
    ----------
    alpha : float64, shape (n_flares, 2 margin + 1)
        On the grid of cadences; changed in place.
    centre : int64, shape (n_flares,)
        Places that stand in the middle of the rows.
    """
    place, width = whitening.samples.place, alpha.shape[1]
    for members in _together(flares, len(place)):
        part = slice(int(flares.first[members].min()), int(flares.stop[members].max()))
        solved = _solved(whitening, flares, members, part)
        origin = int(place[part.start])
        on_grid = np.zeros((int(place[part.stop - 1]) + 1 - origin, len(members)))
        on_grid[place[part] - origin] = solved
        begins = place[flares.first[members]] - origin
        ends = place[flares.stop[members] - 1] + 1 - origin
        shifts = centre[members] - width // 2 - origin
        rows = zip(members.tolist(), begins.tolist(), ends.tolist(), shifts.tolist(), strict=True)
        for values, (row, begin, end, shift) in zip(on_grid.T, rows, strict=True):
            begin, end = max(begin, shift), min(end, shift + width)
            alpha[row, begin - shift : end - shift] += values[begin:end]


def _together(flares: Flares, n: int) -> Iterator[np.ndarray]:
    """Members of the groups that are solved together, close to each other.

    Of m columns, each over l cadences and s after the last one, a column costs
    (l + m s) (`_ALONE` / m + 1): the least for m^2 = `_ALONE` l / s.
    """
    overlap = np.sum(flares.stop - flares.first) / n
    size = max(1, round(math.sqrt(_ALONE * overlap)))
    order = np.argsort(flares.first, kind="stable")
    for start in range(0, len(order), size):
        yield order[start : start + size]


def _solved(whitening: Whitening, flares: Flares, members: np.ndarray, part: slice) -> np.ndarray:
    """K^-1 of some flares in a part of the light curve; shape (n_part, n_members)."""
    n, starts = len(members), flares.start[members]
    begins, ends = flares.begin[members], flares.begin[members + 1]
    lowest = int(starts.min())  # whitened vectors are 0 before
    values = np.zeros((part.stop - lowest, n))
    spans = zip((starts - lowest).tolist(), begins.tolist(), ends.tolist(), strict=True)
    for column, (at, begin, end) in enumerate(spans):
        values[at : at + end - begin, column] = flares.flux[begin:end]
    lower = whitening.lower(values, slice(lowest, part.stop))
    whitened = np.zeros((part.stop - part.start, n))
    known = min(len(lower), len(whitened))
    whitened[len(whitened) - known :] = lower[len(lower) - known :]
    for column, stop in enumerate((flares.stop[members] - part.start).tolist()):
        whitened[stop:, column] = 0.0
    return whitening.upper(whitened, part)
