"""The flares of a star as points of a cumulative frequency distribution."""

from __future__ import annotations

import numpy as np
from scipy.stats import chi2

from cvzmpi.cvz.results.products.ffd import StarFfd
from cvzmpi.cvz.results.products.recovered_fraction import CONFIDENCE


def cumulative_ffd(star: StarFfd) -> dict[str, np.ndarray]:
    """Sort the flares of a star, the largest first, and correct each for completeness.

    A flare of equivalent duration E adds 1 / S(E) to the rate, S being the effective time of all
    light curves, sum of T_j C_j(E). Adding 1 / (C_j(E) T) with the completeness of its own light
    curve has the same expectation and more noise: a flare found against the odds in a bad light
    curve would outweigh many in good ones.

    The intervals are those for weighted sums of Poisson counts of Fay & Feuer 1997 (Statistics in
    Medicine 16, 791).

    Returns
    -------
    dict of ndarray, shape (n,) each
        By column of `ffd_tables.FLARES`: all but `tic` and `energy`. Rates, per day, are NaN below
        the star's bound, the raw one where too little was searched.
    """
    sectors = star.sectors
    duration = np.concatenate([sector.duration for sector in sectors])
    order = np.argsort(-duration, kind="stable")
    order = order[duration[order] > 0]  # noise may have taken all of a false flare
    duration = duration[order]

    def sorted_values(name: str) -> np.ndarray:
        return np.concatenate([getattr(sector, name) for sector in sectors])[order]

    with np.errstate(divide="ignore", invalid="ignore"):  # of durations that are left out
        completeness = np.concatenate([s.completeness(s.duration) for s in sectors])[order]
    weight = np.full(len(duration), np.nan)
    known = duration >= star.lower  # false where the bound is NaN
    weight[known] = 1 / star.time.at(duration[known])
    rate = np.cumsum(weight)
    low, high = _weighted_poisson(rate, np.cumsum(weight**2), np.maximum.accumulate(weight))
    days = np.nan if star.little_searched else star.time.searched
    return {
        "sector": np.repeat([s.sector for s in sectors], [len(s.duration) for s in sectors])[order],
        "peak_time": sorted_values("peak_time"),
        "amplitude": sorted_values("amplitude"),
        "ed": duration,
        "ed_error": sorted_values("duration_error"),
        "ed_mask": sorted_values("mask_duration"),
        "completeness": completeness,
        "raw_rate": np.arange(1, len(duration) + 1) / days,
        "rate": rate,
        "rate_low": low,
        "rate_high": high,
        "at_edge": sorted_values("at_edge"),
    }


def _weighted_poisson(
    total: np.ndarray, variance: np.ndarray, largest: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    tail = (1 - CONFIDENCE) / 2
    low = variance / (2 * total) * chi2.ppf(tail, 2 * total**2 / variance)
    total, variance = total + largest, variance + largest**2
    high = variance / (2 * total) * chi2.ppf(1 - tail, 2 * total**2 / variance)
    return low, high
