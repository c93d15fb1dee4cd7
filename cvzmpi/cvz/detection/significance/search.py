"""The search by significance, for one light curve: its flares, and the noise they stand out of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvzmpi.cvz.configuration import Config
from cvzmpi.cvz.detection.flare_mask import flare_mask
from cvzmpi.cvz.detection.significance.cleaning import Event
from cvzmpi.cvz.detection.significance.examination import Examination, Examined
from cvzmpi.cvz.detection.significance.extent import FlareEvents, flares_of_events
from cvzmpi.cvz.detection.significance.finding import (
    Found,
    condition_quiet_star,
    find_flares,
    find_with_noise_raised,
    noise_raised,
)
from cvzmpi.cvz.detection.significance.images import Image, mirror_image
from cvzmpi.cvz.detection.significance.measures import columns_of
from cvzmpi.cvz.detection.significance.whitened.samples import Samples
from cvzmpi.cvz.detection.significance.whitened.statistic import StatisticMap
from cvzmpi.cvz.light_curves.exposure import in_cadences
from cvzmpi.cvz.light_curves.observation import Observation
from cvzmpi.cvz.quiet_star.gaussian_process import GaussianProcessFit

_MAX_RAISES = 3
_ENOUGH = 1.05  # noise that would be raised by less than this is left as it is


@dataclass(frozen=True)
class SearchedFlux:
    """A flux as it was searched: that of the star, or that of a mirror image."""

    flux: np.ndarray  # float64, shape (n,): relative to the median, at the usable cadences
    # int, shape (k, 2): first and last usable cadence of each flare, in order of time, disjoint
    flares: np.ndarray
    columns: dict[str, np.ndarray]  # of the flares, shape (k,): see `measures.columns_of`
    events: list[Examined]  # all that were examined, those that were refused too
    examination: Examination
    excess: np.ndarray  # float64, shape (n,): flux over the quiet star

    @classmethod
    def of(
        cls,
        flux: np.ndarray,
        passed: list[Examined],
        refused: list[Examined],
        examination: Examination,
        quiet_mean: np.ndarray,
        merge_gap: int,
    ) -> SearchedFlux:
        """Make flares of the events that pass all rules."""
        samples, excess = examination.clean.whitening.samples, flux - quiet_mean
        error = np.sqrt(examination.clean.whitening.variance)
        flares = flares_of_events(samples, error, excess, passed, merge_gap)
        bounds = np.array([(f.first, f.last) for f in flares], np.int64).reshape(-1, 2)
        columns = columns_of(samples, error, excess, flares)
        return cls(flux, bounds, columns, [*passed, *refused], examination, excess)

    def measure(self, flares: np.ndarray, fitted: bool = True) -> dict[str, np.ndarray]:
        """Measure flares that another search found.

        Parameters
        ----------
        flares : int, shape (k, 2)
            First and last usable cadence of each flare, both included.
        fitted : bool
            Whether templates are fitted, or only looked at.

        Returns
        -------
        dict of ndarray, shape (k,)
            As `columns`.
        """
        whitening = self.examination.clean.whitening
        measured, untouched = [], []
        for first, last in flares.tolist():
            events = self._events_within(first, last)
            peak = first + int(np.argmax(self.excess[first : last + 1]))
            if not events and whitening.left_out[first : last + 1].any():
                core = np.zeros(len(whitening.samples), bool)
                core[first : last + 1] = True
                events = [self.examination.examine(Event(peak, 0.0, 0, core))]
            if not events:
                untouched.append(peak)
            measured.append((first, last, events))
        as_is = iter(self.examination.examine_as_is(np.array(untouched, int), fitted))
        return columns_of(
            whitening.samples,
            np.sqrt(whitening.variance),
            self.excess,
            [
                FlareEvents(first, last, tuple(events) or (next(as_is),))
                for first, last, events in measured
            ],
        )

    def _events_within(self, first: int, last: int) -> list[Examined]:
        """The events that peak in a flare, refused or not, the strongest first."""
        within = [item for item in self.events if first <= item.event.number <= last]
        return sorted(within, key=lambda item: -item.snr)


@dataclass(frozen=True)
class SignificanceSearch:
    """A light curve as it was searched by significance."""

    # of the quiet star, with the flares taken out; its arrays have a value for each row
    fit: GaussianProcessFit
    snr: np.ndarray  # float32, shape (n,): of the best template that peaks there; or NaN
    left_out: np.ndarray  # bool, shape (n,): usable cadences that the process was not fitted to
    # float32, shape (n,): templates of the flares and of other events, in e-/s
    event_model: np.ndarray
    # float64, shape (n_templates,): how much more than its scale the noise is (`finding`)
    noise_raised: np.ndarray
    star: SearchedFlux
    images: dict[Image, SearchedFlux]


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
    samples = Samples.of(observation)
    light_curve = observation.light_curve
    entropy = (config.seed, light_curve.tic, light_curve.sector)
    stella = flare_mask(stella_flares, len(samples))
    found = find_flares(observation, stella, config)
    for raises in range(_MAX_RAISES + 1):
        left_out = found.clean.whitening.left_out
        # rounded as the sector file has it, so that a resumed job goes on with the same bits
        event_model = (found.clean.event_model * observation.median_flux).astype(np.float32)
        model = event_model / observation.median_flux
        fit = condition_quiet_star(observation, model, ~left_out, found.fit)
        mean = fit.mean[observation.rows]
        inverted = mirror_image(Image.INVERTED, samples, found, mean, entropy)
        raised = noise_raised(found, inverted.events)
        if raises == _MAX_RAISES or np.all(raised <= _ENOUGH * found.cleaner.raised):
            break
        found = find_with_noise_raised(found, raised)
    shuffled = mirror_image(Image.SHUFFLED, samples, found, mean, entropy)
    gap = in_cadences(config.detect.merge_gap, samples.exposure)
    star = SearchedFlux.of(samples.flux, found.flares, found.refused, found.examination, mean, gap)
    return SignificanceSearch(
        fit=fit,
        snr=_series(samples, found, left_out, star.flares),
        left_out=left_out,
        event_model=event_model,
        noise_raised=found.cleaner.raised,
        star=star,
        images={
            image.image: SearchedFlux.of(
                image.flux, image.events, image.refused, image.examination, mean, gap
            )
            for image in (inverted, shuffled)
        },
    )


def _series(samples: Samples, found: Found, left_out: np.ndarray, flares: np.ndarray) -> np.ndarray:
    """Signal-to-noise of the best template at each cadence; float32, shape (n,).

    Within flares it is that over the process with nothing taken out, and ends with side lobes.
    """
    scales = found.clean.scales * found.cleaner.raised[:, None]

    def best(statistic: StatisticMap) -> np.ndarray:
        values = np.fmax.reduce(statistic.statistic[:, samples.place] / scales, axis=0)
        return values.astype(np.float32)

    def of(model: np.ndarray, without: np.ndarray) -> np.ndarray:
        whitening = found.cleaner.whiten(samples, model, without)
        cleaner = found.cleaner
        return best(StatisticMap.of(whitening, cleaner.templates, cleaner.information))

    series = np.where(left_out, np.float32(np.nan), of(found.clean.event_model, left_out))
    inside = flare_mask(flares, len(samples))
    return np.where(inside, of(np.zeros(len(samples)), np.zeros_like(left_out)), series)
