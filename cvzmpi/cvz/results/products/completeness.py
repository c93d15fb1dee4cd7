"""Completeness: which share of the flares of a size the search finds in one light curve.

The injected flares, sorted by size (equivalent duration or amplitude), are cut into bins; the
recovered fractions of the bins, made monotone, are the curve. It is an average over all else that
was drawn: at an equivalent duration, over the injected mixture of short bright and long faint
flares.

The repeats of one injected flare are one flare at several places, not several flares: a flare
that suits the detector is found nearly everywhere. So a bin with m flares at r places each says
less than m r independent trials. How much less is measured in the bin itself, by the spread of the
flares' own fractions: the *design effect* is their variance over the binomial one (Rao & Scott
1992, Biometrics 48, 577), and the numbers of trials and successes divided by it are what the
intervals are made of.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from astropy.stats import binom_conf_interval
from scipy.optimize import isotonic_regression

MAX_BINS = 20
MIN_FLARES_PER_BIN = 10

CONFIDENCE = 0.6827
"""Of all intervals, unless they say otherwise: that of one standard deviation."""

_DRAWS = 200
_SEED = 20180418  # the day of TESS's launch; the intervals are the same each time


@dataclass(frozen=True)
class Limit:
    """The size at which the completeness reaches a level.

    Attributes
    ----------
    value : float
        NaN where nothing was injected.
    relation : str
        `=`; `>` where even the largest flares are found less often and `value` is their size;
        `<` where even the smallest are found more often.
    low, high : float
        Interval of the value; 0 and infinity where it is open. NaN where none was asked for.
    """

    value: float
    relation: str = "="
    low: float = math.nan
    high: float = math.nan


@dataclass(frozen=True)
class Counts:
    """Injected flares and what was found of them, in bins of whatever shape.

    Attributes
    ----------
    n_flares, n_placed, n_recovered : int64, any shape
        Injected flares; their places in all; the places at which they were found.
    n_effective : float64, same shape
        How many independent trials the places are worth, between `n_flares` and `n_placed`.
    """

    n_flares: np.ndarray
    n_placed: np.ndarray
    n_recovered: np.ndarray
    n_effective: np.ndarray

    @property
    def fraction(self) -> np.ndarray:
        """Recovered fraction; NaN where nothing was injected."""
        with np.errstate(invalid="ignore"):
            return self.n_recovered / self.n_placed

    def interval(self, confidence: float = CONFIDENCE) -> tuple[np.ndarray, np.ndarray]:
        """Binomial interval of the fraction (Jeffreys), for the effective number of trials.

        Returns
        -------
        low, high : float64, same shape
            NaN where nothing was injected.
        """
        filled = self.n_placed > 0
        trials = np.maximum(np.floor(self.n_effective), 1).astype(np.int64)
        fraction = np.where(filled, self.fraction, 0.0)
        successes = np.rint(fraction * trials).astype(np.int64)
        low, high = binom_conf_interval(successes, trials, confidence, "jeffreys")
        # whole numbers of effective trials cannot have every fraction
        low, high = np.minimum(low, fraction), np.maximum(high, fraction)
        return np.where(filled, low, np.nan), np.where(filled, high, np.nan)


def count_in_bins(bin_of_flare: np.ndarray, n_bins: int, recovered: np.ndarray) -> Counts:
    """Count flares and recoveries in bins.

    Parameters
    ----------
    bin_of_flare : int, shape (n_flares,)
        Flares in no bin from 0 to `n_bins` - 1 are left out.
    n_bins : int
    recovered : bool, shape (n_flares, n_repeat)
    """
    inside = (bin_of_flare >= 0) & (bin_of_flare < n_bins)
    member = bin_of_flare[inside]
    found = recovered[inside].sum(axis=1).astype(np.float64)
    repeats = recovered.shape[1]
    n_flares = np.bincount(member, minlength=n_bins)
    n_recovered = np.bincount(member, found, n_bins)
    squares = np.bincount(member, found**2, n_bins)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = n_recovered / n_flares
        variance = (squares - n_flares * mean**2) / (n_flares - 1)
        effect = variance / (mean * (1 - mean / repeats))
    # Where all or none were found, or there is one flare, the spread says nothing: the least that
    # the places can be worth is one trial for each flare.
    effect = np.clip(np.where(np.isfinite(effect), effect, repeats), 1, repeats)
    n_placed = n_flares * repeats
    return Counts(n_flares, n_placed, np.rint(n_recovered).astype(np.int64), n_placed / effect)


def binned(size: np.ndarray, recovered: np.ndarray, edges: np.ndarray) -> Counts:
    """Count flares and recoveries by size; the last bin has both its edges.

    Parameters
    ----------
    size : float64, shape (n_flares,)
        Equivalent duration, amplitude or FWHM.
    recovered : bool, shape (n_flares, n_repeat)
    edges : float64, shape (n_bins + 1,)
    """
    return count_in_bins(_bin_of(size, edges), len(edges) - 1, recovered)


def binned_by_two(
    first: np.ndarray,
    second: np.ndarray,
    recovered: np.ndarray,
    first_edges: np.ndarray,
    second_edges: np.ndarray,
) -> Counts:
    """As `binned`, in cells of two sizes; shape (n_first, n_second)."""
    n_first, n_second = len(first_edges) - 1, len(second_edges) - 1
    row, column = _bin_of(first, first_edges), _bin_of(second, second_edges)
    inside = (row >= 0) & (row < n_first) & (column >= 0) & (column < n_second)
    cell = np.where(inside, row * n_second + column, -1)
    counts = count_in_bins(cell, n_first * n_second, recovered)
    return Counts(
        *(
            values.reshape(n_first, n_second)
            for values in (
                counts.n_flares,
                counts.n_placed,
                counts.n_recovered,
                counts.n_effective,
            )
        )
    )


@dataclass(frozen=True)
class CompletenessCurve:
    """The completeness as a monotone function of the size.

    Linear in the logarithm of the size between the knots, constant beyond them. So it says nothing
    about flares smaller than those injected, and takes larger ones to be found as often as the
    largest.

    Attributes
    ----------
    log_size : float64, shape (n_knots,)
        Natural logarithm of the size: the mean over each bin.
    fraction : float64, shape (n_knots,)
        Not decreasing.
    draws : float64, shape (n_draws, n_knots)
        Curves that are as well possible: of each bin a draw from the posterior of its fraction, all
        of them made monotone.
    smallest, largest : float
        Of the injected sizes.
    """

    log_size: np.ndarray
    fraction: np.ndarray
    draws: np.ndarray
    smallest: float
    largest: float

    @classmethod
    def fit(
        cls, size: np.ndarray, recovered: np.ndarray, n_draws: int = _DRAWS
    ) -> CompletenessCurve:
        """Fit the curve to what was found of injected flares.

        At most 20 bins, with equally many flares; isotonic regression makes them monotone.

        Parameters
        ----------
        size : float64, shape (n_flares,)
            Equivalent duration or amplitude; above 0.
        recovered : bool, shape (n_flares, n_repeat)
        n_draws : int
            How many curves say how uncertain it is; 0 is the fastest, and gives no intervals.
        """
        if not recovered.size:
            nothing = np.empty(0)
            return cls(nothing, nothing, np.empty((n_draws, 0)), math.nan, math.nan)
        n_bins = max(1, min(MAX_BINS, len(size) // MIN_FLARES_PER_BIN))
        order = np.argsort(size, kind="stable")
        share, extra = divmod(len(size), n_bins)
        weights = share + (np.arange(n_bins) < extra)
        starts = np.cumsum(weights) - weights
        found = np.add.reduceat(np.count_nonzero(recovered, axis=1)[order], starts)
        bin_of_flare = np.empty(len(size), np.int64)
        bin_of_flare[order] = np.repeat(np.arange(n_bins), weights)
        return cls(
            log_size=np.add.reduceat(np.log(size[order]), starts) / weights,
            fraction=isotonic_regression(found / (weights * recovered.shape[1]), weights=weights).x,
            draws=_draw_curves(bin_of_flare, weights, recovered, n_draws),
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
        above = int(np.argmax(fraction >= level))
        if fraction[above] == level:
            return float(np.exp(self.log_size[above])), "="
        pair = slice(above - 1, above + 1)  # both differ, since only the upper one reaches it
        return float(np.exp(np.interp(level, fraction[pair], self.log_size[pair]))), "="

    @staticmethod
    def _open(value: float, relation: str) -> float:
        return {"=": value, ">": math.inf, "<": 0.0}[relation]


def _draw_curves(
    bin_of_flare: np.ndarray, weights: np.ndarray, recovered: np.ndarray, n_draws: int
) -> np.ndarray:
    """Monotone curves from the posteriors of the fractions of all bins; shape (n_draws, n_bins)."""
    n_bins = len(weights)
    if not n_draws:
        return np.empty((0, n_bins))
    counts = count_in_bins(bin_of_flare, n_bins, recovered)
    successes = counts.fraction * counts.n_effective
    drawn = np.random.default_rng(_SEED).beta(
        successes + 0.5, counts.n_effective - successes + 0.5, (n_draws, n_bins)
    )
    return np.array([isotonic_regression(fraction, weights=weights).x for fraction in drawn])


def _bin_of(size: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The bin of each size; -1 or too large where it is in none."""
    bins = np.searchsorted(edges, size, side="right") - 1
    bins[size == edges[-1]] = len(edges) - 2
    return bins
