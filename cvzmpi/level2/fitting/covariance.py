"""The covariances of fitted parameters."""

from __future__ import annotations

import numpy as np


def covariance_of(curvature: np.ndarray) -> np.ndarray:
    """The covariances of fitted parameters; variances of those that are not determined are NaN.

    Parameters
    ----------
    curvature : float64, shape (n, n_free, n_free)
        See `least_squares.Fit`.
    """
    diagonal = np.einsum("nii->ni", curvature)
    determined = diagonal > 0
    scale = np.where(determined, 1 / np.sqrt(np.where(determined, diagonal, 1)), 0)
    both = scale[:, :, np.newaxis] * scale[:, np.newaxis, :]
    correlation = curvature * both
    # Undetermined parameters, and combinations of parameters, get a variance of 1e12 noises.
    np.einsum("nii->ni", correlation)[...] = np.where(determined, 1 + 1e-12, 1)
    covariance = np.linalg.inv(correlation) * both
    variances = np.einsum("nii->ni", covariance)
    variances[...] = np.where(determined, np.abs(variances), np.nan)
    return covariance
