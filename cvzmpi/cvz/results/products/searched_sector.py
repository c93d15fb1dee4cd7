"""One light curve as the flare frequency distribution of its star needs it.

The completeness is by *injected* equivalent duration, that of a whole flare template; the sum over
the flare mask misses up to half of it. So the flares are measured by the template as well
(`measured_flares`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.product_names import SPOC_120
from cvzmpi.cvz.quality.searched_curve import DEFAULT_SEARCH
from cvzmpi.cvz.results.products.completeness import CompletenessCurve
from cvzmpi.cvz.results.products.measured_flares import in_a_rate
from cvzmpi.cvz.results.products.rates.effective_time import EffectiveTime
from cvzmpi.cvz.results.products.searched_file import SearchedFile
from cvzmpi.cvz.results.products.tess_band import FlareEnergyScale
from cvzmpi.cvz.sector_file.data import Columns
from cvzmpi.cvz.sector_file.star_facts import star_facts
from cvzmpi.errors import SectorFileError, UnfinishedFileError
from cvzmpi.messages.wording import counted

MIN_INJECTED = 100
"""A half-done light curve with fewer injected flares says too little about its completeness."""


@dataclass(frozen=True)
class SearchedSector:
    """The flares, completeness and searched time of one light curve."""

    path: Path
    tic: int
    sector: int
    facts: dict[str, Any]  # about the star, by name; see `star_facts`
    marks: tuple[str, ...]  # names of its quality marks
    config_hash: str
    # `evaluated`, `searched`: days; see `SearchTime`
    evaluated: float
    searched: float
    completeness: CompletenessCurve  # by equivalent duration in s
    flares: Columns  # by column of `measured_flares.COLUMNS`
    product: str = SPOC_120

    @property
    def id(self) -> LightCurveId:
        """The star, the sector and the product."""
        return LightCurveId(self.tic, self.sector, self.product)

    @property
    def energy_scale(self) -> FlareEnergyScale:
        """What a second of equivalent duration is in energy."""
        radius, temperature = (self.facts[name] for name in ("radius", "temperature"))
        return FlareEnergyScale.of_star(radius, temperature, self.id.catalogue)

    @property
    def duration(self) -> np.ndarray:
        """Equivalent duration of each flare in s; float64, shape (n_flares,)."""
        return self.flares["equivalent_duration"]

    @property
    def n_flares(self) -> int:
        """Flares that were found."""
        return len(self.duration)

    @property
    def little_searched(self) -> bool:
        """True if it has the quality mark `little_searched`: there is no rate."""
        return "little_searched" in self.marks

    @property
    def n_not_positive(self) -> int:
        """Flares without a positive equivalent duration: they count for no rate."""
        return int(np.sum(~in_a_rate(self.flares)))

    @classmethod
    def read(
        cls, path: Path, search: Search = DEFAULT_SEARCH, known_flares: Columns | None = None
    ) -> SearchedSector:
        """Read a sector file that is done, or nearly.

        `known_flares` are its flares as `measured_flares` returned them before.

        Raises
        ------
        SectorFileError
            If it cannot be read.
        UnfinishedFileError
            If too few flares have been injected yet.
        """
        return cls.of(SearchedFile.read(path, search, known_flares))

    @classmethod
    def of(cls, file: SearchedFile) -> SearchedSector:
        """A sector file, read or in memory, that is done or nearly.

        Raises
        ------
        UnfinishedFileError
            If too few flares have been injected yet.
        SectorFileError
            If its injected flares have no sizes above 0.
        """
        n_done = 0 if file.recovery is None else file.recovery.n_done
        ensure_enough(file.described, n_done, file.n_inject)
        completeness = file.completeness_curve()
        ensure_sizes(file.described, completeness)
        time = file.search_time()
        return cls(
            path=file.path or Path(file.described),
            tic=file.tic,
            sector=file.sector,
            facts=star_facts(file.header),
            marks=tuple(mark.name for mark in file.marks),
            config_hash=file.config_hash,
            evaluated=time.evaluated,
            searched=time.searched,
            completeness=completeness,
            flares=file.measured_flares,
            product=file.product,
        )


def effective_time(sectors: Sequence[SearchedSector]) -> EffectiveTime:
    """The time that light curves were searched, as a function of the size of flares."""
    return EffectiveTime.of_light_curves(
        [sector.completeness for sector in sectors], [sector.searched for sector in sectors]
    )


def ensure_enough(described: str, n_done: int, n_inject: int) -> None:
    """Check that enough flares were injected for a completeness; `described` names the file.

    Raises
    ------
    UnfinishedFileError
        If too few have been injected yet.
    """
    if n_done < max(1, min(MIN_INJECTED, n_inject)):
        raise UnfinishedFileError(
            f"{described}: {counted(n_done, 'flare')} injected so far, "
            f"expected at least {MIN_INJECTED}"
        )


def ensure_sizes(described: str, completeness: CompletenessCurve) -> None:
    """Check that the injected flares of a completeness have sizes.

    Raises
    ------
    SectorFileError
        If one is not above 0.
    """
    if not np.all(np.isfinite(completeness.log_size)):
        raise SectorFileError(f"{described}: an injected equivalent duration is not above 0")
