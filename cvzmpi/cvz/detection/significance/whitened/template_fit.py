"""The flare template that fits best: amplitude, time of the peak and FWHM, with their errors."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from cvzmpi.cvz.detection.significance.whitened.templates import flare
from cvzmpi.cvz.detection.significance.whitened.whitening import Whitening
from cvzmpi.cvz.light_curves.exposure import in_cadences

# FWHM in cadences that is fitted; the longest in cadences of 120 s, or so many of others
_SHORTEST, _LONGEST, _LEAST_LONGEST = 0.2, 64.0, 8
_BEFORE, _AFTER = 2.0, 40.0  # FWHMs around the peak outside of which a flare is below 0.1 %
_STEP = 0.05  # of the numerical derivatives, in cadences and in ln FWHM


@dataclass(frozen=True)
class FittedTemplate:
    """A flare template fitted to a light curve."""

    amplitude: float  # relative to the median flux
    peak: float  # place on the grid of cadences
    fwhm: float  # cadences
    snr: float  # amplitude over its error, for the time and the FWHM as they are


def fit_template(whitening: Whitening, peak: float, fwhm: float, number: int) -> FittedTemplate:
    """Maximise the likelihood ratio over the time of the peak and the FWHM.

    Parameters
    ----------
    peak, fwhm : float
        Where to begin, in cadences.
    number : int
        The usable cadence near which the flare is.
    """
    place = int(whitening.samples.place[number])
    reach = 2 + fwhm / 2
    longest = in_cadences(_LONGEST, whitening.samples.exposure, _LEAST_LONGEST)

    def ratio(parameters: np.ndarray) -> tuple[float, float]:
        at, log_fwhm = parameters
        part = _part(whitening, place, math.exp(log_fwhm))
        shape = _shape(whitening, part, at, math.exp(log_fwhm))
        with_data, with_itself = whitening.products(shape[:, None], part)
        return float(with_data[0]), float(with_itself[0, 0])

    def objective(parameters: np.ndarray) -> float:
        at, log_fwhm = parameters
        if abs(at - peak) > reach or not _SHORTEST < math.exp(log_fwhm) < longest:
            return math.inf  # not 0, which is better than what loses light
        product, information = ratio(parameters)
        return -product * abs(product) / information if information > 0 else 0.0

    log_fwhm = math.log(fwhm)
    simplex = [[peak, log_fwhm - 0.2], [peak + 0.5, log_fwhm], [peak, log_fwhm + 0.3]]
    best = minimize(
        objective,
        simplex[0],
        method="Nelder-Mead",
        options={"xatol": 0.05, "fatol": 0.1, "maxiter": 80, "initial_simplex": simplex},
    )
    product, information = ratio(best.x)
    information = max(information, np.finfo(float).tiny)
    return FittedTemplate(
        amplitude=product / information,
        peak=float(best.x[0]),
        fwhm=math.exp(best.x[1]),
        snr=product / math.sqrt(information),
    )


def fit_covariance(whitening: Whitening, fit: FittedTemplate, number: int) -> np.ndarray:
    """Covariance of amplitude, peak (cadences) and ln FWHM: the inverse of the Fisher matrix.

    Returns
    -------
    float64, shape (3, 3)
    """
    part = _part(whitening, int(whitening.samples.place[number]), fit.fwhm)
    by_peak, by_log_fwhm = (
        fit.amplitude
        * (_shape(whitening, part, *high) - _shape(whitening, part, *low))
        / (2 * _STEP)
        for low, high in (
            ((fit.peak - _STEP, fit.fwhm), (fit.peak + _STEP, fit.fwhm)),
            (
                (fit.peak, fit.fwhm * math.exp(-_STEP)),
                (fit.peak, fit.fwhm * math.exp(_STEP)),
            ),
        )
    )
    shape = _shape(whitening, part, fit.peak, fit.fwhm)
    _, fisher = whitening.products(np.stack([shape, by_peak, by_log_fwhm], axis=1), part)
    covariance: np.ndarray = np.linalg.pinv(fisher, hermitian=True)
    return covariance


def _part(whitening: Whitening, place: int, fwhm: float) -> slice:
    """The cadences that a flare of this FWHM near a place may change, and some more."""
    slack = 6 + fwhm
    return whitening.around(place, int(_BEFORE * fwhm + slack), int(_AFTER * fwhm + slack))


def _shape(whitening: Whitening, part: slice, peak: float, fwhm: float) -> np.ndarray:
    """A flare of amplitude 1 at the cadences of a part; float64, shape (n_part,).

    It is not cut anywhere in the part: an edge that moves with the FWHM would tell the FWHM.
    """
    return flare(whitening.samples.place[part], peak, fwhm)
