"""Completeness: which share of the flares of a size the search finds in one light curve.

The injected flares, sorted by size (equivalent duration or amplitude), are cut into bins; the
recovered fractions of the bins, made monotone, are the curve. Only repeats that count for the
search enter, and each as much as any other. It is an average over all else that
was drawn: at an equivalent duration, over the injected mixture of short bright and long faint
flares.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import isotonic_regression

from cvzmpi.cvz.results.products.recovered_fraction import CONFIDENCE, Counts, count_in_bins

MAX_BINS = 20
MIN_FLARES_PER_BIN = 10


_DRAWS = 200
_SEED = 20180418  # the day of TESS's launch; the intervals are the same each time


@dataclass(frozen=True)
class Limit:
    """The size at which the completeness reaches a level."""

    value: float  # NaN where nothing was injected
    # `=`; `>` where even the largest flares are found less often and `value` is their size; `<`
    # where even the smallest are found more often
    relation: str = "="
    # `low`, `high`: Interval of the value; 0 and infinity where it is open. NaN where none was
    # asked for.
    low: float = math.nan
    high: float = math.nan


@dataclass(frozen=True)
class CompletenessCurve:
    """The completeness as a monotone function of the size.

    Linear in the logarithm of the size between the knots, constant beyond them. So it says nothing
    about flares smaller than those injected, and takes larger ones to be found as often as the
    largest.
    """

    # float64, shape (n_knots,); natural logarithm of the size: mean over the repeats of a bin
    log_size: np.ndarray
    fraction: np.ndarray  # float64, shape (n_knots,); not decreasing
    # float64, shape (n_draws, n_knots); curves that are as well possible: of each bin a draw from
    # the posterior of its fraction, all of them made monotone
    draws: np.ndarray
    # `smallest`, `largest`: of the injected sizes
    smallest: float
    largest: float

    @classmethod
    def fit(
        cls,
        size: np.ndarray,
        recovered: np.ndarray,
        counted: np.ndarray | None = None,
        n_draws: int = _DRAWS,
    ) -> CompletenessCurve:
        """Fit the curve to what was found of injected flares.

        At most 20 bins, with equally many flares; isotonic regression makes them monotone.

        Parameters
        ----------
        size : float64, shape (n_flares,)
            Equivalent duration or amplitude; above 0.
        recovered : bool, shape (n_flares, n_repeat)
        counted : bool, shape (n_flares, n_repeat), optional
            Repeats that count for the search; all if not given. A flare without one is left out.
        n_draws : int
            How many curves say how uncertain it is; 0 is the fastest, and gives no intervals.
        """
        if counted is None:
            counted = np.ones(recovered.shape, bool)
        used = counted.any(axis=1)
        size, recovered, counted = size[used], recovered[used], counted[used]
        if not len(size):
            nothing = np.empty(0)
            return cls(nothing, nothing, np.empty((n_draws, 0)), math.nan, math.nan)
        n_bins = max(1, min(MAX_BINS, len(size) // MIN_FLARES_PER_BIN))
        order = np.argsort(size, kind="stable")
        share, extra = divmod(len(size), n_bins)
        n_flares = share + (np.arange(n_bins) < extra)
        starts = np.cumsum(n_flares) - n_flares
        bin_of_flare = np.empty(len(size), np.int64)
        bin_of_flare[order] = np.repeat(np.arange(n_bins), n_flares)
        found = np.add.reduceat(np.count_nonzero(recovered & counted, axis=1)[order], starts)
        placed = np.count_nonzero(counted, axis=1)[order]
        n_placed = np.add.reduceat(placed, starts)
        # the flares that the repeats are worth: whole numbers where all repeats count
        n_repeat = recovered.shape[1]
        weights, weight = n_placed / n_repeat, placed / n_repeat
        draws = np.empty((0, n_bins))
        if n_draws:
            counts = count_in_bins(bin_of_flare, n_bins, recovered, counted)
            draws = _draw_curves(counts, weights, n_draws)
        return cls(
            log_size=np.add.reduceat(np.log(size[order]) * weight, starts) / weights,
            fraction=isotonic_regression(found / n_placed, weights=weights).x,
            draws=draws,
            smallest=float(size.min()),
            largest=float(size.max()),
        )

    def __call__(self, size: np.ndarray) -> np.ndarray:
        """Completeness at a size above 0; NaN where nothing was injected at all."""
        return self._interpolated(size, self.fraction)

    def interval(
        self, size: np.ndarray, confidence: float = CONFIDENCE
    ) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper end of the completeness at a size."""
        curves = np.array([self._interpolated(size, fraction) for fraction in self.draws])
        tail = (1 - confidence) / 2
        low, high = np.quantile(curves, [tail, 1 - tail], axis=0)
        fraction = self(size)
        return np.minimum(low, fraction), np.maximum(high, fraction)

    def limit(self, level: float = 0.5, confidence: float = CONFIDENCE) -> Limit:
        """The size at which the completeness reaches a level, as 0.1, 0.5 or 0.9."""
        if not len(self.fraction):
            return Limit(math.nan)
        value, relation = self._reaches(level, self.fraction)
        if not len(self.draws):
            return Limit(value, relation)
        reached = np.array([self._open(*self._reaches(level, draw)) for draw in self.draws])
        tail = (1 - confidence) / 2
        # an order statistic: between a number and infinity there is nothing to interpolate
        low, high = np.quantile(reached, [tail, 1 - tail], method="inverted_cdf")
        ours = self._open(value, relation)
        return Limit(value, relation, min(float(low), ours), max(float(high), ours))

    def _interpolated(self, size: np.ndarray, fraction: np.ndarray) -> np.ndarray:
        if not len(fraction):
            return np.full(np.shape(size), np.nan)
        return np.interp(np.log(size), self.log_size, fraction)

    def _reaches(self, level: float, fraction: np.ndarray) -> tuple[float, str]:
        if fraction[-1] < level:
            return self.largest, ">"
        if fraction[0] > level:
            return self.smallest, "<"
        return first_reaching(level, fraction, self.log_size), "="

    @staticmethod
    def _open(value: float, relation: str) -> float:
        return {"=": value, ">": math.inf, "<": 0.0}[relation]


def first_reaching(level: float, values: np.ndarray, log_size: np.ndarray) -> float:
    """The size at which values at knots, linear between them, first reach a level.

    The first knot where even its value is above the level.
    """
    above = int(np.argmax(values >= level))
    pair = slice(max(above - 1, 0), above + 1)  # both differ, since only the upper one reaches it
    return float(np.exp(np.interp(level, values[pair], log_size[pair])))


def _draw_curves(counts: Counts, weights: np.ndarray, n_draws: int) -> np.ndarray:
    """Monotone curves from the posteriors of the fractions of all bins; shape (n_draws, n_bins)."""
    successes = counts.fraction * counts.n_effective
    drawn = np.random.default_rng(_SEED).beta(
        successes + 0.5, counts.n_effective - successes + 0.5, (n_draws, len(weights))
    )
    return np.array([isotonic_regression(fraction, weights=weights).x for fraction in drawn])
