"""The corrected rate of flares at least as large as each, and its interval."""

from __future__ import annotations

import numpy as np
from scipy.stats import chi2

from cvzmpi.cvz.results.products.rates.effective_time import EffectiveTime
from cvzmpi.cvz.results.products.recovered_fraction import CONFIDENCE


def cumulative_rate(
    duration: np.ndarray,
    reliability: np.ndarray,
    time: EffectiveTime,
    lower: float,
    background_error: float = 0.0,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sum up reliabilities over the effective time, flare by flare.

    The intervals are those for weighted sums of Poisson counts of Fay & Feuer 1997 (Statistics in
    Medicine 16, 791). The variance of a sum is that of the same sum of certain flares times (sum of
    r) / (sum of r^2), see `mixed_likelihood`, and those by the completeness and by the number of
    false events are added.

    Parameters
    ----------
    duration, reliability : float64, shape (n,)
        Equivalent durations in s and reliabilities, the largest flare first.
    time : EffectiveTime
    lower : float
        Rates are NaN below this equivalent duration in s, and everywhere if it is NaN.
    background_error : float
        Relative standard error of the number of false flares.

    Returns
    -------
    rate, low, high : float64, shape (n,)
        A day; the interval has 68.27 %.
    """
    weight = np.full(len(duration), np.nan)
    known = duration >= lower  # false where the bound is NaN
    weight[known] = 1 / time.at(duration[known])
    rate = np.cumsum(weight * reliability)
    certain = np.cumsum(reliability) / np.maximum(np.cumsum(reliability**2), 1e-300)
    variance = np.cumsum(weight**2 * reliability) * certain
    false = np.cumsum(weight * reliability * (1 - reliability)) * certain
    variance += (background_error * false) ** 2
    if len(time.draws):
        variance += np.cumsum(reliability / time.draws_at(duration), axis=1).var(axis=0)
    return rate, *_weighted_poisson(rate, variance, np.maximum.accumulate(weight))


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
