"""Find what stands out of a light curve, up and down, by taking it out bit by bit.

A flare rings: the process follows a part of it, so the statistic has side lobes beside it that look
like dips and flares of their own. To leave its cadences out alone is not enough, since the process
follows the tail that is left. So the strongest events are fitted and subtracted, what the template
cannot describe of them is left out, and the rest is whitened anew, until nothing stands out.
Dips - transits, eclipses, dropped counts - ring just as much, and are left out.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.ndimage import uniform_filter1d

from cvzmpi.cvz.detection.significance.whitened.samples import Samples
from cvzmpi.cvz.detection.significance.whitened.statistic import StatisticMap, noise_scales
from cvzmpi.cvz.detection.significance.whitened.template_fit import fit_template
from cvzmpi.cvz.detection.significance.whitened.templates import Template, flare
from cvzmpi.cvz.detection.significance.whitened.whitening import Whitening
from cvzmpi.cvz.light_curves.exposure import EXPOSURE, in_cadences, is_two_minutes

MISMATCH = 0.12
"""Part of a flare's light by which it may differ from the template: cadences where so much would
stand out of the noise are left out, for else they are events of their own."""

DIP_SNR = 5.0
"""Signal-to-noise from which on a dip is left out."""

_MAX_PASSES = 15
# Of a dip with steep sides the statistic is as high at its end as it is low at its start; beside a
# flare it is at most half as low as it is high at the flare.
_OTHER_SIDE = 2 / 3
# from the sides of a dip: cadences (of 120 s) in which the star is as without it
_LEVEL_FROM, _LEVEL_TO = 15, 45
_AROUND = (6, 10, 10)  # an event of width w hides weaker ones nearer than 6 w + 10 and 10 w + 10
_SEES = 0.8  # a template sees a dip if its statistic is this part of the highest
_OF_DIP = 0.3  # a dip lasts while the deficit is more than this part of its deepest
_OF_ERROR = 0.3  # a dip leaves out no cadence where a flare is above this part of the error
_BESIDE_GAP = 20  # cadences (of 120 s) missing in a row that do not end a dip


@dataclass
class Event:
    """Something that stands out of the light curve."""

    number: int  # the usable cadence where it was found
    strength: float  # statistic over the star's noise; negative for a dip
    template: int  # index of the template that found it
    # bool, shape (n,): cadences that it was left out at; what differs from the template there
    core: np.ndarray
    # of the fitted template: amplitude relative to the median flux, place of the peak and FWHM in
    # cadences; 0 for a dip
    amplitude: float = 0.0
    peak: float = 0.0
    fwhm: float = 0.0

    def flux(self, samples: Samples) -> np.ndarray:
        """The fitted template at the usable cadences; float64, shape (n,)."""
        if self.amplitude == 0:
            return np.zeros(len(samples))
        return self.amplitude * flare(samples.place, self.peak, self.fwhm)


@dataclass
class CleanLightCurve:
    """A light curve with its events taken out."""

    whitening: Whitening
    scales: np.ndarray  # float64, shape (n_templates, n): see `noise_scales`
    event_model: np.ndarray  # float64, shape (n,): all fitted templates
    flares: list[Event] = field(default_factory=list)
    dips: list[Event] = field(default_factory=list)


@dataclass(frozen=True)
class Cleaner:
    """Takes the events out of light curves of one quiet star."""

    kernel: str
    parameters: dict[str, float]
    templates: tuple[Template, ...]
    information: np.ndarray  # float64, shape (n_templates,): see `information`
    min_snr: float
    # float64, shape (n_templates,): what flares need more than `min_snr`, where the process cannot
    # follow the star
    raised: np.ndarray

    def whiten(self, samples: Samples, model: np.ndarray, left_out: np.ndarray) -> Whitening:
        """Whiten a light curve without its flares, `model`, and the cadences left out."""
        residual = samples.flux - self.parameters["mean"] - model
        return Whitening(samples, residual, self.kernel, self.parameters, left_out)

    def clean(self, samples: Samples, left_out: np.ndarray) -> CleanLightCurve:
        """Take out one event after the other, the strongest first.

        Parameters
        ----------
        left_out : bool, shape (n,)
            Cadences that are not looked at at all.
        """
        model = np.zeros(len(samples))
        left_out = left_out.copy()
        flares: list[Event] = []
        dips: list[Event] = []
        for number in range(_MAX_PASSES + 1):
            whitening = self.whiten(samples, model, left_out)
            statistic = StatisticMap.of(whitening, self.templates, self.information)
            values = statistic.at_samples(whitening)
            # anew in each pass: many large flares close together raise it
            scales = noise_scales(values, self.templates, samples.exposure)
            found = self._strongest(samples, values / scales) if number < _MAX_PASSES else []
            if not found:
                return CleanLightCurve(whitening, scales, model, flares, dips)
            for event in found:
                if event.strength > 0:
                    self._take_flare(whitening, event)
                    model = model + event.flux(samples)
                    flares.append(event)
                else:
                    self._take_dip(whitening, event, model)
                    dips.append(event)
                left_out = left_out | event.core
        raise AssertionError("unreachable")

    def _strongest(self, samples: Samples, statistic: np.ndarray) -> list[Event]:
        """Events that are far enough from each other not to be side lobes of one another."""
        statistic = np.nan_to_num(statistic)
        up, down = statistic / self.raised[:, None], -statistic
        up_best, down_best = up.max(axis=0), down.max(axis=0)
        up_best[up_best < self.min_snr] = 0.0
        down_best[down_best < DIP_SNR] = 0.0
        strength = np.maximum(up_best, down_best)
        order = np.argsort(-strength, kind="stable")
        order = order[strength[order] > 0]
        hidden = np.zeros(len(samples), bool)
        found = []
        for number in order:
            if hidden[number]:
                continue
            is_flare = up_best[number] >= down_best[number]
            template = int(np.argmax(up[:, number]))
            dip = slice(number, number)
            if is_flare:
                near = self._near(samples, number, template)
                dip = _dip_before(samples, down_best, near, number, up_best[number])
                is_flare, number = dip.start == dip.stop, dip.start
            if not is_flare:  # all of a dip is left out: the longest template that sees it
                sees = down[:, number] >= _SEES * down_best[number]
                template = int(np.flatnonzero(sees)[-1])
            near = self._near(samples, number, template)
            if not hidden[near].any():
                value = up_best[number] if is_flare else -down_best[number]
                core = np.zeros(len(samples), bool)
                core[dip] = True
                found.append(Event(int(number), float(value), template, core))
            hidden[near] = True
        return found

    def _near(self, samples: Samples, number: int, template: int) -> slice:
        """The cadences in which an event hides weaker ones."""
        width, place = self.templates[template].fwhm, samples.place[number]
        before, after, more = _AROUND
        more = in_cadences(more, samples.exposure, least=4)
        return samples.piece(int(place - before * width - more), int(place + after * width + more))

    def _take_flare(self, whitening: Whitening, event: Event) -> None:
        """Fit the template, and leave out where its mismatch would stand out of the noise."""
        template = self.templates[event.template]
        samples = whitening.samples
        start = samples.place[event.number] + template.phase
        fit = fit_template(whitening, start, template.fwhm, event.number)
        event.amplitude, event.peak, event.fwhm = fit.amplitude, fit.peak, fit.fwhm
        event.core = MISMATCH * np.abs(event.flux(samples)) > _noise(whitening)
        event.core[event.number] = True

    def _take_dip(self, whitening: Whitening, event: Event, model: np.ndarray) -> None:
        """Leave out the cadences of a dip, but not those of a flare beside it."""
        samples, width = whitening.samples, self.templates[event.template].fwhm
        deficit = -uniform_filter1d(whitening.remainder, max(1, int(width / 2) | 1))
        first = max(0, event.number - int(width))
        deepest = first + int(np.argmax(deficit[first : event.number + int(2 * width) + 1]))
        start, stop = _run(deficit > _OF_DIP * deficit[deepest], deepest, samples)
        place = samples.place[event.number]
        wide = samples.piece(int(place - 1.5 * width), int(place + 2.5 * width))
        event.core[min(start - 1, wide.start) if start else 0 : max(stop + 1, wide.stop)] = True
        event.core &= model <= _OF_ERROR * _noise(whitening)
        event.core[event.number] = True


def _noise(whitening: Whitening) -> np.ndarray:
    """The noise in 120 s, or in a cadence that is longer; float64, shape (n,).

    What lasts several short cadences stands out of less noise than each of them has.
    """
    exposure, variance = whitening.samples.exposure, whitening.variance
    if exposure < EXPOSURE and not is_two_minutes(exposure):
        variance = variance * (exposure / EXPOSURE)
    noise: np.ndarray = np.sqrt(variance)
    return noise


def _dip_before(samples: Samples, down: np.ndarray, near: slice, number: int, rise: float) -> slice:
    """The cadences of the dip that ends at a rise; none if it is no end of a dip.

    The process follows the bottom of a transit, so that only its sides stand out: the second looks
    like a flare.
    """
    first = near.start
    if first == number:
        return slice(number, number)
    start = first + int(np.argmax(down[first:number]))
    close = in_cadences(_LEVEL_FROM, samples.exposure, least=2)
    far = in_cadences(_LEVEL_TO, samples.exposure, least=6)
    before = samples.flux[max(0, start - far) : max(0, start - close)]
    after = samples.flux[number + close : number + far]
    bottom = samples.flux[start + 1 : number]
    is_dip = False
    if down[start] >= _OTHER_SIDE * rise and len(bottom) and len(before) and len(after):
        level = min(np.median(before), np.median(after))
        is_dip = bool(np.median(bottom) < level - np.median(samples.error[start:number]))
    return slice(start, number + 1) if is_dip else slice(number, number)


def _run(inside: np.ndarray, number: int, samples: Samples) -> tuple[int, int]:
    """The run of cadences around one that are inside, over no long gap: first, and after last."""
    step = np.diff(samples.place) <= in_cadences(_BESIDE_GAP, samples.exposure, least=2)
    broken = np.flatnonzero(~(inside[1:] & inside[:-1] & step))  # between it and the next
    before, after = broken[broken < number], broken[broken >= number]
    return (
        int(before[-1]) + 1 if len(before) else 0,
        int(after[0]) + 1 if len(after) else len(inside),
    )
