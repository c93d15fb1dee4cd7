r"""The likelihood of flares of which some may be false.

A flare i that is real with the probability :math:`r_i`, its reliability, counts as so many flares:
the estimates of rate and slope, which expectation maximisation finds, have sums with these weights.
Around them, :math:`R_0` and :math:`f_0`, the likelihood of true and false events together is

.. math:: \ln L = \sum_i \ln[1 - r_i + r_i R f(E_i) / R_0 f_0(E_i)] - R \int f S\, dE

in the words of `power_law`. Its curvature is that of :math:`\sum r_i^2` certain flares: that is
what is known once it is not known which are false (Louis 1982, J. R. Stat. Soc. B 44, 226).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cvzmpi.cvz.results.products.rates.effective_time import Quadrature


@dataclass(frozen=True)
class MixedLikelihood:
    """Profile likelihoods of slope and rate where flares may be false, up to constants."""

    x: np.ndarray  # float64, shape (n,); ln(E / lower) of the flares
    reliability: np.ndarray  # float64, shape (n,)
    quadrature: Quadrature
    slope: float  # the best one

    def of_slope(self, slope: float) -> float:
        """With the best rate: Newton's steps in its logarithm, relative to the best of all."""
        r, odds = self.reliability, self._weights(np.array([slope]))[:, 0]
        log_ratio = 0.0
        for _ in range(50):
            true = math.exp(log_ratio) * odds
            share = true / (1 - r + true)
            rest = float(share.sum()) - math.exp(log_ratio) * float(r.sum())
            curve = float(np.sum(share * (1 - share))) - math.exp(log_ratio) * float(r.sum())
            step = min(max(-rest / curve if curve < 0 else math.copysign(1, rest), -1), 1)
            log_ratio += step
            if abs(step) < 1e-10:
                break
        ratio = math.exp(log_ratio)
        return float(np.sum(np.log(1 - r + ratio * odds))) - ratio * float(r.sum())

    def of_rate(self, slopes: np.ndarray) -> Callable[[float], float]:
        """With the best of some slopes: a function of the logarithm of the rate."""
        r, odds = self.reliability[:, None], self._weights(slopes)
        days = np.array([self.quadrature.average(b) for b in slopes])

        def profile(log_rate: float) -> float:
            expected = math.exp(log_rate) * days
            true = odds * (expected / float(r.sum()))
            return float(np.max(np.sum(np.log(1 - r + true), axis=0) - expected))

        return profile

    def background_errors(self, mean: float, variance: float) -> np.ndarray:
        """Errors of slope and logarithm of the rate, for one of 1 in the logarithm of the false.

        If there are as many more false events, each reliability r falls by r (1 - r).

        Parameters
        ----------
        mean, variance : float
            Of x of the found flares.
        """
        r = self.reliability
        lost, n_effective = r * (1 - r), float(r @ r)
        slope = abs(float(lost @ (self.x - mean))) / (n_effective * variance)
        return np.array([slope, float(lost.sum()) / n_effective])

    def _weights(self, slopes: np.ndarray) -> np.ndarray:
        """Odds r f(x) / f_0(x) of each flare and slope, f being densities of found flares."""
        integrals = np.array([self.quadrature.integral(b) for b in slopes])
        log_ratio = -np.outer(self.x, slopes - self.slope)
        log_ratio -= np.log(integrals / self.quadrature.integral(self.slope))
        return np.asarray(self.reliability[:, None] * np.exp(log_ratio))
