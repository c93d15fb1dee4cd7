r"""False and true events of pools of light curves, told apart by the mirror images.

In light curves of weights w, with :math:`W = \sum w`, found events have the expected number
:math:`W [\theta f_1(s) + c\, \phi f_0(s)]` at the statistic s, and events of their n mirror images
:math:`n W \phi f_0(s)`. The factor c allows the mirror images to have a few too many or too few
false events; a priori it is 1 +- 0.045. The shapes :math:`f_0, f_1` are mixtures (`statistic`).

Everything is found by expectation maximisation with conjugate priors, gamma for numbers and
Dirichlet for shapes: each step takes for every parameter its mean given the present share of false
events in every bin. Where there are few events, the priors decide; where there are many, the data.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import isotonic_regression

from cvzmpi.cvz.reliability.statistic import Statistic

# Gamma priors of the numbers in a light curve: their shapes, and their means.
_PRIOR_EVENTS = 0.5
PRIOR_TRUE, PRIOR_FALSE = 0.5, 0.2

_MIRROR_EVENTS = 500.0
"""Of the gamma prior of the factor c: it is known to 4.5 %."""

_STEPS = 150
_SMALLEST = 1e-300


@dataclass(frozen=True)
class PoolCounts:
    """Events of one family in pools of light curves, weighted."""

    # `found`, `mirrored`: float64, shape (n_pools, n_bins)
    found: np.ndarray
    mirrored: np.ndarray
    # `light_curves`, `images`: float64, shape (n_pools,); sums of weights
    light_curves: np.ndarray
    images: np.ndarray


@dataclass(frozen=True)
class PoolMixture:
    """False and true events of one family in pools of light curves."""

    statistic: Statistic
    # `n_true`, `n_false`: float64, shape (n_pools,); events that the numbers below stand on, found
    # and mirrored
    n_true: np.ndarray
    n_false: np.ndarray
    # `true_time`, `false_time`: float64, shape (n_pools,); by which they are divided, in light
    # curves
    true_time: np.ndarray
    false_time: np.ndarray
    mirror_factor: np.ndarray  # float64, shape (n_pools,); c
    # `log_ratio`: float64, shape (n_pools, n_bins); ln(f_1 / f_0), never falling
    log_ratio: np.ndarray
    # `true_shape`, `false_shape`: float64, shape (n_pools, n_bins); of probabilities of bins
    true_shape: np.ndarray
    false_shape: np.ndarray

    @property
    def true_numbers(self) -> np.ndarray:
        """True flares that are found in a light curve; float64, shape (n_pools,)."""
        return prior_mean(self.n_true, self.true_time, PRIOR_TRUE)

    @property
    def false_numbers(self) -> np.ndarray:
        """False events in a mirror image; float64, shape (n_pools,)."""
        return prior_mean(self.n_false, self.false_time, PRIOR_FALSE)


def prior_mean(events: np.ndarray, time: np.ndarray, prior: float) -> np.ndarray:
    """Mean number in a light curve, given events in so many of them, and a prior mean."""
    return (events + _PRIOR_EVENTS) / (time + _PRIOR_EVENTS / prior)


def fit_mixture(statistic: Statistic, counts: PoolCounts) -> PoolMixture:
    """Tell false from true events in each pool."""
    n_pools = len(counts.light_curves)
    h, e = statistic.true_shapes, statistic.false_shapes
    q = np.tile(statistic.true_prior / statistic.true_prior.sum(), (n_pools, 1))
    p = np.tile(statistic.false_prior / statistic.false_prior.sum(), (n_pools, 1))
    theta = np.full(n_pools, PRIOR_TRUE)
    phi = prior_mean(counts.mirrored.sum(axis=1), counts.images, PRIOR_FALSE)
    c = np.ones(n_pools)
    for _ in range(_STEPS):
        f1, f0 = q @ h + _SMALLEST, p @ e + _SMALLEST
        false = (c * phi)[:, None] * f0
        share = false / (false + theta[:, None] * f1)
        found_true, found_false = counts.found * (1 - share), counts.found * share
        q = _shares(q * ((found_true / f1) @ h.T), statistic.true_prior)
        p = _shares(p * (((found_false + counts.mirrored) / f0) @ e.T), statistic.false_prior)
        n_true, n_found_false = found_true.sum(axis=1), found_false.sum(axis=1)
        n_false = n_found_false + counts.mirrored.sum(axis=1)
        false_time = counts.images + c * counts.light_curves
        theta = prior_mean(n_true, counts.light_curves, PRIOR_TRUE)
        phi = prior_mean(n_false, false_time, PRIOR_FALSE)
        c = (_MIRROR_EVENTS + n_found_false) / (_MIRROR_EVENTS + phi * counts.light_curves)
    f1, f0 = q @ h + _SMALLEST, p @ e + _SMALLEST
    return PoolMixture(
        statistic=statistic,
        n_true=n_true,
        n_false=n_false,
        true_time=counts.light_curves,
        false_time=false_time,
        mirror_factor=c,
        log_ratio=_monotone(f1, f0, theta, c * phi),
        true_shape=f1,
        false_shape=f0,
    )


def _shares(events: np.ndarray, prior: np.ndarray) -> np.ndarray:
    return (events + prior) / (events.sum(axis=1, keepdims=True) + prior.sum())


def _monotone(f1: np.ndarray, f0: np.ndarray, theta: np.ndarray, phi: np.ndarray) -> np.ndarray:
    """ln(f1 / f0) such that the share of false events never rises with the statistic.

    Isotonic regression of that share, weighted with the expected events of the bins, keeps the
    number of false events.
    """
    true, false = theta[:, None] * f1, phi[:, None] * f0
    total = true + false
    share = false / total
    for number in np.flatnonzero(np.any(np.diff(share, axis=1) > 0, axis=1)):
        weights = np.maximum(total[number], 1e-12 * total[number].max())
        share[number] = isotonic_regression(share[number], weights=weights, increasing=False).x
    share = np.clip(share, 1e-12, 1 - 1e-12)
    return np.log1p(-share) - np.log(share) + np.log(phi / theta)[:, None]
