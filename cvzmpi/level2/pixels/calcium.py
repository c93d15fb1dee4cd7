"""Field and velocity of the chromosphere from Ca II 854.2 nm, pixel by pixel.

The field along the line of sight is that of the weak-field approximation (see `weak_field`) with
the effective Lande factor of the line, 1.10, in two parts of it:

- the core, within 25 pm of its centre in the pixel: the chromosphere. Centeno (2018, ApJ 866, 89)
  finds the field there reliable up to some 1200 G, also with moderate gradients of the velocity;
  Pietarila et al. (2007, ApJ 663, 1386) used the line so for the quiet Sun. The core has no
  transverse field to speak of at a noise of 1e-3 (Centeno 2018), so none is given.
- the wings, 50 to 150 pm from the line's place at rest: the photosphere.

The velocity is that of the core's centre: the vertex of a parabola through the deepest 30 pm of
Stokes I. A core in emission has none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvzmpi.level2.pixels import clipping, noise, outliers
from cvzmpi.level2.pixels.bridging import bridged
from cvzmpi.level2.pixels.inverted_pixels import CONVERGED, NOT_CONVERGED, UNUSABLE
from cvzmpi.level2.pixels.outliers import Quality
from cvzmpi.level2.pixels.weak_field import derivative, longitudinal_amplitude
from cvzmpi.level2.settings import InversionSettings
from cvzmpi.level2.spectroscopy.spectral_window import left_out_of
from cvzmpi.level2.spectroscopy.zeeman import CA_II_854, SPEED_OF_LIGHT

PRODUCTS = {
    "core/longitudinal": "G",
    "core/longitudinal_error": "G",
    "wing/longitudinal": "G",
    "wing/longitudinal_error": "G",
    "core/velocity": "km/s",
    "core/velocity_error": "km/s",
}
"""What is measured, with its unit."""

_PLACE = CA_II_854.wavelength
_CORE = 0.025  # nm
_WING = (0.050, 0.150)  # nm
# Slopes are taken over so many nm. In the wings they are small: with the noise of neighbouring
# samples they would look steeper, and the field 9 % weaker.
_STEPS = {"core": 0.0013, "wing": 0.0075}
_FAR = 0.20  # nm; from there on V is noise
_FARTHEST = 0.045  # nm: 16 km/s; the core is sought there
_PARABOLA = 0.015  # nm; on either side of the vertex
_FEWEST = 6  # samples of a parabola
_SMOOTHED = 5  # samples
_SLACK = 3.0  # as for the iron lines
_POOR = 2.0  # chi squared of Stokes V in the core


@dataclass(frozen=True)
class Chromosphere:
    """What was measured in some pixels."""

    values: dict[str, np.ndarray]  # by the names of `PRODUCTS`; float64, shape (n,)
    status: np.ndarray  # uint8, shape (n,); not converged: the core is no absorption line
    quality: np.ndarray  # uint16, shape (n,); bits of `Quality`
    n_outliers: np.ndarray  # int64, shape (n,)


def far_wings(wavelength: np.ndarray) -> np.ndarray:
    """Mask of the wavelengths (nm) where Stokes V is noise, but for a strong field."""
    return np.abs(wavelength - _PLACE) > _FAR


def measure(
    wavelength: np.ndarray,
    profiles: np.ndarray,
    settings: InversionSettings,
    map_noise: float | None = None,
) -> Chromosphere:
    """Measure fields and velocities; each pixel on its own.

    Parameters
    ----------
    wavelength : float64, shape (n_wavelengths,)
        In nm, evenly spaced, with the line of the quiet Sun at its wavelength.
    profiles : float, shape (n, 4, n_wavelengths)
        Stokes I, Q, U, V; NaN where there is no value.
    settings : InversionSettings
        Of them, `noise` and `masked` count.
    map_noise : float, optional
        Where a pixel does not tell its noise.
    """
    observed = profiles.astype(float)
    n = len(observed)
    used = ~left_out_of(wavelength, (), settings.masked)
    missing = outliers.gaps(observed)
    dark = outliers.without_light(observed, missing, used)
    gappy = missing[:, :, used].any(axis=(1, 2))
    result = Chromosphere(
        {name: np.full(n, np.nan) for name in PRODUCTS},
        np.full(n, UNUSABLE, np.uint8),
        (np.where(dark, Quality.NO_LIGHT, 0) | np.where(gappy, Quality.GAPS, 0)).astype(np.uint16),
        np.zeros(n, np.int64),
    )
    rows = np.flatnonzero(~dark)
    if len(rows) > 0:
        _measure(result, rows, wavelength, observed[rows], missing[rows], used, settings, map_noise)
    return result


def _measure(
    result: Chromosphere,
    rows: np.ndarray,
    wavelength: np.ndarray,
    observed: np.ndarray,
    missing: np.ndarray,
    used: np.ndarray,
    settings: InversionSettings,
    map_noise: float | None,
) -> None:
    """Measure the pixels with light, and put what is found into the result."""
    whole = bridged(observed, wavelength, missing)
    spikes = outliers.spikes(whole, _SLACK, wavelength) & ~missing & used
    n_spikes = spikes.sum(axis=(1, 2))
    spikes &= (n_spikes <= outliers.MOST_LEFT_OUT * 4 * used.sum())[:, np.newaxis, np.newaxis]
    left_out = missing | spikes
    whole = bridged(whole, wavelength, left_out)
    measured = noise.measure(whole, far_wings(wavelength) & used)
    sigma = noise.to_assume(settings.noise, measured, map_noise)
    light = used & ~left_out[:, 0]
    place, error = _core(wavelength, whole[:, 0], light, sigma)
    per_nm = SPEED_OF_LIGHT / _PLACE
    centre = np.where(np.isfinite(place), place, _PLACE)[:, np.newaxis]
    at_rest = np.abs(wavelength - _PLACE)
    windows = {
        "core": np.abs(wavelength - centre) < _CORE,
        "wing": (at_rest > _WING[0]) & (at_rest < _WING[1]),
    }
    splitting = CA_II_854.splitting() * CA_II_854.effective_lande
    misfit = np.zeros(len(rows))
    for part, inside in windows.items():
        weights = (inside & used & ~left_out[:, 3]) / sigma[:, np.newaxis]
        slope = derivative(wavelength, whole[:, 0], ~left_out[:, 0], _STEPS[part])
        found = longitudinal_amplitude(slope, whole[:, 3], weights, splitting)
        result.values[f"{part}/longitudinal"][rows] = found.value
        result.values[f"{part}/longitudinal_error"][rows] = found.error
        misfit = found.misfit if part == "core" else misfit
    result.values["core/velocity"][rows] = (place - _PLACE) * per_nm
    result.values["core/velocity_error"][rows] = error * per_nm
    result.status[rows] = np.where(np.isfinite(place), CONVERGED, NOT_CONVERGED)
    result.n_outliers[rows] = left_out[:, :, used].sum(axis=(1, 2))
    for bit, marked in {
        Quality.SPIKES: spikes.any(axis=(1, 2)),
        Quality.SATURATED: clipping.clipped(whole[:, 0], left_out[:, 0], measured),
        Quality.POOR_FIT: misfit > _POOR,
    }.items():
        result.quality[rows[marked]] |= np.uint16(bit)


def _core(
    wavelength: np.ndarray, light: np.ndarray, used: np.ndarray, sigma: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The wavelength of the core's centre and its standard deviation, in nm; NaN without a core."""
    kernel = np.ones(_SMOOTHED) / _SMOOTHED
    smooth = np.stack([np.convolve(one, kernel, "same") for one in light])
    smooth[:, np.abs(wavelength - _PLACE) > _FARTHEST] = np.inf
    start = wavelength[np.argmin(smooth, axis=1)]
    vertex, _ = _parabola(wavelength, light, used, sigma, start)
    again = np.where(np.abs(vertex - start) < _PARABOLA, vertex, start)
    vertex, error = _parabola(wavelength, light, used, sigma, again)
    found = (np.abs(vertex - again) < _PARABOLA) & (np.abs(vertex - _PLACE) < _FARTHEST)
    return np.where(found, vertex, np.nan), np.where(found, error, np.nan)


