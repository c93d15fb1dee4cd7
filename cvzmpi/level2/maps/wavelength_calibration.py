"""The calibration of wavelengths by the lines of the quiet Sun's mean profile.

The lines are put at their laboratory wavelengths. So velocities are relative to the quiet Sun of
the map: its motion, and the convective blueshift of about 0.2 km/s, are not part of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cvzmpi.errors import Level1Error
from cvzmpi.level2.spectroscopy.spectral_window import CALIBRATING_WIDTH
from cvzmpi.level2.spectroscopy.zeeman import Line

_FARTHEST = 0.08  # nm; the largest error that is corrected, less than the distance of the lines
_CORE = 0.5  # the centre of gravity is taken of the deepest part of a line, this fraction of it
_LARGEST_STRETCH = 0.02


@dataclass(frozen=True)
class Calibration:
    """Corrected wavelengths are `stretch * (wavelength - reference) + reference + shift`."""

    shift: float  # in nm
    stretch: float
    reference: float  # in nm

    def apply(self, wavelength: np.ndarray) -> np.ndarray:
        """Correct wavelengths in nm."""
        return self.stretch * (wavelength - self.reference) + self.reference + self.shift


def calibrate(
    wavelength: np.ndarray,
    profile: np.ndarray,
    lines: Sequence[Line],
    width: float = CALIBRATING_WIDTH,
) -> Calibration:
    """Find the correction that puts lines at their wavelengths: of one line, a shift only.

    Parameters
    ----------
    wavelength : float64, shape (n_wavelengths,)
        In nm, wrong by up to 0.08 nm.
    profile : float64, shape (n_wavelengths,)
        Mean intensity of the quiet Sun.
    width : float
        Of the Gaussians that are compared with the lines, in nm.

    Raises
    ------
    Level1Error
        If the lines are not found, or their distance is wrong.
    """
    depth = 1 - profile / np.percentile(profile, 95)
    expected = np.array([line.wavelength for line in lines])
    shift = _coarse_shift(wavelength, depth, expected, width)
    found = np.array([_centre(wavelength, depth, place - shift, width) for place in expected])
    stretch = _stretch(found, expected) if len(expected) > 1 else 1.0
    reference = float(found.mean())
    return Calibration(float(expected.mean()) - reference, stretch, reference)


def _stretch(found: np.ndarray, expected: np.ndarray) -> float:
    """How much farther apart the first and the last line are than where they are found."""
    stretch = float((expected[-1] - expected[0]) / (found[-1] - found[0]))
    if not abs(stretch - 1) < _LARGEST_STRETCH:
        raise Level1Error(
            f"lines found at {found[0]:.4f} and {found[-1]:.4f} nm, which are not as far apart as "
            f"{expected[0]:.4f} and {expected[-1]:.4f} nm"
        )
    return stretch


def _coarse_shift(
    wavelength: np.ndarray, depth: np.ndarray, expected: np.ndarray, width: float
) -> float:
    """The shift at which Gaussians correlate best with the spectrum."""
    step = float(np.median(np.diff(wavelength)))
    shifts = np.arange(-_FARTHEST, _FARTHEST + step, step)
    distance = wavelength + shifts[:, np.newaxis] - expected[:, np.newaxis, np.newaxis]
    likeness = (np.exp(-((distance / width) ** 2)).sum(axis=0) * depth).sum(axis=1)
    return float(shifts[np.argmax(likeness)])


def _centre(wavelength: np.ndarray, depth: np.ndarray, place: float, width: float) -> float:
    """Centre of gravity of a line's core."""
    near = np.flatnonzero(np.abs(wavelength - place) < 2 * width)
    if len(near) < 3 or depth[near].max() < 0.1:
        raise Level1Error(f"no spectral line near {place:.4f} nm")
    deepest = near[np.argmax(depth[near])]
    level = _CORE * depth[deepest]
    first = last = deepest
    while first > 0 and depth[first - 1] > level:
        first -= 1
    while last < len(depth) - 1 and depth[last + 1] > level:
        last += 1
    core = np.arange(first, last + 1)
    weights = depth[core] - level  # they vanish at the ends, so that the centre does not jump
    return float((weights * wavelength[core]).sum() / weights.sum())
