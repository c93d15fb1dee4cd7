"""How many recovery decisions differ from those of a search that leaves nothing out.

The product takes two shortcuts with an injected flare: its tail below a floor is not followed, and
the light curve keeps the normalisation that it had without the flare. Here each injected light
curve is evaluated in stella's own way: the whole flare at every cadence, the flux divided by its
new median, every window computed anew, and the whole mask rule. Only a slice around the peak is
looked at, wide enough that what lies outside of it cannot decide about the peak.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from cvzmpi.cvz.detection.stella.network import BEFORE, WINDOW
from cvzmpi.cvz.injection.flare_shape import mean_flare_shape
from cvzmpi.cvz.light_curves.fits_input import read_light_curve
from cvzmpi.cvz.work.stages import FLARES_PER_TICKET
from tools.bench.light_curve.detector import Ensemble, Searched
from tools.bench.measuring.cores import AVAILABLE, on_all_cores
from tools.bench.measuring.curves import observe

_HALF = 200  # cadences of the slice on each side of the peak; windows reach 100 of them


@dataclass
class Decisions:
    """Of one or more light curves.

    `lost` are recovered by the search that leaves nothing out, and not by the product's; `gained`
    the other way round.
    """

    n: int = 0
    recovered: int = 0
    lost: int = 0
    gained: int = 0

    @property
    def differing(self) -> int:
        """All that differ."""
        return self.lost + self.gained

    @property
    def share(self) -> float:
        """Of all decisions."""
        return self.differing / self.n

    def __add__(self, other: Decisions) -> Decisions:
        return Decisions(
            self.n + other.n,
            self.recovered + other.recovered,
            self.lost + other.lost,
            self.gained + other.gained,
        )


def measure(files: Sequence[Path], n_decisions: int) -> tuple[Decisions, dict[str, Decisions]]:
    """Compare at least `n_decisions` decisions, spread evenly over the light curves, on all cores.

    Returns
    -------
    total : Decisions
    by_light_curve : dict
        By `TIC ... sector ...`.
    """
    n_repeat = Ensemble().config.inject.n_repeat
    n_flares = -(-n_decisions // (len(files) * n_repeat))
    tasks = [
        (file, first, min(first + FLARES_PER_TICKET, n_flares))
        for file in files
        for first in range(0, n_flares, FLARES_PER_TICKET)
    ]
    context = multiprocessing.get_context("spawn")
    total, by_light_curve = Decisions(), dict[str, Decisions]()
    with on_all_cores(), ProcessPoolExecutor(len(AVAILABLE), context) as pool:
        for name, part in pool.map(compare, *zip(*tasks, strict=True)):
            total += part
            by_light_curve[name] = by_light_curve.get(name, Decisions()) + part
    return total, by_light_curve


def compare(file: Path, first: int, last: int) -> tuple[str, Decisions]:
    """Both decisions about the flares `first` to `last - 1` of a light curve."""
    searched = _searched(file)
    ours = searched.recovered(first, last)
    theirs = np.array(
        [
            [plain_decision(searched, flare, repeat) for repeat in range(ours.shape[1])]
            for flare in range(first, last)
        ]
    )
    light_curve = searched.observation.light_curve
    part = Decisions(
        n=ours.size,
        recovered=int(ours.sum()),
        lost=int((theirs & ~ours).sum()),
        gained=int((ours & ~theirs).sum()),
    )
    return str(light_curve.id), part


def plain_decision(searched: Searched, flare: int, repeat: int) -> bool:
    """Whether the search finds one injected flare, with nothing left out."""
    observation, injections, ensemble = searched.observation, searched.injections, searched.ensemble
    shape = mean_flare_shape(
        observation.time - injections.time[flare, repeat],
        injections.fwhm[flare],
        observation.light_curve.exposure,
    )
    injected = observation.flux + injections.amplitude[flare] * shape
    injected /= np.median(injected)
    peak = int(injections.cadence[flare, repeat])
    begin, end = max(peak - _HALF, 0), min(peak + _HALF, len(injected))
    inside = slice(begin + BEFORE, end - (WINDOW - BEFORE) + 1)  # their windows are in the slice
    probability = np.full(len(injected), np.nan, np.float32)
    probability[inside] = ensemble.probability(injected[begin:end])[inside.start - begin :][
        : max(inside.stop - inside.start, 0)
    ]
    probability[~observation.evaluated] = np.nan
    flares = ensemble.rule.flares(probability)
    tolerance = ensemble.tolerance
    return bool(np.any((flares[:, 0] - tolerance <= peak) & (peak <= flares[:, 1] + tolerance)))


@lru_cache(maxsize=1)
def _ensemble() -> Ensemble:
    return Ensemble()


@lru_cache(maxsize=1)
def _searched(file: Path) -> Searched:
    return Searched(_ensemble(), observe(read_light_curve(file)))
