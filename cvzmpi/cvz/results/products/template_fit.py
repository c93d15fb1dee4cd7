"""Equivalent durations that compare with those injected: of the flare template, fitted.

The flare mask ends where the detector is no longer sure, while half of a flare's light is in its
slow decay: summed over the mask, a flare near the detection limit has about half of its equivalent
duration, a large one nearly all (docs/calibration.md). The completeness knows injected flares by
the equivalent duration of the whole template, so the found ones are measured by it as well:
amplitude, FWHM, time of the peak and a constant are fitted to the flux around the mask. The
constant is needed because the Gaussian process, which has seen the unmasked tail, lies a little too
high there.

A flare of several peaks is fitted as one; its sum over the mask stays in the table of flares.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.optimize import least_squares

from cvzmpi.cvz.injection.flare_shape import equivalent_duration, mean_flare_shape
from cvzmpi.cvz.sector_file.data import SectorData
from cvzmpi.errors import SectorFileError

BEFORE, AFTER = 10, 30
"""Usable cadences before and after the mask that the fit sees."""

SIGNIFICANT = 2.0
"""Standard errors of its equivalent duration that a template must have."""

_SHORTEST = 0.1  # FWHM in cadences: all shorter ones look the same
_LONGEST = 2.0  # FWHM in lengths of the mask: longer ones are not flares but the star's variability
_N_STARTS = 10
_FIRST_SHIFTS = (-0.4, 0.0, 0.4)
_SHIFT = 2.0  # cadences between the brightest one and the peak of the template


@dataclass(frozen=True)
class TemplateFit:
    """The template that fits a flare best."""

    # relative to the median flux, as that of injections: of the template, not of a cadence
    amplitude: float
    fwhm: float  # days
    # `duration`, `duration_error`: equivalent duration and its standard error in s
    duration: float
    duration_error: float


def fit_flares(data: SectorData, quality_bitmask: int) -> list[TemplateFit | None]:
    """Fit the template to each flare of a light curve.

    Parameters
    ----------
    data : SectorData
        From checkpoint `model` on.
    quality_bitmask : int
        `light_curve.quality_bitmask` of the file's own configuration.

    Returns
    -------
    list of TemplateFit or None
        In the order of the flares; None where no template fits with a significant amplitude.

    Raises
    ------
    SectorFileError
        If a usable cadence has no error above 0.
    """
    assert data.flares is not None
    assert data.gp_mu is not None
    light_curve = data.light_curve
    rows = np.flatnonzero(light_curve.usable(quality_bitmask))
    flux = light_curve.flux[rows].astype(np.float64)
    median = np.median(flux)
    excess = (flux - data.gp_mu[rows]) / median
    error = light_curve.flux_err[rows] / median
    wrong = np.flatnonzero(~(error > 0))
    if len(wrong) and len(data.flares["peak"]):
        raise SectorFileError(
            f"row {rows[wrong[0]]}: the flux error is {light_curve.flux_err[rows[wrong[0]]]:g}, "
            "expected above 0"
        )
    time, in_flare = light_curve.time[rows], data.flare_mask[rows]
    first, last, peak = (np.searchsorted(rows, data.flares[n]) for n in ("start", "stop", "peak"))
    fits = []
    for start, stop, brightest in zip(first, last, peak, strict=True):
        window = np.arange(max(start - BEFORE, 0), min(stop + AFTER + 1, len(rows)))
        inside = (window >= start) & (window <= stop)
        window = window[inside | ~in_flare[window]]  # no other flare
        since, longest = time[window] - time[brightest], _LONGEST * (stop + 1 - start)
        fits.append(_fit(since, excess[window], error[window], light_curve.exposure, longest))
    return fits


def _fit(
    time: np.ndarray, excess: np.ndarray, error: np.ndarray, exposure: float, longest: float
) -> TemplateFit | None:
    """Fit one flare; `time` in days since its brightest cadence, `longest` FWHM in cadences."""
    shortest = math.log(_SHORTEST * exposure)
    log_fwhms = np.linspace(shortest, math.log(longest * exposure), _N_STARTS + 2)

    def shape(shift: float, log_fwhm: float) -> np.ndarray:
        return mean_flare_shape(time - shift * exposure, math.exp(log_fwhm), exposure)

    def misfit(parameters: np.ndarray) -> np.ndarray:
        amplitude, constant, shift, log_fwhm = parameters
        return (amplitude * shape(shift, log_fwhm) + constant - excess) / error

    starts = []
    for shift, log_fwhm in product(_FIRST_SHIFTS, log_fwhms[1:-1]):
        linear = np.stack([shape(shift, log_fwhm), np.ones(len(time))], axis=1) / error[:, None]
        (amplitude, constant), *_ = np.linalg.lstsq(linear, excess / error, rcond=None)
        starts.append(np.array([amplitude, constant, shift, log_fwhm]))
    start = min(starts, key=lambda parameters: float(np.sum(misfit(parameters) ** 2)))
    scale = [max(abs(start[0]), 1e-6), float(np.median(error)), 1.0, 1.0]
    bounds = [-np.inf, -np.inf, -_SHIFT, shortest], [np.inf, np.inf, _SHIFT, log_fwhms[-1]]
    solution = least_squares(misfit, start, bounds=bounds, x_scale=scale)
    amplitude, _, _, log_fwhm = solution.x
    if not solution.success or amplitude <= 0:
        return None
    duration = float(equivalent_duration(amplitude, math.exp(log_fwhm)))
    gradient = np.array([duration / amplitude, 0.0, 0.0, duration])
    covariance = np.linalg.pinv(solution.jac.T @ solution.jac)
    duration_error = math.sqrt(gradient @ covariance @ gradient)
    if duration < SIGNIFICANT * duration_error:
        return None
    return TemplateFit(float(amplitude), math.exp(log_fwhm), duration, duration_error)
