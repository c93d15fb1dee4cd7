"""The first guess of the inversion of a pixel: estimates from its profiles without a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cvzmpi.level2.fitting import least_squares
from cvzmpi.level2.spectroscopy import milne_eddington as me
from cvzmpi.level2.spectroscopy import spectral_window
from cvzmpi.level2.spectroscopy.milne_eddington import MilneEddington
from cvzmpi.level2.spectroscopy.model_tables import ModelTables
from cvzmpi.level2.spectroscopy.tellurics import mask_of
from cvzmpi.level2.spectroscopy.zeeman import SPEED_OF_LIGHT, Line

# Linear polarisation saturates at about this fraction of the continuum, near this field.
_SATURATED_LINEAR, _SATURATING_FIELD = 0.15, 1500.0
_MIN_FIELD = 100.0  # G; without a field the derivatives by its angles vanish
_STRONGEST = 4000.0  # G

_TIMES_CENTRED = 3

# Of a typical line in the photosphere; the continuum is the sum of both terms of the source.
_DOPPLER_WIDTH, _DAMPING, _LINE_STRENGTH, _CONSTANT_PART = 3.0, 0.3, 10.0, 0.3


@dataclass(frozen=True)
class Estimates:
    """Estimates for a batch of pixels."""

    continuum: np.ndarray  # float64, shape (n,)
    velocity: np.ndarray  # float64, shape (n,); from the lines' centres of gravity, in km/s
    # float64, shape (n,); the component along the line of sight in G, from the centres of gravity
    # of I + V and I - V
    field_along: np.ndarray
    # float64, shape (n,); the component across, in G; a rough one, from the largest linear
    # polarisation
    field_across: np.ndarray

    def of(self, rows: np.ndarray) -> Estimates:
        """The estimates of some pixels."""
        return Estimates(*(values[rows] for values in vars(self).values()))


def estimate(
    observed: np.ndarray,
    wavelength: np.ndarray,
    lines: Sequence[Line],
    left_out: np.ndarray | None = None,
) -> Estimates:
    """Estimate velocity and field from the lines' centres of gravity.

    Rees & Semel (1979, A&A 74, 1): the splitting of the centres of gravity measures the field along
    the line of sight whatever its strength.

    Parameters
    ----------
    observed : float64, shape (n, 4, n_wavelengths)
    wavelength : float64, shape (n_wavelengths,)
        In nm.
    left_out : bool, shape (n_wavelengths,), optional
        Wavelengths that say nothing of the Sun: profiles are `bridged` there.
    """
    if left_out is None:
        left_out = mask_of(wavelength)
    continuum = _continuum(observed, wavelength, lines, left_out)
    i, q, u, v = (_part(observed, stokes, slice(None)) for stokes in range(4))
    windows = _windows(i, continuum, wavelength, lines)
    velocities, fields = [], []
    for line, inside in zip(lines, windows, strict=True):
        distance = (wavelength - line.wavelength) * 1e3
        centre = _centre_of_gravity(i, continuum, distance, inside)
        right = _centre_of_gravity(i + v, continuum, distance, inside)
        left = _centre_of_gravity(i - v, continuum, distance, inside)
        velocities.append(centre * SPEED_OF_LIGHT / (line.wavelength * 1e3))
        fields.append((right - left) / (2 * line.splitting() * line.effective_lande))
    in_lines = np.any(windows, axis=0)
    linear = np.where(in_lines, np.sqrt(q**2 + u**2), 0).max(axis=1) / continuum
    saturation = np.minimum(linear / _SATURATED_LINEAR, 1)
    return Estimates(
        continuum=continuum,
        velocity=np.mean(velocities, axis=0),
        field_along=np.mean(fields, axis=0),
        field_across=_SATURATING_FIELD * np.sqrt(saturation),
    )


def first_start(
    model: MilneEddington,
    observed: np.ndarray,
    estimates: Estimates,
    filling_factor: float = 1.0,
) -> np.ndarray:
    """Parameters to begin with, by the estimates; shape (n, n_parameters).

    Parameters
    ----------
    filling_factor : float
        The estimates are of whole pixels. In a part of them, a weak field gives the same V if it
        is stronger along the line of sight by this factor, and the same Q and U if it is stronger
        across by its square root.
    """
    along = estimates.field_along / filling_factor
    across = estimates.field_across / np.sqrt(filling_factor)
    strength = np.minimum(np.hypot(along, across), _STRONGEST)
    inclination = np.arctan2(across, along)
    start = _start(model, observed, estimates, strength, inclination)
    start[:, me.FILLING_FACTOR] = filling_factor
    return start


def start_with_field(
    model: MilneEddington, observed: np.ndarray, estimates: Estimates, strength: float
) -> np.ndarray:
    """Parameters to begin with at a given field strength in G; shape (n, n_parameters)."""
    cosine = np.clip(estimates.field_along / strength, -0.9, 0.9)
    return _start(model, observed, estimates, np.full(len(observed), strength), np.arccos(cosine))


def _start(
    model: MilneEddington,
    observed: np.ndarray,
    estimates: Estimates,
    strength: np.ndarray,
    inclination: np.ndarray,
) -> np.ndarray:
    start = np.empty((len(observed), me.N_PARAMETERS))
    start[:, me.FIELD] = np.maximum(strength, _MIN_FIELD)
    start[:, me.INCLINATION] = inclination
    start[:, me.AZIMUTH] = 0
    start[:, me.VELOCITY] = estimates.velocity
    start[:, me.DOPPLER_WIDTH] = _DOPPLER_WIDTH
    start[:, me.DAMPING] = _DAMPING
    start[:, me.LINE_STRENGTH] = _LINE_STRENGTH
    start[:, me.SOURCE_CONSTANT] = _CONSTANT_PART * estimates.continuum
    start[:, me.SOURCE_GRADIENT] = (1 - _CONSTANT_PART) * estimates.continuum
    start[:, me.FILLING_FACTOR] = 1
    # The azimuth rotates these profiles so that they correlate best with the observed ones: it is
    # half the phase of the correlation of Q + iU.
    velocity = spectral_window.followed(estimates.velocity)
    windows = spectral_window.of_moving_lines(model.wavelength, model.lines, velocity)
    in_lines = np.any(windows, axis=0)
    profiles = least_squares.profiles(ModelTables.of(model), start)
    q, u = (_part(profiles, stokes, slice(None)) * in_lines for stokes in (1, 2))
    observed_q, observed_u = (_part(observed, stokes, slice(None)) for stokes in (1, 2))
    along = (observed_q * q + observed_u * u).sum(axis=1)
    across = (observed_u * q - observed_q * u).sum(axis=1)
    start[:, me.AZIMUTH] = np.arctan2(across, along) / 2
    return start


def _continuum(
    observed: np.ndarray, wavelength: np.ndarray, lines: Sequence[Line], left_out: np.ndarray
) -> np.ndarray:
    """Mean intensity beside the lines; the largest where the spectrum is of nothing else."""
    outside = spectral_window.of_continuum(wavelength, lines, tellurics=()) & ~left_out
    if not outside.any():
        return _part(observed, 0, slice(None)).max(axis=1)
    return np.asarray(_part(observed, 0, outside).mean(axis=1))


def _windows(
    intensity: np.ndarray, continuum: np.ndarray, wavelength: np.ndarray, lines: Sequence[Line]
) -> list[np.ndarray]:
    """The wavelengths of each line where each pixel has it; shape (n, n_wavelengths) each.

    A fixed window cuts a line that moves, and its centre of gravity is drawn back. Wide windows
    tell where the lines are roughly; narrow ones are put there, twice.
    """
    windows = spectral_window.around_lines(wavelength, lines)
    for _ in range(_TIMES_CENTRED):
        velocities = [
            _centre_of_gravity(intensity, continuum, wavelength - line.wavelength, inside)
            * (SPEED_OF_LIGHT / line.wavelength)
            for line, inside in zip(lines, windows, strict=True)
        ]
        velocity = np.mean(velocities, axis=0)
        windows = spectral_window.of_moving_lines(
            wavelength, lines, spectral_window.followed(velocity)
        )
    return windows


def _part(observed: np.ndarray, stokes: int, wavelengths: np.ndarray | slice) -> np.ndarray:
    """Some wavelengths of a Stokes parameter.

    Contiguous: NumPy sums along an axis in an order that depends on the layout in memory.
    """
    return np.ascontiguousarray(observed[:, stokes, wavelengths])


def _centre_of_gravity(
    profile: np.ndarray, continuum: np.ndarray, distance: np.ndarray, inside: np.ndarray
) -> np.ndarray:
    depth = np.maximum(continuum[:, np.newaxis] - profile, 0) * inside
    return (depth * distance).sum(axis=1) / np.maximum(depth.sum(axis=1), 1e-9 * continuum)
