"""What the integrated signal-to-noise says of injected flares, against what is found of them.

It is calibrated by nothing: for each injected repeat, the likelihood ratio of its true shape in the
templates that see it, over the fitted process (`Whitening.products`), in units of the star's noise
there. Noise scatters it as the process says. A flare is found where it is above the threshold;
where the rule `single_cadence` holds, what is left without the brightest cadence must be enough as
well. No other rule of vetting is in it. So the share found over the share said is what neither the
*exposure* nor the star must change.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from cvzmpi.cvz.configuration import Config
from cvzmpi.cvz.detection.significance.vetting import rest_limit
from cvzmpi.cvz.detection.significance.whitened.samples import Samples
from cvzmpi.cvz.detection.significance.whitened.statistic import StatisticMap, noise_scales
from cvzmpi.cvz.detection.significance.whitened.templates import bank, flare
from cvzmpi.cvz.detection.significance.whitened.whitening import (
    Whitening,
    information,
    shapes_of,
    typical_places,
)
from cvzmpi.cvz.injection.flare_shape import mean_flare_shape
from cvzmpi.cvz.light_curves.light_curve import LightCurve
from cvzmpi.cvz.light_curves.observation import Observation, Window
from cvzmpi.cvz.results.views.sector_file import SectorFile
from cvzmpi.cvz.work.model_stage import fitted_parameters

_WITHIN = 0.1  # the quotient of found and said may differ from 1
_FEWEST = 0.02  # share found or said of a row that is judged
_BLOCK = 0.25  # days
_DRAWS = 100  # of the noise of each injected flare
_SHIFTS = (-1, 0, 1)  # half FWHMs, or cadences, by which a template may stand beside the peak


class Said(NamedTuple):
    """What the integrated signal-to-noise says of injected flares, and what was found."""

    chance: np.ndarray  # float64, shape (n_inject, n_repeat): to be found
    found: np.ndarray  # bool, of the same shape
    time: np.ndarray  # float64, of the same shape: days

    @property
    def quotient(self) -> float:
        """Share found over share said; NaN where none is."""
        return float(self.found.mean() / (self.chance.mean() or math.nan))

    @property
    def error(self) -> float:
        """Of the quotient, 95 %: the noise of `_BLOCK` days is that of all flares in them."""
        _, block = np.unique(np.floor(self.time.ravel() / _BLOCK), return_inverse=True)
        of_blocks = np.bincount(block, (self.found - self.chance).ravel())
        deviation = math.sqrt(np.sum(of_blocks**2)) / self.chance.size
        return 1.96 * deviation / (float(self.chance.mean()) or math.nan)

    @property
    def verdict(self) -> str:
        """Whether the quotient is 1 within 10 %."""
        if max(self.found.mean(), self.chance.mean()) < _FEWEST:
            return "-"
        off = abs(self.quotient - 1)
        return "yes" if off <= _WITHIN else "chance" if off - self.error <= _WITHIN else "no"


def said_by_signal_to_noise(done: SectorFile) -> Said:
    """Compare what is found with what the signal-to-noise says; noise scatters it by 1."""
    data, settings = done.data, Config()
    curve: LightCurve = data.light_curve
    observation = Observation.prepare(curve, settings, Window(0, 1))
    rows, samples = observation.rows, Samples.of(observation)
    parameters = fitted_parameters(data.gp_facts)
    residual = observation.flux - parameters["mean"]
    residual -= data.event_model[rows] / observation.median_flux
    kernel, left_out = data.gp_facts["gp_kernel"], data.left_out[rows]
    whitening = Whitening(samples, residual, kernel, parameters, left_out)
    templates = bank(curve.exposure)
    info = information(whitening, shapes_of(templates), typical_places(samples))
    statistic = StatisticMap.of(whitening, templates, info).at_samples(whitening)
    scales = noise_scales(statistic, templates, curve.exposure) * data.noise_raised[:, None]
    firsts = [k for k, t in enumerate(templates) if k == 0 or t.fwhm > templates[k - 1].fwhm]
    noises = Noises(
        np.array([templates[k].fwhm for k in firsts]), scales[firsts], data.noise_raised[firsts]
    )
    injections, rng = data.injections, np.random.default_rng(1)
    chance = np.zeros(injections.time.shape)
    for flare_id, place in np.ndindex(chance.shape):
        number = int(np.searchsorted(rows, injections.cadence[flare_id, place]))
        if not left_out[number]:
            chance[flare_id, place] = _chance(
                *(whitening, noises, number, injections.time[flare_id, place]),
                *(injections.amplitude[flare_id], injections.fwhm[flare_id], rng),
            )
    return Said(chance, done.answers.recovered_significance, injections.time)


class Noises(NamedTuple):
    """The star's noise in the templates, one of each FWHM."""

    fwhms: np.ndarray  # float64, shape (k,): cadences
    scales: np.ndarray  # float64, shape (k, n): of the statistic, raised
    raised: np.ndarray  # float64, shape (k,)


def _chance(
    whitening: Whitening,
    noises: Noises,
    number: int,
    at: float,
    amplitude: float,
    fwhm: float,
    rng: np.random.Generator,
) -> float:
    """The chance that a flare is above the threshold, and enough without its brightest cadence.

    The products of templates and noise are Gaussian, with the templates' information as covariance.

    Parameters
    ----------
    number : int
        Usable cadence of the peak.
    at, fwhm : float
        In days.
    """
    samples, exposure = whitening.samples, whitening.samples.exposure
    place = int(samples.place[number])
    length = math.ceil(40 * fwhm / exposure) + 2
    part = whitening.around(place, length // 8 + 2, length)
    light = amplitude * mean_flare_shape(samples.time[part] - at, fwhm, exposure)
    brightest = np.zeros(len(light))
    brightest[np.argmax(np.where(whitening.left_out[part], 0.0, light))] = 1.0
    peak = place + (at - samples.time[number]) / exposure
    of_templates = [
        flare(samples.place[part], peak + shift * max(1.0, one / 2), one)
        for shift in _SHIFTS
        for one in noises.fwhms
    ]
    information = whitening.products(np.stack([light, brightest, *of_templates], 1), part)[1]
    signal, among = information[0, 1:], information[1:, 1:]
    values, vectors = np.linalg.eigh(among)
    noise = rng.normal(size=(_DRAWS, len(values))) @ (vectors * np.sqrt(np.maximum(values, 0))).T
    scale = np.tile(noises.scales[:, number], len(_SHIFTS))
    noise[:, 1:] *= scale / np.tile(noises.raised, len(_SHIFTS))
    product = signal + noise
    own = np.diag(among)
    snr = np.max(product[:, 1:] / (np.sqrt(own[1:]) * scale), axis=1)
    found = snr >= Config().significance.min_snr
    overlap = among[0, 1:] / own[0]
    left = np.sqrt(np.maximum(own[1:] - overlap**2 * own[0], 0.05 * own[1:]))
    rest = np.max((product[:, 1:] - overlap * product[:, :1]) / (left * scale), axis=1)
    found &= rest >= rest_limit(snr, exposure)
    return float(found.mean())
