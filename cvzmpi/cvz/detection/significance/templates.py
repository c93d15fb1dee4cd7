"""A matched filter: the S/N of flare templates at each cadence of a residual light curve."""

from __future__ import annotations

import numpy as np

from cvzmpi.cvz.injection.flare_shape import mean_flare_shape

FWHMS = (1.0, 4.0, 16.0)
"""Of the templates, in cadences."""

REACH = 64
"""Cadences before and after its peak that a template has."""


def template(number: int) -> np.ndarray:
    """A flare of amplitude 1 in the cadences around its peak; float64, shape (2 REACH + 1,)."""
    return mean_flare_shape(np.arange(-REACH, REACH + 1.0), FWHMS[number], 1.0)


def matched_filter(residual: np.ndarray, variance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fit each template at each cadence, the noise being white.

    Parameters
    ----------
    residual, variance : float64, shape (n,)

    Returns
    -------
    amplitude, error : float64, shape (n_templates, n)
    """
    weight = 1 / variance
    shapes = [template(number) for number in range(len(FWHMS))]
    light = np.stack([np.correlate(residual * weight, shape, "same") for shape in shapes])
    norm = np.stack([np.correlate(weight, shape**2, "same") for shape in shapes])
    return light / norm, 1 / np.sqrt(norm)
