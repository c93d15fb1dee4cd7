"""How much more a star flares than its pool, from all its events."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvzmpi.cvz.reliability.differences import LOG_FACTORS, log_prior


@dataclass(frozen=True)
class StarEvents:
    """Events of stars, of which each is real with odds that grow with the star's factor.

    With the factor a, an event is real with the probability a / (a + its background).
    """

    star: np.ndarray  # int64, shape (n_events,)
    expected: np.ndarray  # float64, shape (n_stars,); flares found at a factor of 1
    spread: np.ndarray  # float64, shape (n_stars,); of the logarithm of the factor, a priori

    def posterior(self, background: np.ndarray) -> np.ndarray:
        """Posterior of the factor of each star, on `LOG_FACTORS`; shape (n_stars, n_factors).

        Events are a Poisson process: exp(-a expected) times the product of 1 + a / background.
        """
        n_stars = len(self.expected)
        likelihood = log_prior(self.spread)
        for number, factor in enumerate(np.exp(LOG_FACTORS)):
            odds = np.log1p(factor / background)
            likelihood[:, number] += np.bincount(self.star, odds, n_stars) - factor * self.expected
        posterior = np.exp(likelihood - likelihood.max(axis=1, keepdims=True))
        return np.asarray(posterior / posterior.sum(axis=1, keepdims=True))

    def reliability(self, posterior: np.ndarray, background: np.ndarray) -> np.ndarray:
        """Probability of each event to be real, over all factors of its star."""
        reliability = np.zeros(len(background))
        for number, factor in enumerate(np.exp(LOG_FACTORS)):
            reliability += posterior[self.star, number] * (factor / (factor + background))
        return reliability
