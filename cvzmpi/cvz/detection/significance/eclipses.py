"""Eclipses and transits: dips that recur, and their cycles that were not seen as dips.

A flare beside an eclipse may hide it: the pair is fitted as one long flare, so that the process is
asked to follow the eclipse. One such cycle makes the process as fast as an eclipse is, for the
whole light curve, and short flares are lost in it. Where eclipses are due is known from the others.

At other exposures than 120 s, deep eclipses are left out as a whole in all their cycles: taken out
dip by dip, those whose dips are stronger than the others' would not count as eclipses. Turned over,
they would stand for noise of the star (`finding.noise_raised`), and no flare be found beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvzmpi.cvz.detection.significance.cleaning import CleanLightCurve, Event
from cvzmpi.cvz.detection.significance.recurrence import Recurrence, recurrences
from cvzmpi.cvz.detection.significance.whitened.samples import Samples
from cvzmpi.cvz.detection.significance.whitened.templates import Template
from cvzmpi.cvz.light_curves.exposure import EXPOSURE, in_cadences, is_two_minutes
from cvzmpi.cvz.light_curves.measured_values import MAD_TO_SIGMA

# Dips that may be transits: their signal-to-noise, FWHM in cadences of 120 s, and greatest
# quotient.
_TRANSIT_SNR, _TRANSIT_FWHM, _ALIKE = 7.0, 8.0, 1.5

_SEEN = 0.5  # part of an eclipse that dips have where it was seen, as one of them or as several
# fewest cadences of an eclipse that is left out as a whole: the sides of shorter ones are unsure
_RESOLVED = 20
_DEEP = 5.0  # scatters of the flux at other times by which a deep eclipse is fainter
_BESIDE = 30  # cadences (of 120 s) before and after an eclipse that are compared with it


@dataclass(frozen=True)
class Eclipses:
    """The cadences of eclipses and transits."""

    seen: np.ndarray  # bool, shape (n,): of those that are dips
    # bool, shape (n,): of those that are due, and are no dips; of deep ones, in all cycles
    missed: np.ndarray

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
            cycles = _Cycles.of(recurrence, samples, dips, parts)
            deep = not is_two_minutes(samples.exposure) and cycles.are_deep(samples, known)
            for due in cycles.all if deep else cycles.others:
                if deep or np.mean(known[due]) < _SEEN:
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


@dataclass(frozen=True)
class _Cycles:
    """The cadences of the cycles of a recurrence; slices of one cadence or more."""

    seen: list[slice]
    others: list[slice]  # those that are no dips like the others

    @classmethod
    def of(
        cls, recurrence: Recurrence, samples: Samples, dips: list[Event], parts: np.ndarray
    ) -> _Cycles:
        """The cadences that dips have in a cycle, in all cycles."""
        starts, stops = [], []
        epochs = recurrence.start + recurrence.period * recurrence.cycles
        for event, epoch in zip(recurrence.events, epochs, strict=True):
            cores = [dips[number].core for number in np.flatnonzero(parts == event)]
            cadences = np.flatnonzero(np.any(cores, axis=0))
            starts.append(samples.time[cadences[0]] - epoch)
            stops.append(samples.time[cadences[-1]] - epoch)
        first, last = np.median(starts), np.median(stops)

        def within(epochs: np.ndarray) -> list[slice]:
            begin = np.searchsorted(samples.time, epochs + first)
            end = np.searchsorted(samples.time, epochs + last, side="right")
            return [slice(a, b) for a, b in zip(begin.tolist(), end.tolist(), strict=True) if a < b]

        return cls(within(epochs), within(recurrence.other_cycles(samples.time)))

    @property
    def all(self) -> list[slice]:
        """All cycles."""
        return self.seen + self.others

    def are_deep(self, samples: Samples, dips: np.ndarray) -> bool:
        """Whether the star is by far not as faint at other times; `dips` bool, shape (n,).

        Such dips are eclipses, and no minima of a rotation or a pulsation.
        """
        outside = ~dips
        for cycle in self.all:
            outside[cycle] = False
        flux = samples.flux[outside]
        lengths = [cycle.stop - cycle.start for cycle in self.seen]
        if not len(flux) or np.median(lengths or 0) < _RESOLVED:
            return False
        scatter = MAD_TO_SIGMA * float(np.median(np.abs(flux - np.median(flux))))
        depths = [
            _level_beside(samples, cycle) - float(np.min(samples.flux[cycle]))
            for cycle in self.seen
        ]
        return float(np.median(depths)) > _DEEP * scatter


def _level_beside(samples: Samples, due: slice) -> float:
    """Flux beside an eclipse; a flare in it is higher, and is not left out with it."""
    flux, beside = samples.flux, in_cadences(_BESIDE, samples.exposure, least=4)
    before = flux[max(0, due.start - beside) : due.start]
    after = flux[due.stop : due.stop + beside]
    return max((float(np.median(part)) for part in (before, after) if len(part)), default=np.inf)
