"""Pools: light curves of like noise and brightness, whose false events are counted together.

The plane of noise and TESS magnitude is cut into cells of about equally many light curves, at
medians. A pool lies at the centre of each cell. It has the light curves that are nearest to it,
with weights that fall smoothly to 0 (tricube; Cleveland 1979, J. Am. Stat. Assoc. 74, 829). A light
curve takes the parameters of the pools that are nearest to it, with weights that fall with the
distance. So what it takes depends on the set of light curves, not on their order, and the time for
n light curves is O(n log n).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.spatial import KDTree

POOL_SIZE = 500
"""Light curves in a pool, of whatever weight."""

_CELL = 128  # light curves of a cell at most
_NOISE, _MAGNITUDE = 0.15, 0.75  # what counts as equally far apart: dex, and magnitudes
_NEAREST = 3  # pools whose parameters a light curve takes


@dataclass(frozen=True)
class Pools:
    """Weights of light curves in pools, and of pools for light curves."""

    weights: csr_array  # shape (n_pools, n_light_curves), from 0 to 1
    # `nearest`, `shares`: int64 and float64, shape (n_light_curves, k); the pools that a light
    # curve takes its parameters from, and their shares, which add up to 1
    nearest: np.ndarray
    shares: np.ndarray
    own_weight: np.ndarray  # float64, shape (n_light_curves,); of a light curve in these pools

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Weighted sums over the light curves of each pool, of values of each light curve."""
        return self.weights @ values

    def taken(self, values: np.ndarray) -> np.ndarray:
        """What each light curve takes of values of the pools."""
        return np.sum(values[self.nearest] * self.shares, axis=1)


def make_pools(noise: np.ndarray, magnitude: np.ndarray, size: int = POOL_SIZE) -> Pools:
    """Pool light curves.

    Parameters
    ----------
    noise : float64, shape (n,)
        Error of the flux at one cadence, relative to the median flux. What is not finite or not
        above 0 is taken for the median of all.
    magnitude : float64, shape (n,)
        TESS magnitude; NaN for the median of all.
    size : int
        Light curves in a pool; fewer where there are fewer.
    """
    position = _position(noise, magnitude)
    n = len(position)
    if not n:
        nothing = np.empty((0, 0))
        return Pools(csr_array((0, 0)), nothing.astype(np.int64), nothing, np.empty(0))
    centres = _centres(position)
    size = min(size, n)
    distance, member = KDTree(position).query(centres, k=[*range(1, size + 1)])
    # where all light curves are in the pool, none needs to be without weight
    reach = distance[:, -1] * (1 if size < n else 2)
    reach = np.maximum(reach, 1e-9)
    starts = np.arange(len(centres) + 1) * size
    weights = csr_array(
        (_tricube(distance / reach[:, None]).ravel(), member.ravel(), starts), (len(centres), n)
    )
    away, nearest = KDTree(centres).query(position, k=[*range(1, min(_NEAREST, len(centres)) + 1)])
    shares = 1 / (away + 0.1 * away.mean() + 1e-9)
    shares /= shares.sum(axis=1, keepdims=True)
    own = np.sum(shares * _tricube(away / reach[nearest]), axis=1)
    return Pools(weights, nearest, shares, own)


def _position(noise: np.ndarray, magnitude: np.ndarray) -> np.ndarray:
    columns = []
    with np.errstate(divide="ignore", invalid="ignore"):
        for values, scale in ((np.log10(noise), _NOISE), (magnitude, _MAGNITUDE)):
            known = np.isfinite(values)
            middle = float(np.median(values[known])) if known.any() else 0.0
            columns.append(np.where(known, values, middle) / scale)
    return np.stack(columns, axis=1)


def _centres(position: np.ndarray) -> np.ndarray:
    """Centres of cells of at most `_CELL` light curves; float64, shape (n_cells, 2)."""
    waiting = [position[np.lexsort(position.T)]]
    centres = []
    while waiting:
        cell = waiting.pop()
        if len(cell) <= _CELL:
            centres.append(cell.mean(axis=0))
            continue
        longer = int(np.argmax(np.ptp(cell, axis=0)))
        cell = cell[np.lexsort((cell[:, 1 - longer], cell[:, longer]))]
        waiting += [cell[: len(cell) // 2], cell[len(cell) // 2 :]]
    return np.array(centres)


def _tricube(distance: np.ndarray) -> np.ndarray:
    return (1 - np.minimum(distance, 1) ** 3) ** 3
