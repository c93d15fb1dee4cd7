"""Means of neighbouring cadences, and the rotation period in them.

A star's rotation and granulation are slow against the 2 minutes of a cadence. Means over a few
cadences carry the same information in a tenth of the points, so the period search and the choice
between local optima of the Gaussian process are made on them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_OVERSAMPLING = 5  # frequencies per resolution element of the periodogram
_MAX_FREQUENCIES = 20_000  # a sector has 1,400; a bound on time for absurdly long curves


@dataclass(frozen=True)
class BinnedCurve:
    """Means of the measurements in bins of equal width, empty bins left out."""

    # time, flux: float64, shape (n_bins,): mean time in days, strictly increasing, and mean
    # relative flux
    time: np.ndarray
    flux: np.ndarray
    # float64, shape (n_bins,): variance of the mean flux that the known errors give
    variance: np.ndarray
    count: np.ndarray  # float64, shape (n_bins,): number of measurements in each bin


def bin_curve(
    time: np.ndarray, flux: np.ndarray, variance: np.ndarray, width: float
) -> BinnedCurve:
    """Average a light curve over bins of `width` days.

    Parameters
    ----------
    time, flux, variance : ndarray of float64, shape (n,)
        Strictly increasing times in days, relative flux, and its variance; all finite.
    width : float
        Width of a bin in days.
    """
    _, bins, count = np.unique(
        np.floor((time - time[0]) / width), return_inverse=True, return_counts=True
    )
    mean_time, mean_flux, mean_variance = (
        np.bincount(bins, weights=values) / count for values in (time, flux, variance)
    )
    return BinnedCurve(mean_time, mean_flux, mean_variance / count, count.astype(np.float64))


def rotation_period(curve: BinnedCurve, min_period: float, max_period: float) -> float:
    """Period of the highest peak of the Lomb-Scargle periodogram.

    astropy's FFT method, as workers have most of astropy loaded anyway: 8 ms, and 0.1 s once
    for the import. scipy.signal needs 90 ms here and 0.4 s for its import.

    Parameters
    ----------
    curve : BinnedCurve
        The light curve, binned finely enough for `min_period`.
    min_period, max_period : float
        Range of the search in days.

    Returns
    -------
    float
        The period in days; `max_period` when nothing varies.
    """
    from astropy.timeseries import LombScargle  # slow: not at the start of a worker

    span = curve.time[-1] - curve.time[0]
    lowest, highest = 1 / max_period, 1 / min_period
    n = 2 + int((highest - lowest) * span * _OVERSAMPLING)
    frequency = np.linspace(lowest, highest, min(n, _MAX_FREQUENCIES))
    # By the number of points, not by the errors: the scatter of the means is the star's own.
    periodogram = LombScargle(curve.time, curve.flux, 1 / np.sqrt(curve.count))
    power = periodogram.power(
        frequency, method="fast", assume_regular_frequency=True, normalization="psd"
    )
    return float(1 / frequency[np.argmax(np.nan_to_num(power))])
