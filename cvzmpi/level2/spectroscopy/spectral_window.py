"""Masks of the wavelengths that belong to the lines and to the continuum."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cvzmpi.level2.spectroscopy.tellurics import EXPECTED, Telluric, mask_of
from cvzmpi.level2.spectroscopy.zeeman import Line

_LINE_HALF_WIDTH = 0.020  # up to the telluric line; a field of 4000 G shifts Fe I 630.25 by as much
_FAR_FROM_LINES = 0.040


def of_lines(wavelength: np.ndarray, lines: Sequence[Line]) -> list[np.ndarray]:
    """Masks of the wavelengths (nm) that belong to each line."""
    return [np.abs(wavelength - line.wavelength) < _LINE_HALF_WIDTH for line in lines]


def of_continuum(
    wavelength: np.ndarray,
    lines: Sequence[Line],
    margin: float = 0.0,
    tellurics: Sequence[Telluric] = EXPECTED,
) -> np.ndarray:
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
    return far & ~mask_of(wavelength, tellurics, margin)
