"""Find the flares of one light curve: from the flux to vetted events.

The Gaussian process is fitted, what stands out is taken out, and both are repeated until the same
flares stand out twice. Then each is examined alone and vetted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import median_filter

from cvzmpi.cvz.configuration import Config
from cvzmpi.cvz.detection.significance.cleaning import Cleaner, CleanLightCurve
from cvzmpi.cvz.detection.significance.eclipses import Eclipses
from cvzmpi.cvz.detection.significance.examination import Examination, Examined
from cvzmpi.cvz.detection.significance.quiet_noise import QuietNoise
from cvzmpi.cvz.detection.significance.recurrence import recurring
from cvzmpi.cvz.detection.significance.vetting import Vetting, cadences_since_gap
from cvzmpi.cvz.detection.significance.whitened.samples import Samples
from cvzmpi.cvz.detection.significance.whitened.templates import bank
from cvzmpi.cvz.detection.significance.whitened.whitening import Whitening
from cvzmpi.cvz.light_curves.exposure import EXPOSURE, in_cadences
from cvzmpi.cvz.light_curves.measured_values import MAD_TO_SIGMA
from cvzmpi.cvz.light_curves.observation import Observation
from cvzmpi.cvz.quiet_star.gaussian_process import (
    GaussianProcessFit,
    conditioned,
    fit_gaussian_process,
)

MAX_ROUNDS = 3
"""Fits of the process; mostly two are enough."""

# So many dips that are no eclipses, and no fewer than flares, has a star that the process cannot
# follow. Each fit would leave out more of it, and in the end its noise is raised.
_MANY_DIPS = 20

_SAME = 3  # cadences (of 120 s) by which a flare may move from one round to the next

# What the first fit leaves out besides the flares of stella: runs above the running median. In
# cadences of 120 s, as are the groups of templates below.
_WINDOW, _HIGH, _BEFORE, _AFTER = 61, 5.0, 3, 14

_N_EVENTS = 3  # in an inverted light curve, two may be chance or single eclipses
_EXPECTED = 4.5  # signal-to-noise of the strongest of them in Gaussian noise
_GROUPS = (2.0, 16.0)  # FWHMs in cadences between templates that are raised together


@dataclass(frozen=True)
class Found:
    """The events of a light curve: those that pass all rules, and the others."""

    fit: GaussianProcessFit  # the process that they were found over
    examination: Examination
    flares: list[Examined]
    refused: list[Examined]
    eclipses: Eclipses

    @property
    def eclipsed(self) -> np.ndarray:
        """Cadences of eclipses and transits; bool, shape (n,)."""
        eclipsed: np.ndarray = self.eclipses.seen | self.eclipses.missed
        return eclipsed

    @property
    def cleaner(self) -> Cleaner:
        """What took them out."""
        return self.examination.cleaner

    @property
    def clean(self) -> CleanLightCurve:
        """The light curve without them."""
        return self.examination.clean

    @property
    def quiet(self) -> QuietNoise:
        """What the templates see of the process."""
        return self.examination.quiet


def find_flares(observation: Observation, stella: np.ndarray, config: Config) -> Found:
    """Fit the quiet star and find what stands out of it.

    Parameters
    ----------
    stella : bool, shape (n,)
        Usable cadences in flares of the search `stella`, which the first fit leaves out.

    Raises
    ------
    LightCurveError
        As `fit_gaussian_process`.
    """
    samples = Samples.of(observation)
    templates = bank(samples.exposure)
    left_out = stella | _outliers(samples.flux, samples.exposure)
    model = np.zeros(len(samples))
    missed = np.zeros(len(samples), bool)
    before: list[int] | None = None
    for _ in range(MAX_ROUNDS):
        fit = fit_quiet_star(observation, model, ~left_out, config)
        whitening = whiten(samples, fit)
        quiet = QuietNoise.of(whitening, templates)
        cleaner = Cleaner(
            fit.kernel,
            fit.parameters,
            templates,
            quiet.information,
            config.significance.min_snr,
            np.ones(len(templates)),
        )
        clean, eclipses = _cleaned(cleaner, samples, missed)
        # the first process may be fast enough to follow eclipses, so that they are no dips
        more = before is not None and bool(np.any(eclipses.missed & ~missed))
        if more:
            missed = eclipses.missed
            clean, eclipses = _cleaned(cleaner, samples, missed)
        model, left_out = clean.event_model, clean.whitening.left_out
        numbers = sorted(event.number for event in clean.flares)
        if before is not None and not more and _same(numbers, before, samples.exposure):
            break
        n_dips = sum(not eclipses.holds(dip) for dip in clean.dips)
        if n_dips >= max(_MANY_DIPS, len(numbers)):
            break
        before = numbers
    return _found(fit, cleaner, clean, quiet, eclipses)


def find_with_noise_raised(found: Found, raised: np.ndarray) -> Found:
    """Find again what stands out of the same quiet star, with the noise of `noise_raised`."""
    cleaner = replace(found.cleaner, raised=raised)
    clean, eclipses = _cleaned(cleaner, found.clean.whitening.samples, found.eclipses.missed)
    return _found(found.fit, cleaner, clean, found.quiet, eclipses)


def _cleaned(
    cleaner: Cleaner, samples: Samples, missed: np.ndarray
) -> tuple[CleanLightCurve, Eclipses]:
    """The light curve without events, and its eclipses; those missed before are left out."""
    clean = cleaner.clean(samples, missed)
    return clean, Eclipses.of(samples, clean, cleaner.templates, missed)


def _found(
    fit: GaussianProcessFit,
    cleaner: Cleaner,
    clean: CleanLightCurve,
    quiet: QuietNoise,
    eclipses: Eclipses,
) -> Found:
    """Examine the events of a cleaned light curve, and vet them."""
    samples = clean.whitening.samples
    examination = examination_of(cleaner, clean, quiet)
    examined = [examination.examine(event) for event in clean.flares]
    flares, refused = passing(examined, samples.time, cleaner.min_snr)
    return Found(fit, examination, flares, refused, eclipses)


def examination_of(cleaner: Cleaner, clean: CleanLightCurve, quiet: QuietNoise) -> Examination:
    """Prepare to examine the events of a cleaned light curve."""
    return Examination(
        cleaner=cleaner,
        clean=clean,
        quiet=quiet,
        scales=clean.scales * cleaner.raised[:, None],
        since_gap=cadences_since_gap(
            clean.whitening.samples.place, clean.whitening.samples.exposure
        ),
    )


def fit_quiet_star(
    observation: Observation, model: np.ndarray, used: np.ndarray, config: Config
) -> GaussianProcessFit:
    """Fit the process to the used cadences (bool, shape (n,)) without the events, `model`."""
    return fit_gaussian_process(*_without_events(observation, model, used), config.model)


def condition_quiet_star(
    observation: Observation, model: np.ndarray, used: np.ndarray, fit: GaussianProcessFit
) -> GaussianProcessFit:
    """The fitted process, given the used cadences without the events."""
    return conditioned(fit, *_without_events(observation, model, used))


def _without_events(
    observation: Observation, model: np.ndarray, used: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Time, relative flux and its error, and what is used, for all rows of the light curve."""
    light_curve, median = observation.light_curve, observation.median_flux
    flux = light_curve.flux / median
    flux[observation.rows] -= model
    error = light_curve.flux_err / median
    return light_curve.time, flux, error, observation.spread(used, bool, False)


