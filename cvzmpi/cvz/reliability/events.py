"""Light curves that were searched, and the events that were found in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class LightCurves:
    """Light curves that are searched, one row for each; any order."""

    star: np.ndarray  # int64, shape (n,); the same number for light curves of one star
    noise: np.ndarray  # float64, shape (n,); flux error relative to the median, at one cadence
    magnitude: np.ndarray  # float64, shape (n,); TESS magnitude, NaN where not known
    n_images: np.ndarray  # int64, shape (n,); mirror images that were searched, perhaps 0

    def __len__(self) -> int:
        return len(self.star)


@dataclass(frozen=True)
class Events:
    """Events that the searches found, in light curves or in mirror images; any order."""

    light_curve: np.ndarray  # int64, shape (n,); row of `LightCurves`
    found_by: np.ndarray  # int8, shape (n,); 1 stella, 2 significance, 3 both
    snr: np.ndarray  # float, shape (n,); not used where only stella found it
    max_probability: np.ndarray  # float, shape (n,); used where only stella found it

    @classmethod
    def of(cls, columns: Mapping[str, np.ndarray], light_curve: np.ndarray) -> Events:
        """The rows of a table of flares or of mirror events, of these light curves."""
        names = ("found_by", "snr", "max_probability")
        return cls(light_curve, *(columns[name] for name in names))

    def __len__(self) -> int:
        return len(self.light_curve)