def _parabola(
    wavelength: np.ndarray,
    light: np.ndarray,
    used: np.ndarray,
    sigma: np.ndarray,
    around: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """The vertex of a parabola by least squares, with its standard deviation; NaN of a hill.

    The error is that of the noise. That a core is no parabola moves the vertex only as far as the
    core is asymmetric.
    """
    x = (wavelength - around[:, np.newaxis]) / _PARABOLA
    # They vanish at the ends, so that the vertex does not jump with the samples that are within.
    weights = np.where(used, np.maximum(1 - x * x, 0), 0)
    powers = [np.ones_like(x), x, x * x]
    normal, squared = (
        np.array([[(w * p * q).sum(axis=1) for q in powers] for p in powers]).transpose(2, 0, 1)
        for w in (weights, weights * weights)
    )
    enough = np.count_nonzero(weights, axis=1) >= _FEWEST
    normal[~enough] = np.identity(3)
    inverse = np.linalg.inv(normal)
    covariance = inverse @ squared @ inverse
    moments = np.stack([(weights * p * light).sum(axis=1) for p in powers], axis=1)
    slope, bend = ((inverse[:, i] * moments).sum(axis=1) for i in (1, 2))
    is_valley = enough & (bend > 0)
    curved = np.where(is_valley, bend, 1)
    vertex = -slope / (2 * curved)
    by_slope, by_bend = -1 / (2 * curved), slope / (2 * curved**2)
    variance = sigma**2 * (
        by_slope**2 * covariance[:, 1, 1]
        + 2 * by_slope * by_bend * covariance[:, 1, 2]
        + by_bend**2 * covariance[:, 2, 2]
    )
    place = around + _PARABOLA * np.where(is_valley, vertex, np.nan)
    return place, _PARABOLA * np.where(is_valley, np.sqrt(variance), np.nan)
