"""The recovered fraction of injected flares in bins of their size, with its uncertainty.

The *recovered fraction* is the share of the repeats (places) of the injected flares at which the
search found them, among those that count for it: `SearchedCurve.counted`. A flare with no repeat
that counts is none of the injected ones.

The repeats of one injected flare are one flare at several places, not several flares: a flare
that suits the detector is found nearly everywhere. So a bin with m flares at r places each says
less than m r independent trials. How much less is measured in the bin itself, by the spread of the
flares' own fractions: the *design effect* is their variance over the binomial one (Rao & Scott
1992, Biometrics 48, 577), and the numbers of trials and successes divided by it are what the
intervals are made of.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from astropy.stats import binom_conf_interval

from cvzmpi.cvz.sector_file.data import Recovery

CONFIDENCE = 0.6827
"""Confidence of all intervals, unless they say otherwise: that of one standard deviation."""


@dataclass(frozen=True)
class Counts:
    """Injected flares and what was found of them, in bins of whatever shape."""

    # `n_flares`, `n_placed`, `n_recovered`: int64, any shape; injected flares; their places that
    # count; of these, those at which they were found
    n_flares: np.ndarray
    n_placed: np.ndarray
    n_recovered: np.ndarray
    # float64, same shape; how many independent trials the places are worth, between `n_flares` and
    # `n_placed`
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


def count_in_bins(
    bin_of_flare: np.ndarray,
    n_bins: int,
    recovered: np.ndarray,
    counted: np.ndarray | None = None,
) -> Counts:
    """Count flares and recoveries in bins.

    Parameters
    ----------
    bin_of_flare : int, shape (n_flares,)
        Flares in no bin from 0 to `n_bins` - 1 are left out.
    recovered : bool, shape (n_flares, n_repeat)
    counted : bool, shape (n_flares, n_repeat), optional
        Repeats that count; all if not given.
    """
    counted = np.ones(recovered.shape, bool) if counted is None else counted
    inside = (bin_of_flare >= 0) & (bin_of_flare < n_bins) & counted.any(axis=1)
    member = bin_of_flare[inside]
    found = np.sum(recovered & counted, axis=1)[inside].astype(np.float64)
    placed = np.sum(counted, axis=1)[inside].astype(np.float64)
    n_flares = np.bincount(member, minlength=n_bins)
    n_recovered = np.bincount(member, found, n_bins)
    n_placed = np.bincount(member, placed, n_bins)
    repeats = np.where(n_flares > 0, n_placed / np.maximum(n_flares, 1), 1)
    # Of flares with different numbers of repeats, what is found is compared with the fraction of
    # the repeats of each: the variance is that of a ratio (Cochran 1977, Sampling Techniques, 6.3).
    more = placed - repeats[member]
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = n_recovered / n_flares
        fraction = mean / repeats
        squares = np.bincount(member, found**2, n_bins) - n_flares * mean**2
        squares -= 2 * fraction * np.bincount(member, found * more, n_bins)
        squares += fraction**2 * np.bincount(member, more**2, n_bins)
        effect = squares / (n_flares - 1) / (mean * (1 - fraction))
    # Where all or none were found, or there is one flare, the spread says nothing: the least that
    # the places can be worth is one trial for each flare.
    effect = np.clip(np.where(np.isfinite(effect), effect, repeats), 1, repeats)
    whole_placed, whole_recovered = (
        np.rint(values).astype(np.int64) for values in (n_placed, n_recovered)
    )
    return Counts(n_flares, whole_placed, whole_recovered, n_placed / effect)


def binned(
    size: np.ndarray,
    recovered: np.ndarray,
    edges: np.ndarray,
    counted: np.ndarray | None = None,
) -> Counts:
    """Count flares and recoveries by size; the last bin has both its edges.

    Parameters
    ----------
    size : float64, shape (n_flares,)
        Equivalent duration, amplitude or FWHM.
    recovered : bool, shape (n_flares, n_repeat)
    edges : float64, shape (n_bins + 1,)
    counted : bool, shape (n_flares, n_repeat), optional
        Repeats that count; all if not given.
    """
    return count_in_bins(_bin_of(size, edges), len(edges) - 1, recovered, counted)


def binned_by_amplitude_and_fwhm(
    recovery: Recovery, amplitude_edges: np.ndarray, fwhm_edges: np.ndarray
) -> Counts:
    """Count as `binned` does, in cells of amplitude and FWHM; shape (n_amplitude, n_fwhm)."""
    shape = (len(amplitude_edges) - 1, len(fwhm_edges) - 1)
    row, column = _bin_of(recovery.amplitude, amplitude_edges), _bin_of(recovery.fwhm, fwhm_edges)
    inside = (row >= 0) & (row < shape[0]) & (column >= 0) & (column < shape[1])
    cell = np.where(inside, row * shape[1] + column, -1)
    counts = count_in_bins(cell, shape[0] * shape[1], recovery.recovered, recovery.counted)
    return Counts(*(values.reshape(shape) for values in vars(counts).values()))


def even_edges(values: np.ndarray, n_bins: int) -> np.ndarray:
    """Edges of bins of equal width in the logarithm, over all values."""
    low, high = _range(values)
    edges = np.geomspace(low, high, n_bins + 1)
    edges[[0, -1]] = low, high  # exactly: none of the values may fall outside
    return edges


def equal_edges(values: np.ndarray, n_bins: int) -> np.ndarray:
    """Edges of bins that hold about equally many of the values."""
    edges = np.unique(np.quantile(values, np.linspace(0, 1, n_bins + 1)))
    return edges if len(edges) > 1 else np.array(_range(values))


def _range(values: np.ndarray) -> tuple[float, float]:
    """Smallest and largest value; a little apart where all are the same."""
    low, high = float(np.min(values)), float(np.max(values))
    return (low, high) if low < high else (low / 1.1, high * 1.1)


def _bin_of(size: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The bin of each size; -1 or too large where it is in none."""
    bins = np.searchsorted(edges, size, side="right") - 1
    bins[size == edges[-1]] = len(edges) - 2
    return bins
