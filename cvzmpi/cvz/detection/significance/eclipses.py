"""Eclipses and transits: dips that recur, and their cycles that were not seen as dips.

A flare beside an eclipse may hide it: the pair is fitted as one long flare, so that the process is
asked to follow the eclipse. One such cycle makes the process as fast as an eclipse is, for the
whole light curve, and short flares are lost in it. Where eclipses are due is known from the others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvzmpi.cvz.detection.significance.cleaning import CleanLightCurve, Event
from cvzmpi.cvz.detection.significance.recurrence import Recurrence, recurrences
from cvzmpi.cvz.detection.significance.whitened.samples import Samples
from cvzmpi.cvz.detection.significance.whitened.templates import Template
from cvzmpi.cvz.light_curves.exposure import EXPOSURE, in_cadences

# Dips that may be transits: their signal-to-noise, FWHM in cadences of 120 s, and greatest
# quotient.
_TRANSIT_SNR, _TRANSIT_FWHM, _ALIKE = 7.0, 8.0, 1.5

_SEEN = 0.5  # part of an eclipse that dips have where it was seen, as one of them or as several
_BESIDE = 30  # cadences (of 120 s) before and after an eclipse that are compared with it


@dataclass(frozen=True)
class Eclipses:
    """The cadences of eclipses and transits."""

    seen: np.ndarray  # bool, shape (n,): of those that are dips
    missed: np.ndarray  # bool, shape (n,): of those that are due, and are no dips

    def holds(self, dip: Event) -> bool:
        """Whether a dip is one of them."""
        return bool(self.seen[dip.number] | self.missed[dip.number])

    @classmethod
    def of(
        cls,
        samples: Samples,
        clean: CleanLightCurve,
        templates: tuple[Template, ...],
        missed: np.ndarray,
    ) -> Eclipses:
        """Find them among the dips of a cleaned light curve.

        Dips that recur with a period; and strong long ones that are alike, of which a planet with a
        period of ten days leaves two in a sector.

        Parameters
        ----------
        missed : bool, shape (n,)
            Cadences that were left out before as of eclipses that are no dips.
        """
        dips = clean.dips
        time = np.array([samples.time[dip.number] for dip in dips])
        strength = np.array([-dip.strength for dip in dips])
        found, parts = recurrences(time, strength, samples.time)
        eclipses = [event for recurrence in found for event in recurrence.events]
        eclipses.extend(_alike(dips, strength, parts, templates, samples.exposure))
        seen, missed = np.zeros(len(samples), bool), missed.copy()
        for number in np.flatnonzero(np.isin(parts, eclipses)):
            seen |= dips[number].core
        known = np.any([missed, *(dip.core for dip in dips)], axis=0)
        for recurrence in found:
            for due in _due(recurrence, samples, dips, parts):
                if np.mean(known[due]) < _SEEN:
                    missed[due] |= samples.flux[due] <= _level_beside(samples, due)
        return cls(seen, missed)


def _alike(
    dips: list[Event],
    strength: np.ndarray,
    parts: np.ndarray,
    templates: tuple[Template, ...],
    exposure: float,
) -> np.ndarray:
    """The numbers of dips that are like transits of one planet."""
    fwhm = np.array([templates[dip.template].fwhm for dip in dips])
    once = np.unique(parts)
    transits = once[
        (strength[once] >= _TRANSIT_SNR) & (fwhm[once] >= _TRANSIT_FWHM * (EXPOSURE / exposure))
    ]
    quotient = strength[transits, None] / strength[transits]
    alike = np.abs(np.log(quotient)) < np.log(_ALIKE)
    result: np.ndarray = transits[np.count_nonzero(alike, axis=1) >= 2]
    return result


def _due(
    recurrence: Recurrence, samples: Samples, dips: list[Event], parts: np.ndarray
) -> list[slice]:
    """The cadences of the cycles that are no dips; slices of one cadence or more."""
    starts, stops = [], []
    for event, cycle in zip(recurrence.events, recurrence.cycles, strict=True):
        cores = [dips[number].core for number in np.flatnonzero(parts == event)]
        cadences = np.flatnonzero(np.any(cores, axis=0))
        epoch = recurrence.start + recurrence.period * cycle
        starts.append(samples.time[cadences[0]] - epoch)
        stops.append(samples.time[cadences[-1]] - epoch)
    first, last = np.median(starts), np.median(stops)
    epochs = recurrence.other_cycles(samples.time)
    begin = np.searchsorted(samples.time, epochs + first)
    end = np.searchsorted(samples.time, epochs + last, side="right")
    return [slice(a, b) for a, b in zip(begin.tolist(), end.tolist(), strict=True) if a < b]


def _level_beside(samples: Samples, due: slice) -> float:
    """Flux beside an eclipse; a flare in it is higher, and is not left out with it."""
    flux, beside = samples.flux, in_cadences(_BESIDE, samples.exposure, least=4)
    before = flux[max(0, due.start - beside) : due.start]
    after = flux[due.stop : due.stop + beside]
    return max((float(np.median(part)) for part in (before, after) if len(part)), default=np.inf)
