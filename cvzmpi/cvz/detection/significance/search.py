"""The search by significance: what stands out of the noise over the Gaussian process."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from cvzmpi.cvz.configuration import Config
from cvzmpi.cvz.detection.flare_mask import MaskRule, flare_mask
from cvzmpi.cvz.detection.significance.templates import FWHMS, matched_filter
from cvzmpi.cvz.injection.flare_shape import equivalent_duration
from cvzmpi.cvz.light_curves.observation import Observation
from cvzmpi.cvz.quiet_star.gaussian_process import GaussianProcessFit, fit_gaussian_process

INVERTED, SHUFFLED = 1, 2
"""Numbers of the mirror images."""

_BLOCK = 360  # cadences that stay together where the residuals are shuffled


@dataclass(frozen=True)
class MirrorImage:
    """A light curve that has the noise of the star and none of its flares."""

    number: int
    flux: np.ndarray  # float64, shape (n,): relative, at the usable cadences
    # int, shape (k, 2): first and last usable cadence of the events that the search finds in it
    flares: np.ndarray
    columns: dict[str, np.ndarray]  # of these events, as those of `SignificanceSearch`


@dataclass(frozen=True)
class SignificanceSearch:
    """A light curve as it was searched by significance."""

    fit: GaussianProcessFit  # of the quiet star; its arrays have a value for each row
    snr: np.ndarray  # float32, shape (n,): of the best template that peaks there; or NaN
    left_out: np.ndarray  # bool, shape (n,): usable cadences that the process was not fitted to
    # int, shape (k, 2): first and last usable cadence of each flare, in order of time, disjoint
    flares: np.ndarray
    # shape (k,): `peak` (usable cadence), `snr`, `template_amplitude`, `fwhm` (d),
    # `equivalent_duration` (s), their errors, `template_time` (BTJD) and the vetting values
    columns: dict[str, np.ndarray]
    # float64, shape (n_templates,): noise of the star in each template over that of the process
    scales: np.ndarray
    images: list[MirrorImage]


def search_by_significance(
    observation: Observation, stella_flares: np.ndarray, config: Config
) -> SignificanceSearch:
    """Model the quiet star, and search the light curve and its mirror images.

    Parameters
    ----------
    stella_flares : int, shape (k, 2)
        First and last usable cadence of the flares that stella found.

    Raises
    ------
    LightCurveError
        If the Gaussian process cannot be fitted.
    """
    light_curve, rows, median = observation.light_curve, observation.rows, observation.median_flux
    used = observation.evaluated & ~flare_mask(stella_flares, len(rows))
    fit = fit_gaussian_process(
        light_curve.time,
        light_curve.flux / median,
        light_curve.flux_err / median,
        observation.spread(used, bool, False),
        config.model,
    )
    amplitude, error = _filtered(observation, fit)
    scales = 1.4826 * np.median(np.abs(amplitude / error)[:, used], axis=1)
    search = SignificanceSearch(
        fit=fit,
        snr=np.max(amplitude / error / scales[:, None], axis=0).astype(np.float32),
        left_out=~used,
        flares=np.empty((0, 2), np.int64),
        columns={},
        scales=scales,
        images=[],
    )
    flares = _flares(search.snr, config)
    mean = fit.mean[rows]
    images = {
        INVERTED: 2 * mean - observation.flux,
        SHUFFLED: mean + _shuffled(observation, fit, config.seed),
    }
    return replace(
        search,
        flares=flares,
        columns=measure(observation, search, flares),
        images=[_image(n, flux, observation, search, config) for n, flux in images.items()],
    )


def measure(
    observation: Observation, search: SignificanceSearch, flares: np.ndarray
) -> dict[str, np.ndarray]:
    """Fit the best template to flares, whoever found them.

    Parameters
    ----------
    flares : int, shape (k, 2)
        First and last usable cadence of each flare, both included.

    Returns
    -------
    dict of ndarray, shape (k,)
        As `SignificanceSearch.columns`.
    """
    amplitude, error = _filtered(observation, search.fit)
    snr = amplitude / error / search.scales[:, None]
    peak, best = np.zeros((2, len(flares)), np.int64)
    for number, (first, last) in enumerate(flares):
        inside = snr[:, first : last + 1]
        best[number], after = np.unravel_index(np.argmax(inside), inside.shape)
        peak[number] = first + after
    fwhm = np.array(FWHMS)[best] * observation.light_curve.exposure
    errors = error[best, peak] * search.scales[best]
    return {
        "peak": peak,
        "snr": snr[best, peak],
        "template_amplitude": amplitude[best, peak],
        "template_amplitude_error": errors,
        "fwhm": fwhm,
        "fwhm_error": fwhm / np.maximum(snr[best, peak], 1.0),
        "template_time": observation.time[peak],
        "equivalent_duration": equivalent_duration(amplitude[best, peak], fwhm),
        "equivalent_duration_error": equivalent_duration(errors, fwhm),
        "vetting": np.zeros(len(flares), np.int16),
    }


def _filtered(observation: Observation, fit: GaussianProcessFit) -> tuple[np.ndarray, np.ndarray]:
    rows = observation.rows
    variance = observation.flux_err**2 + fit.parameters["jitter"] ** 2
    return matched_filter(observation.flux - fit.mean[rows], variance)


def _flares(snr: np.ndarray, config: Config) -> np.ndarray:
    rule = MaskRule(config.significance.min_snr, 1, config.detect.merge_gap)
    return rule.flares(snr)


def _shuffled(observation: Observation, fit: GaussianProcessFit, seed: int) -> np.ndarray:
    """The residuals in blocks of another order."""
    residual = observation.flux - fit.mean[observation.rows]
    entropy = np.random.SeedSequence(
        seed, spawn_key=(*observation.light_curve.id, SHUFFLED, len(residual))
    )
    blocks = np.array_split(residual, max(1, len(residual) // _BLOCK))
    order = np.random.default_rng(entropy).permutation(len(blocks))
    return np.concatenate([blocks[number] for number in order])


def _image(
    number: int,
    flux: np.ndarray,
    observation: Observation,
    search: SignificanceSearch,
    config: Config,
) -> MirrorImage:
    image = replace(observation, flux=flux)
    amplitude, error = _filtered(image, search.fit)
    snr = np.max(amplitude / error / search.scales[:, None], axis=0)
    flares = _flares(snr, config)
    return MirrorImage(number, flux, flares, measure(image, search, flares))
