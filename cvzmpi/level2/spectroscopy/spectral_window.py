"""Masks of the wavelengths that belong to the lines, the continuum and the telluric lines."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cvzmpi.level2.spectroscopy.zeeman import Line

TELLURIC_LINES = (630.20005, 630.27627)
"""Lines of oxygen in the Earth's atmosphere, near the two iron lines, in nm. SOLIS/VSM takes its
dispersion from this pair."""

_TELLURIC_HALF_WIDTH = 0.006
_LINE_HALF_WIDTH = 0.020  # up to the telluric line; a field of 4000 G shifts Fe I 630.25 by as much
_FAR_FROM_LINES = 0.040


def of_lines(wavelength: np.ndarray, lines: Sequence[Line]) -> list[np.ndarray]:
    """Masks of the wavelengths (nm) that belong to each line."""
    return [np.abs(wavelength - line.wavelength) < _LINE_HALF_WIDTH for line in lines]


def of_continuum(wavelength: np.ndarray, lines: Sequence[Line], margin: float = 0.0) -> np.ndarray:
    """Mask of the wavelengths that are far from the lines and from the telluric lines.

    Parameters
    ----------
    wavelength : float64, shape (n_wavelengths,)
        In nm.
    margin : float
        The largest error of the wavelengths, in nm.
    """
    distances = [np.abs(wavelength - line.wavelength) for line in lines]
    far = np.min(distances, axis=0) > _FAR_FROM_LINES + margin
    return far & ~of_tellurics(wavelength, margin)


def of_tellurics(wavelength: np.ndarray, margin: float = 0.0) -> np.ndarray:
    """Mask of the wavelengths in the telluric lines."""
    distances = [np.abs(wavelength - telluric) for telluric in TELLURIC_LINES]
    return np.min(distances, axis=0) < _TELLURIC_HALF_WIDTH + margin
