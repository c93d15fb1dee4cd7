"""The reliability of the flares of one light curve, as rates need it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class FlareReliability:
    """The reliability of each flare of a light curve, and what it was made of."""

    reliability: np.ndarray  # float64, shape (n_flares,)
    # float64, shape (n_flares,); expected number of found flares of the light curve at which this
    # event would be as likely real as not (`ReliabilityEstimate`)
    background: np.ndarray
    background_error: float = 0.0  # relative standard error of all backgrounds together

    @classmethod
    def certain(cls, n_flares: int) -> FlareReliability:
        """Flares of which none can be false."""
        return cls(np.ones(n_flares), np.zeros(n_flares))

    @classmethod
    def of_values(cls, reliability: np.ndarray, background_error: float = 0.0) -> FlareReliability:
        """Backgrounds from the reliabilities alone, as if those had no prior.

        The expected number of flares is then their sum.
        """
        reliability = np.asarray(reliability, np.float64)
        background = np.full(len(reliability), np.inf)
        real = reliability > 0
        background[real] = reliability.sum() * (1 / reliability[real] - 1)
        return cls(reliability, background, background_error)
