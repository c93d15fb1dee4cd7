"""Reliabilities and rates of simulated campaigns, beside their truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.reliability.estimate import estimate_reliability
from cvzmpi.cvz.reliability.events import Events, LightCurves
from cvzmpi.cvz.reliability.statistic import FAMILIES
from cvzmpi.cvz.results.products.ffd import StarFfd
from cvzmpi.cvz.results.products.searched_sector import SearchedSector
from cvzmpi.cvz.sector_file.reading import SectorContent
from tools.bench.detection.campaigns import SIMULATIONS, Campaign
from tools.bench.detection.searched_light_curve import SearchedLightCurve
from tools.bench.detection.truth import law_rate

_N_IMAGES = 2


@dataclass(frozen=True)
class StarRate:
    """The rate of a simulated star between two equivalent durations, and its true one; per day."""

    campaign: str
    n_flares: int
    rate: float
    interval: tuple[float, float]
    truth: float

    @property
    def covered(self) -> bool:
        """True if the 68 % interval holds the truth."""
        return self.interval[0] <= self.truth <= self.interval[1]


@dataclass(frozen=True)
class Estimated:
    """What the mirror images and the injections of campaigns say together."""

    reliability: np.ndarray  # float64, shape (n_found,): of the flares of the search, in order
    n_false: float  # expected false ones among them
    rates: list[StarRate]


def estimate(campaigns: Sequence[Campaign], search: Search) -> Estimated:
    """Reliabilities of the flares that a search found, pooled over campaigns; rates with them.

    The flares are in the order of campaigns, light curves and time.
    """
    paths = [(campaign, path) for campaign in campaigns for path in campaign.files]
    curves = [SearchedLightCurve(SectorContent.read(path), []) for _, path in paths]
    found = _events([_table(c, "flares") for c in curves])
    mirrored = _events([_table(c, "mirror_events") for c in curves])
    estimated = estimate_reliability(
        LightCurves(
            star=np.arange(len(curves)),
            noise=np.array([c.error for c in curves]),
            magnitude=np.array([float(c.file.header["TESSMAG"]) for c in curves]),
            n_images=np.full(len(curves), _N_IMAGES),
        ),
        found,
        mirrored,
        tuple(np.array(FAMILIES)[search.flares(np.array(FAMILIES))].tolist()),
    )
    mine = search.flares(found.found_by)
    laws = {simulation.name: simulation.law for simulation in SIMULATIONS}
    rates = []
    for number, (campaign, path) in enumerate(paths):
        law = laws[campaign.name]
        of_flares = estimated.of_flares(mine & (found.light_curve == number), number)
        sector = SearchedSector.read(path, search)
        star = StarFfd.of([sector], upper=law.max_duration, reliabilities=[of_flares])
        if np.isfinite(star.lower):
            truth = law_rate(law, star.lower, star.upper)
            rates.append(StarRate(campaign.name, star.n_flares, star.rate, star.interval, truth))
    return Estimated(estimated.reliability[mine], float(estimated.n_false.sum()), rates)


def _table(light_curve: SearchedLightCurve, name: str) -> dict[str, np.ndarray]:
    table: dict[str, np.ndarray] = getattr(light_curve.file.data, name)
    return table


def _events(tables: list[dict[str, np.ndarray]]) -> Events:
    """The events of all light curves, one after the other."""
    rows = np.repeat(np.arange(len(tables)), [len(table["peak"]) for table in tables])
    columns = {
        name: np.concatenate([table[name] for table in tables])
        for name in ("found_by", "snr", "max_probability")
    }
    return Events(rows, **columns)
