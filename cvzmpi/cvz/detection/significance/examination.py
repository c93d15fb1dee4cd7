"""The examination of an event: its own light is put back, and it is looked at alone.

In the cleaned light curve an event is subtracted and partly left out. To measure it, and to vet it
as an injected flare is vetted, the light curve around it is whitened once more with the event in it
and all others taken out.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np

from cvzmpi.cvz.detection.significance.cleaning import Cleaner, CleanLightCurve, Event
from cvzmpi.cvz.detection.significance.look import Looker
from cvzmpi.cvz.detection.significance.quiet_noise import QuietNoise
from cvzmpi.cvz.detection.significance.vetting import Look
from cvzmpi.cvz.detection.significance.whitened.samples import Samples
from cvzmpi.cvz.detection.significance.whitened.template_fit import (
    FittedTemplate,
    fit_covariance,
    fit_template,
)
from cvzmpi.cvz.detection.significance.whitened.templates import flare
from cvzmpi.cvz.detection.significance.whitened.whitening import Whitening
from cvzmpi.cvz.light_curves.exposure import in_cadences

# cadences (of 120 s) around an event that are whitened once more, and the fewest of others
_BEFORE, _AFTER, _FEWEST = 900, 1200, 300

Measured = tuple[FittedTemplate, np.ndarray]
"""A fitted template, and its covariance with the star's noise: shape (3, 3), `fit_covariance`."""


@dataclass(frozen=True)
class Examined:
    """An event as it is seen alone. Its template is fitted when it is asked for."""

    event: Event
    look: Look  # arrays of one element
    refused: int  # bits of `Vetting`
    measure: Callable[[], Measured]

    def flux(self, place: np.ndarray) -> np.ndarray:
        """The template that fits it best, at some places of the grid; 0 where none was fitted."""
        if math.isnan(self.fit.amplitude):
            return np.zeros(len(place))
        return self.fit.amplitude * flare(place, self.fit.peak, self.fit.fwhm)

    @property
    def fit(self) -> FittedTemplate:
        """The template that fits it best."""
        return self._measured[0]

    @property
    def covariance(self) -> np.ndarray:
        """Covariance of the fitted template; float64, shape (3, 3)."""
        return self._measured[1]

    @cached_property
    def _measured(self) -> Measured:
        return self.measure()

    @property
    def snr(self) -> float:
        """Signal-to-noise."""
        return float(self.look.snr[0])


@dataclass(frozen=True)
class Examination:
    """Examines the events of one light curve."""

    cleaner: Cleaner
    clean: CleanLightCurve
    quiet: QuietNoise
    scales: np.ndarray  # float64, shape (n_templates, n): the star's noise, raised
    since_gap: np.ndarray  # int, shape (n,)

    def examine(self, event: Event, fitted: bool = True) -> Examined:
        """Look at an event alone.

        Parameters
        ----------
        fitted : bool
            Whether its template is fitted once more; without, it has that of the event, and no
            covariance.
        """
        samples, number = self.clean.whitening.samples, event.number
        place = int(samples.place[number])
        before, after = (in_cadences(n, samples.exposure, _FEWEST) for n in (_BEFORE, _AFTER))
        piece = samples.piece(place - before, place + after)
        whitening = self._whitened_with(event, piece)
        number -= piece.start
        scales, since_gap = self.scales[:, piece], self.since_gap[piece]
        looker = Looker.of(whitening, self.quiet, scales, since_gap)
        local = whitening.samples
        alpha = np.pad(local.on_grid(whitening.alpha), looker.margin)
        centre = local.place[number : number + 1]
        look = looker.look(alpha[centre[:, None] + np.arange(2 * looker.margin + 1)], centre)
        first = int(samples.place[piece.start])
        seen = FittedTemplate(event.amplitude, event.peak, event.fwhm, float(look.snr[0]))

        def measure() -> Measured:
            fit, covariance = self._fitted(whitening, look, number, event.number)
            return replace(fit, peak=fit.peak + first), covariance

        return Examined(
            event=event,
            look=look._replace(place=look.place + first),
            refused=int(look.refused(samples.exposure)[0]),
            measure=measure if fitted else lambda: (seen, np.full((3, 3), math.nan)),
        )

    def examine_as_is(self, numbers: np.ndarray, fitted: bool) -> list[Examined]:
        """Look at cadences of which nothing is left out or subtracted, all at once.

        Parameters
        ----------
        numbers : int, shape (n_events,)
            Usable cadences.
        fitted : bool
            Whether templates are fitted; without, their values are NaN.
        """
        whitening, looker = self.clean.whitening, self._looker
        samples = whitening.samples
        centre = samples.place[numbers]
        alpha = np.pad(samples.on_grid(whitening.alpha), looker.margin)
        look = looker.look(alpha[centre[:, None] + np.arange(2 * looker.margin + 1)], centre)
        refused = look.refused(samples.exposure)
        nothing = np.zeros(len(samples), bool)
        examined = []
        for k, number in enumerate(numbers):
            alone = Look(*(values[k : k + 1] for values in look))
            event = Event(int(number), 0.0, int(look.template[k]), nothing)
            measure = (
                partial(self._fitted, whitening, alone, int(number), int(number))
                if fitted
                else _unknown
            )
            examined.append(Examined(event, alone, int(refused[k]), measure))
        return examined

    @cached_property
    def _looker(self) -> Looker:
        return Looker.of(self.clean.whitening, self.quiet, self.scales, self.since_gap)

    def _fitted(self, whitening: Whitening, look: Look, number: int, of_all: int) -> Measured:
        """The template that fits what is seen at a cadence, and its covariance.

        Parameters
        ----------
        number, of_all : int
            The cadence, counted in what is whitened, and in the whole light curve.
        """
        found_by = int(look.template[0])
        template = self.quiet.templates[found_by]
        start = float(look.place[0]) + template.phase
        fit = fit_template(whitening, start, template.fwhm, number)
        scale = float(self.scales[found_by, of_all])
        return fit, fit_covariance(whitening, fit, number) * scale**2

    def _whitened_with(self, event: Event, piece: slice) -> Whitening:
        """Whiten a piece of the light curve that has the event in it."""
        samples, clean = self.clean.whitening.samples, self.clean
        residual = samples.flux[piece] - self.cleaner.parameters["mean"]
        residual = residual - clean.event_model[piece] + event.flux(samples)[piece]
        local = Samples(
            samples.time[piece],
            samples.place[piece] - samples.place[piece.start],
            samples.flux[piece],
            samples.error[piece],
            samples.exposure,
        )
        left_out = clean.whitening.left_out[piece] & ~event.core[piece]
        return Whitening(local, residual, self.cleaner.kernel, self.cleaner.parameters, left_out)


def _unknown() -> Measured:
    """What is known of a template that is not fitted."""
    return FittedTemplate(math.nan, math.nan, math.nan, math.nan), np.full((3, 3), math.nan)
