"""The cumulative flare frequency distribution of a star: its flares, the largest first."""

from __future__ import annotations

import numpy as np
from scipy.stats import chi2

from cvzmpi.cvz.results.products.ffd import StarFfd
from cvzmpi.cvz.results.products.measured_flares import by_size, in_a_rate
from cvzmpi.cvz.results.products.rates.flare_number import background_error
from cvzmpi.cvz.results.products.recovered_fraction import CONFIDENCE

MEASURES = {
    "peak_time": "peak_time",
    "amplitude": "amplitude",
    "ed": "equivalent_duration",
    "ed_error": "equivalent_duration_error",
    "ed_mask": "mask_equivalent_duration",
    "template_fitted": "template_fitted",
    "energy": "energy",
    "energy_error": "energy_error",
    "found_by": "found_by",
    "snr": "snr",
    "max_probability": "max_probability",
    "reliability": "reliability",
    "at_edge": "at_edge",
}
"""The measures of a flare in the cumulative distribution, with their columns in the table of flares
(`measured_flares.COLUMNS`)."""


def cumulative_ffd(star: StarFfd) -> dict[str, np.ndarray]:
    """Sort the flares of a star, the largest first, and correct each for completeness.

    A flare of equivalent duration E adds 1 / S(E) to the rate, S being the effective time of all
    light curves, sum of T_j C_j(E). Adding 1 / (C_j(E) T) with the completeness of its own light
    curve has the same expectation and more noise: a flare found against the odds in a bad light
    curve would outweigh many in good ones.

    It adds as much times its reliability where it may be false; those below the minimum reliability
    are no points, and are in the rates of the others. The intervals are those for weighted sums of
    Poisson counts of Fay & Feuer 1997 (Statistics in Medicine 16, 791). The variance of a sum is
    that of the same sum of certain flares times (sum of r) / (sum of r^2), see `power_law`, and
    those by the completeness and by the number of false events are added.

    Returns
    -------
    dict of ndarray, shape (n_flares,) each
        By column of `ffd_tables.FLARES`: all but `tic`. Rates, per day, are NaN below the star's
        bound, the raw one where too little was searched. All are NaN of the flares that are in no
        rate, which come last.
    """
    sectors = star.sectors
    flares = {
        name: np.concatenate([sector.flares[name] for sector in sectors])
        for name in dict.fromkeys(MEASURES.values())
    }
    order = by_size(flares)
    flares = {name: values[order] for name, values in flares.items()}
    counts = in_a_rate(flares)  # noise may have taken all of a false flare
    duration = flares["equivalent_duration"][counts]
    with np.errstate(divide="ignore", invalid="ignore"):  # of durations that are left out
        completeness = np.concatenate([s.completeness(s.duration) for s in sectors])[order]
    of_all = np.concatenate([r.reliability for r in star.reliabilities])[order]
    reliability = of_all[counts]
    weight = np.full(len(duration), np.nan)
    known = duration >= star.lower  # false where the bound is NaN
    weight[known] = 1 / star.time.at(duration[known])
    rate = np.cumsum(weight * reliability)
    variance = _variance(star, duration, weight, reliability)
    low, high = _weighted_poisson(rate, variance, np.maximum.accumulate(weight))
    days = np.nan if star.little_searched else star.time.searched
    rates = {
        "completeness": completeness[counts],
        "raw_rate": np.arange(1, len(duration) + 1) / days,
        "rate": rate,
        "rate_low": low,
        "rate_high": high,
    }
    listed = of_all >= star.min_reliability
    table = {
        "sector": np.repeat([s.sector for s in sectors], [s.n_flares for s in sectors])[order],
        **{name: flares[column] for name, column in MEASURES.items()},
        **{name: _spread(values, counts) for name, values in rates.items()},
    }
    return {name: values[listed] for name, values in table.items()}


def _spread(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Values of some rows as a column of all rows, NaN elsewhere."""
    column = np.full(len(rows), np.nan)
    column[rows] = values
    return column


def _variance(
    star: StarFfd, duration: np.ndarray, weight: np.ndarray, reliability: np.ndarray
) -> np.ndarray:
    """Variance of the corrected rate at each flare; shape (n,)."""
    certain = np.cumsum(reliability) / np.maximum(np.cumsum(reliability**2), 1e-300)
    variance = np.cumsum(weight**2 * reliability) * certain
    false = np.cumsum(weight * reliability * (1 - reliability)) * certain
    variance += (background_error(star.reliabilities) * false) ** 2
    if len(star.time.draws):
        variance += np.cumsum(reliability / star.time.draws_at(duration), axis=1).var(axis=0)
    return variance


def _weighted_poisson(
    total: np.ndarray, variance: np.ndarray, largest: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    tail = (1 - CONFIDENCE) / 2
    with np.errstate(divide="ignore", invalid="ignore"):  # a total of 0 has no lower end
        low = variance / (2 * total) * chi2.ppf(tail, 2 * total**2 / variance)
    low = np.where(total > 0, low, np.where(np.isnan(total), np.nan, 0.0))
    total, variance = total + largest, variance + largest**2
    high = variance / (2 * total) * chi2.ppf(1 - tail, 2 * total**2 / variance)
    return low, high
