"""One light curve as the flare frequency distribution of its star needs it.

The completeness is by *injected* equivalent duration, that of a whole flare template; the sum over
the flare mask misses up to half of it. So the flares are measured by the template as well
(`template_fit`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cvzmpi.cvz.detection.flares import at_edge
from cvzmpi.cvz.quality.quality_marks import Mark
from cvzmpi.cvz.results.products.astropy_view import SectorFile
from cvzmpi.cvz.results.products.completeness import CompletenessCurve
from cvzmpi.cvz.results.products.template_fit import fit_flares
from cvzmpi.cvz.sector_file.star_facts import star_facts
from cvzmpi.errors import SectorFileError, UnfinishedFileError

MIN_INJECTED = 100
"""A half-done light curve with fewer injected flares says too little about its completeness."""


_CERTAIN = 3.0  # standard errors below zero


@dataclass(frozen=True)
class SearchedSector:
    """The flares, completeness and searched time of one light curve."""

    path: Path
    tic: int
    sector: int
    facts: dict[str, Any]  # about the star, by name; see `star_facts`
    marks: tuple[Mark, ...]
    config_hash: str
    # `evaluated`, `searched`: days; see `SearchTime`
    evaluated: float
    searched: float
    completeness: CompletenessCurve  # by equivalent duration in s
    peak_time: np.ndarray  # float64, shape (n_flares,); BTJD
    # float64, shape (n_flares,); of the brightest cadence, relative to the median flux
    amplitude: np.ndarray
    # `duration`, `duration_error`: float64, shape (n_flares,); equivalent duration in s, of the
    # fitted template; the sum over the mask where none fits, or where that sum is certainly
    # negative: what loses light is no flare
    duration: np.ndarray
    duration_error: np.ndarray
    # float64, shape (n_flares,); equivalent duration in s, the sum over the mask, as in the table
    # of flares
    mask_duration: np.ndarray
    # bool, shape (n_flares,); whether a part of the flare may be missing, in a gap or at the end of
    # the search
    at_edge: np.ndarray

    @property
    def little_searched(self) -> bool:
        """True if it has the quality mark `little_searched`: there is no rate."""
        return any(mark.name == "little_searched" for mark in self.marks)

    @property
    def n_not_positive(self) -> int:
        """Flares without a positive equivalent duration: they count for no rate."""
        return int(np.sum(~(self.duration > 0)))

    @classmethod
    def read(cls, path: Path) -> SearchedSector:
        """Read a sector file that is done, or nearly.

        Raises
        ------
        SectorFileError
            If it cannot be read.
        UnfinishedFileError
            If too few flares have been injected yet.
        """
        file = SectorFile.read(path)
        recovery, flares = file.recovery, file.data.flares
        enough = min(MIN_INJECTED, file.n_inject)
        if recovery is None or flares is None or recovery.n_done < max(1, enough):
            n_done = 0 if recovery is None else recovery.n_done
            raise UnfinishedFileError(
                f"{path}: {n_done} flares injected so far, expected at least {MIN_INJECTED}"
            )
        completeness = file.completeness()
        if not np.all(np.isfinite(completeness.log_size)):
            raise SectorFileError(f"{path}: an injected equivalent duration is not above 0")
        time = file.search_time()
        duration = flares["mask_equivalent_duration"].copy()
        duration_error = flares["mask_equivalent_duration_error"].copy()
        loses_light = duration < -_CERTAIN * duration_error
        for number, fit in enumerate(fit_flares(file.data, file.quality_bitmask)):
            if fit is not None and not loses_light[number]:
                duration[number], duration_error[number] = fit.duration, fit.duration_error
        return cls(
            path=path,
            tic=file.tic,
            sector=file.sector,
            facts=star_facts(file.header),
            marks=file.marks,
            config_hash=file.config_hash,
            evaluated=time.evaluated,
            searched=time.searched,
            completeness=completeness,
            peak_time=flares["peak_time"],
            amplitude=flares["amplitude"],
            duration=duration,
            duration_error=duration_error,
            mask_duration=flares["mask_equivalent_duration"],
            at_edge=at_edge(file.data.probability, flares["start"], flares["stop"]),
        )