def passing(
    examined: list[Examined], time: np.ndarray, min_snr: float
) -> tuple[list[Examined], list[Examined]]:
    """Divide examined events into those that pass all rules, and the others.

    Parameters
    ----------
    time : float64, shape (n,)
        Of the usable cadences.
    """
    strong = [item for item in examined if item.snr >= min_snr]
    recurs = recurring(
        np.array([time[item.event.number] for item in strong]),
        np.array([item.snr for item in strong]),
        time,
    )
    passed: list[Examined] = []
    refused = [item for item in examined if item.snr < min_snr]
    for item, again in zip(strong, recurs, strict=True):
        if again:
            item = replace(item, refused=item.refused | Vetting.PERIODIC)
        (refused if item.refused else passed).append(item)
    return passed, refused


def whiten(samples: Samples, fit: GaussianProcessFit) -> Whitening:
    """Whiten a light curve of which nothing is taken out."""
    residual = samples.flux - fit.parameters["mean"]
    nothing = np.zeros(len(samples), bool)
    return Whitening(samples, residual, fit.kernel, fit.parameters, nothing)


def _outliers(flux: np.ndarray, exposure: float) -> np.ndarray:
    """Runs of two high cadences or more, with what may belong to them."""
    excess = flux - median_filter(flux, in_cadences(_WINDOW, exposure, least=9) | 1, mode="nearest")
    high = excess > _HIGH * MAD_TO_SIGMA * np.median(np.abs(excess))
    run = high.copy()
    run[1:] &= high[:-1]
    run[:-1] |= run[1:]
    result = run.copy()
    for shift in range(1, in_cadences(_AFTER, exposure) + 1):
        result[shift:] |= run[:-shift]
    for shift in range(1, in_cadences(_BEFORE, exposure) + 1):
        result[:-shift] |= run[shift:]
    return result


def noise_raised(found: Found, inverted: list[Examined]) -> np.ndarray:
    """How much more than its scale the noise of the star is, as its inverted light curve shows.

    A star that the process cannot follow dips as often as it rises: pulsations, spots that the
    process is too slow for, a spacecraft that shakes. Where a third event stands out of the
    inverted light curve, which holds no flares, the noise is such that it does not.

    Returns
    -------
    float64, shape (n_templates,)
        1 or above.
    """
    groups = np.array(_GROUPS) * (EXPOSURE / found.clean.whitening.samples.exposure)
    group = np.searchsorted(groups, [template.fwhm for template in found.quiet.templates])
    raised = found.cleaner.raised.copy()
    for number in range(len(_GROUPS) + 1):
        snr = sorted(item.snr for item in inverted if group[item.look.template[0]] == number)
        if len(snr) >= _N_EVENTS:
            raised[group == number] *= max(1.0, snr[-_N_EVENTS] / _EXPECTED)
    return raised


def _same(numbers: list[int], before: list[int], exposure: float) -> bool:
    same = in_cadences(_SAME, exposure)
    return len(numbers) == len(before) and all(
        abs(now - then) <= same for now, then in zip(numbers, before, strict=True)
    )
