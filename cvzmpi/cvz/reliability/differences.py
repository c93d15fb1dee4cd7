"""How different the light curves of a pool are, in flares and in false events.

The flare rates of stars differ by orders of magnitude: a priori, they are log-normal around the
mean of the pool. The numbers of false events differ less: there, a gamma distribution will do. The
widths are measured in each pool, from the numbers of certain flares and of events in mirror images.
"""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln

from cvzmpi.cvz.reliability.pools import Pools

LOG_FACTORS = np.arange(-8.0, 7.01, 0.2)
"""Logarithms of the flare rate of a star over that of its pool."""

# Standard deviations of these logarithms, a priori and as they may be.
_SPREAD, _SPREADS = 1.5, np.array([0.15, 0.3, 0.5, 0.75, 1, 1.3, 1.6, 2, 2.5, 3])
# The same for shapes of gamma distributions of false events: large where all are alike.
_ALIKE, _ALIKES = 0.7, np.geomspace(0.1, 100, 16)
_PRIOR_WIDTH = 1.0  # of the logarithms of both


def log_prior(spread: np.ndarray) -> np.ndarray:
    """Logarithm of the prior of `LOG_FACTORS`, up to a constant; shape (n, n_factors).

    The mean factor is 1.
    """
    width = spread[:, None]
    return np.asarray(-(((LOG_FACTORS + width**2 / 2) / width) ** 2) / 2)


def spread_of_flares(certain: np.ndarray, pools: Pools) -> np.ndarray:
    """Standard deviation of the logarithm of the flare rate, in the pool of each light curve.

    Parameters
    ----------
    certain : float64, shape (n_light_curves,)
        Numbers of flares of which hardly any is false: a Poisson sample of all.
    pools : Pools
    """
    mean = pools.taken(_means(certain, pools))
    likelihood = []
    for spread in _SPREADS:
        prior = np.exp(log_prior(np.array([spread])))[0]
        chance = np.zeros(len(certain))
        for factor, weight in zip(np.exp(LOG_FACTORS), prior / prior.sum(), strict=True):
            expected = mean * factor
            chance += weight * np.exp(certain * np.log(expected) - expected - gammaln(certain + 1))
        likelihood.append(pools.sums(np.log(np.maximum(chance, 1e-300))))
    return _average(np.stack(likelihood, axis=1), _SPREADS, _SPREAD, pools)


def shape_of_false(mirrored: np.ndarray, pools: Pools) -> np.ndarray:
    """Shape of the gamma distribution of false events, in the pool of each light curve.

    Parameters
    ----------
    mirrored : float64, shape (n_light_curves,)
        Numbers of events in mirror images: negative binomial.
    pools : Pools
    """
    time, total = pools.sums(np.ones(len(mirrored))), pools.sums(mirrored)
    mean, k = _means(mirrored, pools)[:, None], _ALIKES
    likelihood = pools.sums(gammaln(mirrored[:, None] + k)) - time[:, None] * gammaln(k)
    likelihood += time[:, None] * k * np.log(k / (k + mean))
    likelihood += total[:, None] * np.log(mean / (mean + k))
    return _average(likelihood, k, _ALIKE, pools)


def _means(events: np.ndarray, pools: Pools) -> np.ndarray:
    return np.asarray(np.maximum(pools.sums(events), 1e-6) / pools.sums(np.ones(len(events))))


def _average(
    likelihood: np.ndarray, values: np.ndarray, assumed: float, pools: Pools
) -> np.ndarray:
    """Mean of the logarithm of a width over its posterior; `likelihood` is that of each pool."""
    likelihood = likelihood - (np.log(values / assumed) / _PRIOR_WIDTH) ** 2 / 2
    posterior = np.exp(likelihood - likelihood.max(axis=1, keepdims=True))
    posterior /= posterior.sum(axis=1, keepdims=True)
    return pools.taken(np.exp(posterior @ np.log(values)))
