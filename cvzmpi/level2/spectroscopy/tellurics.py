"""Absorption lines of the Earth's atmosphere, where they are in a calibrated spectrum.

The calibration puts the Sun's lines at their wavelengths in the laboratory. The air does not move
with the Sun: its lines are shifted by the motion of the place on the Sun, 4 pm at the limb by the
rotation alone, and by what the instrument's wavelengths were wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import curve_fit

OXYGEN = (630.20005, 630.27627)
"""Lines of oxygen near the two iron lines, in nm. SOLIS/VSM takes its dispersion from this pair."""

_HALF_WIDTH = 0.006  # nm; the least that is left out on each side
_LARGEST_HALF_WIDTH = 0.012
_WIDTHS_LEFT_OUT = 3.2  # standard deviations; there, a depth of 15 % has sunk below 1e-3
_FARTHEST = 0.020  # nm: 10 km/s
_STEP = 0.0005
_CORE, _SHOULDERS = 0.003, (0.009, 0.014)  # nm from a line's centre
_LEAST_DEPTH = 0.006  # of the continuum; what is weaker is not seen
_LEAST_DEPTH_ALONE = 0.02  # where the other line of the pair does not confirm it
_FARTHEST_OF_SECOND = 0.008  # nm; farther to the blue is an iron line
_NOT_OBSERVED = -1.0
_COARSE = 0.002  # nm; a place is known to this before it is fitted


class Telluric(NamedTuple):
    """A telluric line: what is nearer than the half-width is left out."""

    place: float  # nm, in the calibrated spectrum
    half_width: float  # nm


EXPECTED = tuple(Telluric(place, _HALF_WIDTH) for place in OXYGEN)
"""The oxygen lines where the Sun does not move."""


def mask_of(
    wavelength: np.ndarray, tellurics: Sequence[Telluric] = EXPECTED, margin: float = 0.0
) -> np.ndarray:
    """Mask of the wavelengths (nm) in telluric lines; `margin`: the error of wavelengths, nm."""
    inside = np.zeros(len(wavelength), bool)
    for place, half_width in tellurics:
        inside |= np.abs(wavelength - place) < half_width + margin
    return inside


def find_tellurics(wavelength: np.ndarray, quiet_profile: np.ndarray) -> tuple[Telluric, ...]:
    """Find the oxygen lines in the quiet Sun's profile.

    Both are shifted alike. The first is between the iron lines, where the Sun has no other line: it
    tells the shift, and the second confirms it unless an iron line hides it.

    Parameters
    ----------
    wavelength : float64, shape (n_wavelengths,)
        Ascending, in nm; the Sun's lines are at their wavelengths in the laboratory.
    quiet_profile : float64, shape (n_wavelengths,)
        Mean intensity of the quiet Sun, in any unit.

    Returns
    -------
    tuple of Telluric
        None if they are not seen, as in spectra from space.
    """
    profile = quiet_profile / np.percentile(quiet_profile, 95)
    shift = _common_shift(wavelength, profile)
    if shift is None:
        return ()
    seen = [
        place
        for place in OXYGEN
        if wavelength[0] - _HALF_WIDTH < place + shift < wavelength[-1] + _HALF_WIDTH
    ]
    # The first has no solar line so near that it would draw the fit to itself.
    measured, half_width = _measured(wavelength, profile, seen[0] + shift)
    shift = measured - seen[0]
    return tuple(Telluric(round(place + shift, 5), half_width) for place in seen)


def _common_shift(wavelength: np.ndarray, profile: np.ndarray) -> float | None:
    """The shift of both lines in nm; None if they are not seen."""
    shifts = _STEP * np.arange(-round(_FARTHEST / _STEP), round(_FARTHEST / _STEP) + 1)
    first, second = (
        np.array([_depth(wavelength, profile, place + shift) for shift in shifts])
        for place in OXYGEN
    )
    if (first == _NOT_OBSERVED).all():
        first = np.where(np.abs(shifts) <= _FARTHEST_OF_SECOND, second, _NOT_OBSERVED)
    best = int(np.argmax(first))
    confirmed = second[best] >= _LEAST_DEPTH
    least = _LEAST_DEPTH if confirmed else _LEAST_DEPTH_ALONE
    return float(shifts[best]) if first[best] >= least else None


def _depth(wavelength: np.ndarray, profile: np.ndarray, place: float) -> float:
    """How far the profile is below the chord between two shoulders."""
    distance = wavelength - place
    core = np.abs(distance) < _CORE
    left = (distance < -_SHOULDERS[0]) & (distance > -_SHOULDERS[1])
    right = (distance > _SHOULDERS[0]) & (distance < _SHOULDERS[1])
    if not (core.any() and left.any() and right.any()):
        return _NOT_OBSERVED
    return float((profile[left].mean() + profile[right].mean()) / 2 - profile[core].mean())


def _measured(wavelength: np.ndarray, profile: np.ndarray, place: float) -> Telluric:
    """Place and half-width by the fit of a Gaussian on a parabola, the wings of solar lines."""
    near = np.abs(wavelength - place) < _SHOULDERS[1]
    distance = (wavelength[near] - place) * 1e3
    sigma = 2.0
    centre = 0.0
    limit = _COARSE * 1e3
    try:
        fitted, _ = curve_fit(
            _dip,
            distance,
            profile[near],
            (profile[near].max(), 0, 0, 0.1, 0, sigma),
            bounds=([0, -1, -1, 0, -limit, 0.5], [2, 1, 1, 1, limit, 5]),
        )
        centre, sigma = float(fitted[4]), float(fitted[5])
    except (RuntimeError, ValueError, TypeError):
        pass  # not to be fitted, as at the edge of the spectrum: it is where the shift puts it
    half_width = np.clip(_WIDTHS_LEFT_OUT * sigma * 1e-3, _HALF_WIDTH, _LARGEST_HALF_WIDTH)
    # Rounded: machines that compute the last bits otherwise leave out the same wavelengths.
    return Telluric(round(place + centre * 1e-3, 5), round(float(half_width), 5))


def _dip(
    distance: np.ndarray,
    level: float,
    slope: float,
    bend: float,
    depth: float,
    centre: float,
    sigma: float,
) -> np.ndarray:
    background = level + slope * distance / 10 + bend * (distance / 10) ** 2
    gaussian: np.ndarray = depth * np.exp(-(((distance - centre) / sigma) ** 2) / 2)
    return np.asarray(background - gaussian)
