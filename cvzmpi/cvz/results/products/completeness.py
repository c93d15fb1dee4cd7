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

from cvzmpi.cvz.results.products.injected_bins import InjectedBins
from cvzmpi.cvz.results.products.recovered_fraction import CONFIDENCE

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
        return cls.of_bins(InjectedBins.of(size, recovered, counted), n_draws)

    @classmethod
    def of_bins(cls, bins: InjectedBins, n_draws: int = _DRAWS) -> CompletenessCurve:
        """Fit the curve to bins of injected flares; `n_draws` as of `fit`."""
        if not len(bins.log_size):
            nothing = np.empty(0)
            return cls(nothing, nothing, np.empty((n_draws, 0)), math.nan, math.nan)
        fraction = bins.n_recovered / bins.n_placed
        return cls(
            log_size=bins.log_size,
            fraction=isotonic_regression(fraction, weights=bins.n_placed).x,
            draws=_draw_curves(bins, n_draws) if n_draws else np.empty((0, len(fraction))),
            smallest=bins.smallest,
            largest=bins.largest,
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
        value, relation = first_reaching(level, self.fraction, self.log_size), "="
        if self.fraction[-1] < level:
            value, relation = self.largest, ">"
        elif self.fraction[0] > level:
            value, relation = self.smallest, "<"
        if not len(self.draws):
            return Limit(value, relation)
        reached = self._drawn_to_reach(level)
        tail = (1 - confidence) / 2
        # an order statistic: between a number and infinity there is nothing to interpolate
        low, high = np.quantile(reached, [tail, 1 - tail], method="inverted_cdf")
        ours = {"=": value, ">": math.inf, "<": 0.0}[relation]
        return Limit(value, relation, min(float(low), ours), max(float(high), ours))

    def _interpolated(self, size: np.ndarray, fraction: np.ndarray) -> np.ndarray:
        if not len(fraction):
            return np.full(np.shape(size), np.nan)
        return np.interp(np.log(size), self.log_size, fraction)

    def _drawn_to_reach(self, level: float) -> np.ndarray:
        """The size at which each drawn curve reaches a level; 0 and infinity where it is open."""
        rows, above = np.arange(len(self.draws)), np.argmax(self.draws >= level, axis=1)
        below = np.maximum(above - 1, 0)
        low, high = self.draws[rows, below], self.draws[rows, above]
        with np.errstate(divide="ignore", invalid="ignore"):  # of curves that are open
            part = np.where(above > below, (level - low) / (high - low), 0.0)
            step = self.log_size[above] - self.log_size[below]
            size = np.exp(self.log_size[below] + part * step)
        size[self.draws[:, 0] > level] = 0.0
        size[self.draws[:, -1] < level] = math.inf
        return size


def first_reaching(level: float, values: np.ndarray, log_size: np.ndarray) -> float:
    """The size at which values at knots, linear between them, first reach a level.

    The first knot where even its value is above the level.
    """
    above = int(np.argmax(values >= level))
    pair = slice(max(above - 1, 0), above + 1)  # both differ, since only the upper one reaches it
    return float(np.exp(np.interp(level, values[pair], log_size[pair])))


def _draw_curves(bins: InjectedBins, n_draws: int) -> np.ndarray:
    """Monotone curves from the posteriors of the fractions of all bins; shape (n_draws, n_bins)."""
    successes = bins.n_recovered / bins.n_placed * bins.n_effective
    drawn = np.random.default_rng(_SEED).beta(
        successes + 0.5, bins.n_effective - successes + 0.5, (n_draws, len(successes))
    )
    return np.ascontiguousarray(_monotone(drawn.T, bins.n_placed).T)


def _monotone(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The isotonic regression of each column of values; shape (n_bins, n).

    For many short columns at once by its max-min formula (Barlow et al. 1972, Statistical Inference
    under Order Restrictions): at bin i, the largest, over all first bins up to i, of the smallest
    mean from there to any last bin from i on.
    """
    total = np.concatenate([[0.0], np.cumsum(weights)])
    summed = np.zeros((len(values) + 1, values.shape[1]))
    np.cumsum(values * weights[:, None], axis=0, out=summed[1:])
    regression = np.full(values.shape, -np.inf)
    for first in range(len(values)):
        width = total[first + 1 :] - total[first]
        means = (summed[first + 1 :] - summed[first]) / width[:, None]
        smallest = np.minimum.accumulate(means[::-1], axis=0)[::-1]
        np.maximum(regression[first:], smallest, out=regression[first:])
    return regression
