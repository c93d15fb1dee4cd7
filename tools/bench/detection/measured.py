"""Everything that was measured, for the page and its pictures."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cvzmpi.cvz.detection.significance.images import Image
from cvzmpi.cvz.quality.searched_curve import DEFAULT_SEARCH
from cvzmpi.cvz.results.products.recovered_fraction import Counts, binned
from tools.bench.detection.campaigns import Campaign
from tools.bench.detection.cost import Cost
from tools.bench.detection.false_alarms import SEARCHES, FalseAlarms
from tools.bench.detection.known_flares import recall_in_bins
from tools.bench.detection.low_limits import LowLimit
from tools.bench.detection.rates import Estimated
from tools.bench.detection.searched_light_curve import SearchedLightCurve
from tools.bench.detection.second_look import SecondLook
from tools.bench.detection.truth import FoundOfTruth, shares_in_bins

AMPLITUDES = (0.0, 5.0, 10.0, 20.0, 50.0, np.inf)
"""Bins of amplitude in median errors."""
SNRS = (0.0, 5.0, 10.0, 20.0, 50.0, np.inf)
RELIABILITIES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
INJECTED = tuple(np.geomspace(1, 50, 13).tolist())
"""Bins of injected amplitude in median errors."""
MANY = 5
"""Catalogue flares from which on a light curve has a recall of its own."""

DEFAULT = SEARCHES.index(DEFAULT_SEARCH)
STELLA, SIGNIFICANCE = 0, 1
"""Where searches are in `SEARCHES`."""


@dataclass(frozen=True)
class RealLightCurves:
    """What the searches found in real light curves, in order of star and sector."""

    light_curves: list[SearchedLightCurve]
    looks: list[SecondLook]

    @cached_property
    def found(self) -> np.ndarray:
        """Which catalogue flares each search found; bool, shape (n_known, n_searches)."""
        return np.concatenate([c.found for c in self.light_curves])

    @cached_property
    def amplitude(self) -> np.ndarray:
        """Of the catalogue flares, in median errors."""
        return np.concatenate([c.amplitude for c in self.light_curves])

    @cached_property
    def snr(self) -> np.ndarray:
        """S/N of the catalogue flares."""
        return np.concatenate([c.snr for c in self.light_curves])

    @property
    def recall_by_amplitude(self) -> list[tuple[int, np.ndarray]]:
        """See `recall_in_bins`."""
        return recall_in_bins(self.amplitude, self.found, AMPLITUDES)

    @property
    def recall_by_snr(self) -> list[tuple[int, np.ndarray]]:
        """See `recall_in_bins`; flares where nothing was looked at are in the first bin."""
        return recall_in_bins(np.nan_to_num(self.snr), self.found, SNRS)

    def of_stars(self, flaring: bool) -> list[SearchedLightCurve]:
        """Light curves with flares in the catalogue, or those without."""
        return [curve for curve in self.light_curves if bool(curve.known) is flaring]

    def false_alarms(self, flaring: bool, image: Image) -> list[FalseAlarms]:
        """Of each search, in all light curves of flare stars, or of quiet ones."""
        each = [curve.false_alarms(image) for curve in self.of_stars(flaring)]
        return [FalseAlarms.total(parts) for parts in zip(*each, strict=True)]

    def reason(self, curve: SearchedLightCurve, number: int) -> str:
        """Why the search by significance does not have a catalogue flare."""
        look = self.looks[self.light_curves.index(curve)]
        row, data = int(curve.peaks[number]), curve.file.data
        usable = np.flatnonzero(curve.by_search[SIGNIFICANCE].usable)
        reach = int(curve.known[number].fwhm / data.light_curve.exposure) + curve.tolerance
        if not np.any(np.abs(usable - row) <= curve.tolerance):
            return "not usable: its cadences are flagged"
        near = [item for item in look.refused if abs(item.row - row) <= reach]
        if near:
            return max(near, key=lambda item: item.snr).reason
        snr = curve.snr[number]
        if np.isnan(snr):
            return "left out: within a dip"
        return f"below min_snr (S/N {snr:.1f})"


def completeness(curve: SearchedLightCurve) -> list[Counts]:
    """Of each search, the found injected flares in bins of amplitude (`INJECTED`).

    Repeats that do not count for all searches are taken out flare by flare: a flare with any is
    left out.
    """
    answers, counted = curve.recovered()
    recovery = curve.file.recovery
    assert recovery is not None
    whole = counted.all(axis=1)
    size = recovery.amplitude[whole] / curve.error
    return [binned(size, answer[whole], np.array(INJECTED)) for answer in answers]


@dataclass(frozen=True)
class Simulated:
    """What the searches found in simulated campaigns."""

    campaigns: list[Campaign]
    found: list[list[FoundOfTruth]]  # by search, and campaign
    estimated: list[Estimated]  # by search

    def is_true(self, search: int) -> np.ndarray:
        """Of all flares that a search found, in the order of `estimated`."""
        return np.concatenate([found.is_true for found in self.found[search]])

    def reliability(self, search: int) -> list[tuple[int, float, float]]:
        """See `shares_in_bins`."""
        reliability = self.estimated[search].reliability
        return shares_in_bins(reliability, self.is_true(search), RELIABILITIES)

    def purity(self, search: int, above: float = 0.0) -> tuple[int, int]:
        """True and found flares of all campaigns."""
        parts = np.array([found.purity(above) for found in self.found[search]])
        true, n = parts.sum(axis=0)
        return int(true), int(n)

    def coverage(self, search: int) -> tuple[int, int]:
        """Stars whose interval of the rate holds the truth, and all with a rate."""
        rates = self.estimated[search].rates
        return sum(rate.covered for rate in rates), len(rates)

    def rate_over_truth(self, search: int) -> float:
        """Sum of the rates of all stars over that of the true ones."""
        rates = self.estimated[search].rates
        return sum(rate.rate for rate in rates) / sum(rate.truth for rate in rates)


@dataclass(frozen=True)
class Measured:
    """All of it."""

    real: RealLightCurves
    simulated: Simulated
    low_limit: LowLimit
    costs: list[Cost]
    n_inject: int
    n_repeat: int
