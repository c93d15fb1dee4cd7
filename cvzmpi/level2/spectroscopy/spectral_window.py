"""Masks of the wavelengths that belong to the lines and to the continuum."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cvzmpi.level2.spectroscopy.tellurics import EXPECTED, Telluric, mask_of
from cvzmpi.level2.spectroscopy.zeeman import SPEED_OF_LIGHT, Line

_LINE_HALF_WIDTH = 0.020  # up to the telluric line; a field of 4000 G shifts Fe I 630.25 by as much
_OF_WAVELENGTH = 630.3
_SEEK_HALF_WIDTH, _PART_OF_THE_WAY = 0.045, 0.45
_SLOW = 3.5  # km/s
FAR_FROM_LINES = 0.040
"""In nm: where the continuum begins beside photospheric lines."""
CALIBRATING_WIDTH = 0.006
"""In nm: of the Gaussians that are compared with photospheric lines."""


def of_moving_lines(
    wavelength: np.ndarray, lines: Sequence[Line], velocity: np.ndarray
) -> list[np.ndarray]:
    """Masks of the wavelengths that belong to each line of pixels that move.

    Parameters
    ----------
    wavelength : float64, shape (n_wavelengths,)
        In nm.
    velocity : float64, shape (n,)
        In km/s, positive for redshifts.

    Returns
    -------
    list of bool arrays, shape (n, n_wavelengths)
    """
    return [_near(wavelength, line, velocity, _half_width(line)) for line in lines]


def followed(velocity: np.ndarray) -> np.ndarray:
    """The velocity of the windows: 0 for slow pixels, whose lines are in the windows at rest.

    So they start where they did before windows moved, and end in the same minima.

    Parameters
    ----------
    velocity : float64, shape (n,)
        In km/s.
    """
    return np.where(np.abs(velocity) < _SLOW, 0, velocity)


def around_lines(wavelength: np.ndarray, lines: Sequence[Line]) -> list[np.ndarray]:
    """Masks of the wavelengths (nm) where each line may be, however fast the pixel moves.

    They reach nearly halfway to the next line: shifts up to 8 km/s and 8 pm are within.
    """
    masks = []
    for line in lines:
        to_next = [abs(o.wavelength - line.wavelength) for o in lines if o is not line]
        farthest = min(
            _SEEK_HALF_WIDTH / _LINE_HALF_WIDTH * _half_width(line),
            _PART_OF_THE_WAY * min(to_next, default=np.inf),
        )
        masks.append(np.abs(wavelength - line.wavelength) < farthest)
    return masks


def _half_width(line: Line) -> float:
    """Longer wavelengths split more, by their square."""
    return _LINE_HALF_WIDTH * max(1.0, (line.wavelength / _OF_WAVELENGTH) ** 2)


def _near(
    wavelength: np.ndarray, line: Line, velocity: np.ndarray, half_width: float
) -> np.ndarray:
    place = line.wavelength + line.wavelength / SPEED_OF_LIGHT * velocity
    inside: np.ndarray = np.abs(wavelength - place[:, np.newaxis]) < half_width
    return inside


def of_continuum(
    wavelength: np.ndarray,
    lines: Sequence[Line],
    margin: float = 0.0,
    tellurics: Sequence[Telluric] = EXPECTED,
    far_from_lines: float = FAR_FROM_LINES,
) -> np.ndarray:
    """Mask of the wavelengths that are far from the lines and from the telluric lines.

    Parameters
    ----------
    wavelength : float64, shape (n_wavelengths,)
        In nm.
    margin : float
        The largest error of the wavelengths, in nm.
    far_from_lines : float
        Where the continuum begins, in nm from a line.
    """
    distances = [np.abs(wavelength - line.wavelength) for line in lines]
    far = np.min(distances, axis=0) > far_from_lines + margin
    return far & ~mask_of(wavelength, tellurics, margin)


def left_out_of(
    wavelength: np.ndarray, tellurics: Sequence[Telluric], masked: Sequence[Sequence[float]]
) -> np.ndarray:
    """Mask of the wavelengths (nm) that are not fitted: in telluric lines and masked ranges."""
    left_out = mask_of(wavelength, tellurics)
    for first, last in masked:
        left_out |= (wavelength >= first) & (wavelength <= last)
    return left_out
