"""Simulated light curves of other exposures, made of one of 120 s: finer ones, and their means."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cvzmpi.cvz.light_curves.exposure import SECONDS_PER_DAY
from cvzmpi.cvz.light_curves.light_curve import LightCurve

_FINE_SECONDS, _IN_ONE = 20, 6
_LEAST_PART = 0.5
"""Part of an exposure that must have been measured."""


def with_exposure(light_curve: LightCurve, seconds: int, seed: int) -> LightCurve:
    """The light curve as it would be with another exposure.

    Each cadence of 120 s becomes six of 20 s, along a line to its neighbours and with noise of
    their own, whose mean is the cadence. Cadences of a longer exposure are the means of these.

    Parameters
    ----------
    light_curve : LightCurve
        Of 120 s, at regular times.
    seconds : int
        A multiple of 20 s.

    Returns
    -------
    LightCurve
        Without flags where it has a flux.
    """
    together = seconds // _FINE_SECONDS
    n = light_curve.n_cadences * _IN_ONE // together

    def binned(fine: np.ndarray) -> np.ndarray:
        return fine.reshape(-1)[: n * together].reshape(n, together)

    def repeated(values: np.ndarray) -> np.ndarray:
        return binned(np.repeat(values, _IN_ONE))

    flux = binned(_fine_flux(light_curve, seed))
    variance = repeated(light_curve.flux_err.astype(np.float64) ** 2 * _IN_ONE)
    measured = np.isfinite(flux)
    enough = measured.mean(axis=1) >= _LEAST_PART
    n_measured = np.maximum(measured.sum(axis=1), 1)
    flags = np.bitwise_or.reduce(repeated(light_curve.quality), axis=1)
    has_time = repeated(np.isfinite(light_curve.time)).any(axis=1)
    time = _begin(light_curve) + (np.arange(n) + 0.5) * seconds / SECONDS_PER_DAY
    mean = np.nansum(flux, axis=1) / n_measured
    error = np.sqrt(np.nansum(np.where(measured, variance, 0.0), axis=1)) / n_measured
    return replace(
        light_curve,
        time=np.where(has_time, time, np.nan),
        flux=np.where(enough, mean, np.nan).astype(np.float32),
        flux_err=np.where(enough, error, np.nan).astype(np.float32),
        quality=np.where(enough, 0, flags).astype(np.int32),
        exposure=seconds / SECONDS_PER_DAY,
    )


def _begin(light_curve: LightCurve) -> float:
    """Time at which the first cadence begins, which may have none."""
    first = int(np.argmax(np.isfinite(light_curve.time)))
    return float(light_curve.time[first]) - (first + 0.5) * light_curve.exposure


def _fine_flux(light_curve: LightCurve, seed: int) -> np.ndarray:
    """The flux at 20 s, shape (n_cadences, 6); the mean of each row is the flux at 120 s."""
    key = (light_curve.tic, light_curve.sector)
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
    flux = light_curve.flux.astype(np.float64)
    slope = np.nan_to_num(np.gradient(flux))
    offsets = (np.arange(_IN_ONE) - (_IN_ONE - 1) / 2) / _IN_ONE
    noise = rng.standard_normal((len(flux), _IN_ONE))
    noise -= noise.mean(axis=1, keepdims=True)  # the noise of the mean is in the flux already
    sigma = light_curve.flux_err.astype(np.float64)[:, None] * np.sqrt(_IN_ONE)
    return np.asarray(flux[:, None] + slope[:, None] * offsets + sigma * noise)
