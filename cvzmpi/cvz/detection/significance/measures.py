"""The measures of flares: the columns that the search by significance gives to their table."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from cvzmpi.cvz.detection.flares import VETTING
from cvzmpi.cvz.detection.significance.examination import Examined
from cvzmpi.cvz.detection.significance.extent import FlareEvents
from cvzmpi.cvz.detection.significance.whitened.samples import Samples
from cvzmpi.cvz.injection.flare_shape import equivalent_duration

MEASURES = (
    "snr",
    "template_amplitude",
    "template_amplitude_error",
    "fwhm",
    "fwhm_error",
    "template_time",
    "equivalent_duration",
    "equivalent_duration_error",
    *VETTING,
)
"""Columns of the table of flares that this search gives.

Amplitude, FWHM and time are those of the strongest event of a flare, its equivalent duration is the
sum over all. The vetting values are explained in `vetting`.
"""


def columns_of(
    samples: Samples, error: np.ndarray, excess: np.ndarray, flares: Sequence[FlareEvents]
) -> dict[str, np.ndarray]:
    """Measure flares.

    Parameters
    ----------
    error, excess : float64, shape (n,)
        Error of a cadence with the jitter, and flux over the quiet star.

    Returns
    -------
    dict of ndarray, shape (n_flares,)
        `MEASURES`, and `peak`, the brightest usable cadence.
    """
    rows = [_row(samples, error, excess, flare) for flare in flares]
    peaks = [flare.first + int(np.argmax(excess[flare.first : flare.last + 1])) for flare in flares]
    columns = {name: np.array([row[name] for row in rows], float) for name in MEASURES}
    return columns | {"peak": np.array(peaks, np.int64)}


def _row(
    samples: Samples, error: np.ndarray, excess: np.ndarray, flare: FlareEvents
) -> dict[str, float]:
    strongest = flare.events[0]
    fit, look, exposure = strongest.fit, strongest.look, samples.exposure
    inside = slice(flare.first, flare.last + 1)
    model = np.sum([item.flux(samples.place[inside]) for item in flare.events], axis=0)
    # The template is not the flare: what it leaves over widens the errors.
    misfit = np.sum(((excess[inside] - model) / error[inside]) ** 2)
    freedom = max(1, flare.last + 1 - flare.first - 3)
    factor = math.sqrt(max(1.0, misfit / freedom))
    durations = np.array([_duration(item, exposure) for item in flare.events])
    amplitude_error, _, log_fwhm_error = np.sqrt(np.diag(strongest.covariance)) * factor
    fwhm = fit.fwhm * exposure
    return {
        "snr": strongest.snr,
        "template_amplitude": fit.amplitude,
        "template_amplitude_error": amplitude_error,
        "fwhm": fwhm,
        "fwhm_error": fwhm * log_fwhm_error,
        "template_time": float(np.interp(fit.peak, samples.place, samples.time)),
        "equivalent_duration": float(durations[:, 0].sum()),
        "equivalent_duration_error": math.sqrt(np.sum(durations[:, 1] ** 2)) * factor,
        "rest_snr": float(look.rest_snr[0]),
        "reversed_snr": float(look.reversed_snr[0]),
        "hump_snr": float(look.hump_snr[0]),
        "since_gap": int(look.since_gap[0]),
        "vetting": strongest.refused,
    }


def _duration(item: Examined, exposure: float) -> tuple[float, float]:
    """Equivalent duration of a template in s, and its error: that of amplitude times FWHM."""
    fit, covariance = item.fit, item.covariance
    if math.isnan(fit.amplitude):
        return math.nan, math.nan
    duration = float(equivalent_duration(fit.amplitude, fit.fwhm * exposure))
    if fit.amplitude == 0:
        return 0.0, 0.0
    gradient = np.array([1 / fit.amplitude, 0.0, 1.0])
    return duration, abs(duration) * math.sqrt(max(0.0, gradient @ covariance @ gradient))
