"""The field of an inverted map, as the resolution of the ambiguity takes it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvzmpi.level2.inversion.inversion_file import InvertedMap
from cvzmpi.level2.pixels.field_detection import DETECTED
from cvzmpi.level2.pixels.inverted_pixels import UNUSABLE

_CERTAIN = np.radians(10)  # largest standard deviation of the azimuth of a strong pixel
_SIGMAS = 3.0  # of the field strength, where an inversion recorded no significance


@dataclass(frozen=True)
class ObservedField:
    """The field of a map; arrays of shape (n_scan, n_slit).

    `transverse` is in the direction of the azimuth as it is given, which may be the wrong one of
    two.
    """

    transverse: np.ndarray  # float64, shape (2, n_scan, n_slit); to west, to north; 0 if unknown
    longitudinal: np.ndarray  # float64; towards the observer; of neighbours where it is unknown
    strong: np.ndarray  # bool; the azimuth is well known, but for 180 degrees
    weak: np.ndarray  # bool; it is known, though less well

    @classmethod
    def of(cls, inverted: InvertedMap) -> ObservedField:
        """The field of an inverted map: that of the whole pixel, where part of it is magnetic."""
        values = {name: found.astype(float) for name, found in inverted.parameters.items()}
        strength = values["field_strength"] * values["filling_factor"]
        return cls.from_angles(
            strength,
            values["inclination"],
            values["azimuth"],
            inverted.uncertainties["azimuth"].astype(float),
            _is_detected(inverted),
        )

    @classmethod
    def from_angles(
        cls,
        strength: np.ndarray,
        inclination: np.ndarray,
        azimuth: np.ndarray,
        azimuth_error: np.ndarray,
        detected: np.ndarray,
    ) -> ObservedField:
        """The field of strengths and angles in radians, with pixels that have no number.

        Parameters
        ----------
        detected : bool, shape (n_scan, n_slit)
            The pixels that have a field.
        """
        across = strength * np.sin(inclination)
        transverse = np.stack([across * np.cos(azimuth), across * np.sin(azimuth)])
        longitudinal = strength * np.cos(inclination)
        known = np.isfinite(transverse).all(axis=0) & detected & (across > 0)
        strong = known & (azimuth_error <= _CERTAIN)
        return cls(
            transverse=np.where(known, transverse, 0),
            longitudinal=_without_gaps(longitudinal),
            strong=strong,
            weak=known & ~strong,
        )


def _is_detected(inverted: InvertedMap) -> np.ndarray:
    """Mask of the pixels with a field; where no significance is recorded, by its uncertainty."""
    usable: np.ndarray = (inverted.status != 0) & (inverted.status != UNUSABLE)
    if inverted.field_significance is not None:
        significant = inverted.field_significance >= DETECTED
        # A map that an earlier version began has none for the pixels that it inverted.
        unknown = np.isnan(inverted.field_significance)
    else:
        significant, unknown = np.zeros_like(usable), np.ones_like(usable)
    error = inverted.uncertainties["field_strength"]
    by_error = inverted.parameters["field_strength"] >= _SIGMAS * error
    return usable & (significant | (unknown & by_error))


def _without_gaps(values: np.ndarray) -> np.ndarray:
    """Values with the mean of their neighbours where they have no number; 0 in larger gaps."""
    missing = ~np.isfinite(values)
    if not missing.any():
        return values
    known = np.pad(np.where(missing, 0, values), 1)
    count = np.pad(~missing, 1).astype(float)
    sums, counts = np.zeros_like(values), np.zeros_like(values)
    for i in range(3):
        for j in range(3):
            place = np.s_[i : i + values.shape[0], j : j + values.shape[1]]
            sums += known[place]
            counts += count[place]
    return np.where(missing, sums / np.maximum(counts, 1), values)
