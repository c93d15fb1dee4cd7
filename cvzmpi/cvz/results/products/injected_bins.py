"""Injected flares in bins of their size: all that a completeness curve is made of.

The index keeps them, so that the curve of a light curve is the same from there and from its sector
file.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from cvzmpi.cvz.results.products.recovered_fraction import count_in_bins

MAX_BINS = 20
MIN_FLARES_PER_BIN = 10


@dataclass(frozen=True)
class InjectedBins:
    """Bins of about equally many injected flares, in order of their size."""

    # float64, shape (n_bins,); natural logarithm of the size: mean over the repeats that count
    log_size: np.ndarray
    # `n_placed`, `n_recovered`: int64, shape (n_bins,); repeats that count, and those found of them
    n_placed: np.ndarray
    n_recovered: np.ndarray
    n_effective: np.ndarray  # float64, shape (n_bins,); trials that they are worth (`Counts`)
    # `smallest`, `largest`: of the injected sizes; NaN where there are none
    smallest: float
    largest: float

    @classmethod
    def none(cls) -> InjectedBins:
        """No bin, where no repeat counts."""
        numbers, counts = np.empty(0), np.empty(0, np.int64)
        return cls(numbers, counts, counts, numbers, math.nan, math.nan)

    @classmethod
    def of(
        cls, size: np.ndarray, recovered: np.ndarray, counted: np.ndarray | None = None
    ) -> InjectedBins:
        """Sort what was found of injected flares into at most 20 bins.

        Parameters
        ----------
        size : float64, shape (n_flares,)
            Equivalent duration or amplitude; above 0.
        recovered : bool, shape (n_flares, n_repeat)
        counted : bool, shape (n_flares, n_repeat), optional
            Repeats that count for the search; all if not given. A flare without one is left out.
        """
        if counted is None:
            counted = np.ones(recovered.shape, bool)
        used = counted.any(axis=1)
        size, recovered, counted = size[used], recovered[used], counted[used]
        if not len(size):
            return cls.none()
        n_bins = max(1, min(MAX_BINS, len(size) // MIN_FLARES_PER_BIN))
        order = np.argsort(size, kind="stable")
        share, extra = divmod(len(size), n_bins)
        n_flares = share + (np.arange(n_bins) < extra)
        starts = np.cumsum(n_flares) - n_flares
        bin_of_flare = np.empty(len(size), np.int64)
        bin_of_flare[order] = np.repeat(np.arange(n_bins), n_flares)
        counts = count_in_bins(bin_of_flare, n_bins, recovered, counted)
        # the flares that the repeats are worth: whole numbers where all repeats count
        n_repeat = recovered.shape[1]
        weight = np.count_nonzero(counted, axis=1)[order] / n_repeat
        weights = counts.n_placed / n_repeat
        with np.errstate(divide="ignore", invalid="ignore"):  # of sizes that are not above 0
            log_size = np.add.reduceat(np.log(size[order]) * weight, starts) / weights
        return cls(
            log_size=log_size,
            n_placed=counts.n_placed,
            n_recovered=counts.n_recovered,
            n_effective=counts.n_effective,
            smallest=float(size.min()),
            largest=float(size.max()),
        )
