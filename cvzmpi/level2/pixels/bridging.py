"""Straight lines across what is left out of profiles."""

from __future__ import annotations

import numpy as np


def bridged(profiles: np.ndarray, wavelength: np.ndarray, left_out: np.ndarray) -> np.ndarray:
    """Profiles with straight lines across what is left out, from the nearest that is not.

    Parameters
    ----------
    profiles : float64, shape (n, 4, n_wavelengths)
    wavelength : float64, shape (n_wavelengths,)
        In nm.
    left_out : bool, shape (n_wavelengths,) or (n, 4, n_wavelengths)
        The same wavelengths of all profiles, or samples. Where a profile has no others, they stay,
        or are 0 if they are no numbers.
    """
    if not left_out.any():
        return profiles
    result = profiles.copy()
    if left_out.ndim == 1:
        _bridge(result, wavelength, left_out)
        return result
    for row, stokes in np.argwhere(left_out.any(axis=2)):
        _bridge(result[row, stokes], wavelength, left_out[row, stokes])
    return result


def _bridge(values: np.ndarray, wavelength: np.ndarray, left_out: np.ndarray) -> None:
    """Change the last axis of `values` in place."""
    used, bad = np.flatnonzero(~left_out), np.flatnonzero(left_out)
    if len(used) == 0:
        values[...] = np.where(np.isfinite(values), values, 0)
        return
    after = np.searchsorted(used, bad)
    left, right = used[np.maximum(after - 1, 0)], used[np.minimum(after, len(used) - 1)]
    span = wavelength[right] - wavelength[left]
    part = np.where(span > 0, (wavelength[bad] - wavelength[left]) / np.where(span > 0, span, 1), 0)
    values[..., bad] = (1 - part) * values[..., left] + part * values[..., right]
