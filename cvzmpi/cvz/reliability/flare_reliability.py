"""The reliability of the flares of one light curve, as rates need it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np

from cvzmpi.cvz.detection.significance.images import Image

_N_IMAGES = len(Image)


class Origin(Enum):
    """From what reliabilities are known."""

    POOLED = "all light curves in the index"
    ALONE = "their light curve alone"
    CERTAIN = "no mirror images: they count as certain"


@dataclass(frozen=True)
class FlareReliability:
    """The reliability of each flare of a light curve, and what it was made of."""

    reliability: np.ndarray  # float64, shape (n_flares,)
    # float64, shape (n_flares,); expected number of found flares of the light curve at which this
    # event would be as likely real as not (`ReliabilityEstimate`)
    background: np.ndarray
    background_error: float = 0.0  # relative standard error of all backgrounds together
    origin: Origin = Origin.POOLED

    @classmethod
    def certain(cls, n_flares: int) -> FlareReliability:
        """Flares of which none can be false."""
        return cls(np.ones(n_flares), np.zeros(n_flares), origin=Origin.CERTAIN)

    @classmethod
    def of_values(cls, reliability: np.ndarray, background_error: float = 0.0) -> FlareReliability:
        """Backgrounds from the reliabilities alone, as if those had no prior.

        The expected number of flares is then their sum.
        """
        reliability = np.asarray(reliability, np.float64)
        background = np.full(len(reliability), np.inf)
        real = reliability > 0
        background[real] = reliability.sum() * (1 / reliability[real] - 1)
        return cls(reliability, background, background_error, Origin.ALONE)

    @classmethod
    def alone(cls, reliability: np.ndarray) -> FlareReliability:
        """Reliabilities as of the light curve alone; NaN, and then certain, without mirror images.

        How many flares are false is known from as many events, and those of the mirror images.
        """
        if np.isnan(reliability).any():
            return cls.certain(len(reliability))
        n_events = (1 + _N_IMAGES) * float(np.sum(1 - reliability))
        return cls.of_values(reliability, 1 / math.sqrt(1 + n_events))
