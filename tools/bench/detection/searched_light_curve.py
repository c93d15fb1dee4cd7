"""One light curve as each search saw it, and what was found of its known flares."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np

from cvzmpi.cvz.detection.significance.images import Image
from cvzmpi.cvz.quality.searched_curve import SearchedCurve
from cvzmpi.cvz.sector_file.reading import SectorContent
from tools.bench.detection.false_alarms import SEARCHES, FalseAlarms
from tools.bench.detection.known_flares import (
    CatalogueFlare,
    found,
    in_light_curve,
    rows_at,
)


@dataclass(frozen=True)
class SearchedLightCurve:
    """A sector file that is done, with the flares that a catalogue has of its star in its time."""

    file: SectorContent
    known: list[CatalogueFlare]

    @classmethod
    def read(cls, path: Path, catalogue: list[CatalogueFlare]) -> Self:
        """Read a sector file."""
        file = SectorContent.read(path)
        return cls(file, in_light_curve(catalogue, file.tic, file.data.light_curve.time))

    @property
    def name(self) -> str:
        """Star and sector."""
        return f"{self.file.tic}, {self.file.sector}"

    @property
    def tolerance(self) -> int:
        """Cadences that may lie between a peak and the flare that is found."""
        return int(self.file.config["inject.peak_tolerance"])

    @cached_property
    def by_search(self) -> list[SearchedCurve]:
        """The light curve as each of `SEARCHES` sees it."""
        return [SearchedCurve(self.file.data, self.file.config, search) for search in SEARCHES]

    @cached_property
    def error(self) -> float:
        """Median relative error of the flux."""
        curve, usable = self.file.data.light_curve, self.by_search[0].usable
        return float(np.median(curve.flux_err[usable]) / np.median(curve.flux[usable]))

    @cached_property
    def peaks(self) -> np.ndarray:
        """Rows nearest to the peaks of its known flares; int, shape (n_known,)."""
        return rows_at(self.file.data.light_curve.time, np.array([f.time for f in self.known]))

    @cached_property
    def found(self) -> np.ndarray:
        """Which known flares each search found; bool, shape (n_known, n_searches)."""
        each = [found(searched, self.peaks, self.tolerance) for searched in self.by_search]
        return np.stack(each, axis=1)

    @cached_property
    def amplitude(self) -> np.ndarray:
        """Amplitudes of the known flares in median errors; float64, shape (n_known,)."""
        return np.array([flare.amplitude for flare in self.known]) / self.error

    @cached_property
    def snr(self) -> np.ndarray:
        """Highest S/N within the tolerance of their peaks, or NaN; float64, shape (n_known,)."""
        return np.array([self.highest(self.file.data.significance, row) for row in self.peaks])

    def highest(self, series: np.ndarray | None, row: int) -> float:
        """The highest finite value within the tolerance of a row, or NaN."""
        assert series is not None, "a file of format version 1 holds one search"
        usable = np.flatnonzero(self.by_search[0].usable)
        place = int(np.searchsorted(usable, row))
        near = series[usable[max(0, place - self.tolerance) : place + self.tolerance + 1]]
        return float(np.nanmax(near)) if np.isfinite(near).any() else np.nan

    def false_alarms(self, image: Image) -> list[FalseAlarms]:
        """What each search finds in a mirror image."""
        return [FalseAlarms.of(searched, image) for searched in self.by_search]

    def recovered(self) -> tuple[np.ndarray, np.ndarray]:
        """What each search answers for the injected repeats that count for all of them.

        Returns
        -------
        answers : bool, shape (n_searches, n_inject, n_repeat)
        counted : bool, shape (n_inject, n_repeat)
        """
        recovery, injections = self.file.recovery, self.file.data.injections
        assert recovery is not None
        assert injections is not None
        answers = [
            searched.search.recovered(recovery.recovered, recovery.recovered_significance)
            for searched in self.by_search
        ]
        counted = np.ones(recovery.recovered.shape, bool)
        for searched in self.by_search:
            counted &= searched.counted(injections.cadence)
        return np.array(answers), counted
