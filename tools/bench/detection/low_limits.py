"""Simulated stars searched with a low limit, where false flares are plentiful.

With the default limit hardly a flare of a simulated star has a reliability below 80 %. With a low
one there are hundreds, so that reliabilities of all sizes can be compared with the truth. Only the
search by significance is run, with its mirror images; no flares are injected.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from cvzmpi.cvz.configuration import Config, SignificanceConfig
from cvzmpi.cvz.detection.significance.search import SearchedFlux, search_by_significance
from cvzmpi.cvz.detection.stella.stella_detector import StellaDetector
from cvzmpi.cvz.light_curves.observation import Observation
from cvzmpi.cvz.reliability.estimate import estimate_reliability
from cvzmpi.cvz.reliability.events import Events, LightCurves
from cvzmpi.cvz.reliability.statistic import SIGNIFICANCE, Thresholds
from cvzmpi.cvz.simulation.simulate import FIRST_TIC
from tools.bench.detection.campaigns import SIMULATIONS, Simulation, checksum_of_search

MIN_SNR = 3.4
"""Limit of the S/N."""

MORE_SIMULATIONS = (
    Simulation("red noise", 77, 1.0, replace(SIMULATIONS[0].law, active_per_day=0.3), 0.4),
    Simulation("many flares", 78, 0.06, replace(SIMULATIONS[1].law, active_per_day=2.0)),
)
"""Other noise and other flare rates than those of the campaigns that are searched in full."""

BINS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
ENOUGH = 0.05
"""Error of the true share up to which a bin has enough flares."""

_CONFIG = Config(significance=SignificanceConfig(min_snr=MIN_SNR))
_N_PROCESSES = 2
_VERSION = 1  # of what is kept


@dataclass(frozen=True)
class Bin:
    """Flares with a reliability in a bin."""

    n: int
    reliability: float  # mean
    true: float  # share

    @property
    def error(self) -> float:
        """Standard error of the true share by chance, if the reliability is right."""
        chance = self.reliability
        return float(np.sqrt(chance * (1 - chance) / self.n)) if self.n else np.inf

    @property
    def met(self) -> bool:
        """True if both agree within 5 points and two errors, or there are too few flares."""
        return self.error > ENOUGH or abs(self.true - self.reliability) <= 0.05 + 2 * self.error


@dataclass(frozen=True)
class LowLimit:
    """Flares found with the low limit in simulated stars; arrays of shape (n_found,)."""

    campaign: np.ndarray  # str: name of the simulation
    reliability: np.ndarray
    is_true: np.ndarray  # bool

    def bins(self, name: str | None = None) -> list[Bin]:
        """The bins of one simulation, or of all together."""
        number = np.clip(np.searchsorted(BINS, self.reliability, "right") - 1, 0, len(BINS) - 2)
        if name is not None:
            number = np.where(self.campaign == name, number, -1)
        inside = [number == k for k in range(len(BINS) - 1)]
        return [
            Bin(
                int(rows.sum()),
                float(self.reliability[rows].mean()) if rows.any() else np.nan,
                float(self.is_true[rows].mean()) if rows.any() else np.nan,
            )
            for rows in inside
        ]


def search_low(directory: Path, n_stars: int) -> LowLimit:
    """Search all simulations, each with so many stars, and pool them; what was found is kept."""
    units = [(s, n) for s in (*SIMULATIONS, *MORE_SIMULATIONS) for n in range(n_stars)]
    kept = directory / "low_limits.npz"
    by = f"{checksum_of_search()} {_VERSION} {units} {_CONFIG}"
    if kept.exists():
        with np.load(kept) as arrays:
            if str(arrays["by"]) == by:
                return _pooled(units, arrays["curves"], arrays["events"])
    with ProcessPoolExecutor(_N_PROCESSES) as pool:
        found = list(pool.map(_searched, *zip(*units, strict=True)))
    curves = np.array([curve for curve, _ in found])
    events = np.concatenate(
        [
            np.column_stack([np.full(len(rows), number), rows])
            for number, (_, rows) in enumerate(found)
        ]
    )
    directory.mkdir(parents=True, exist_ok=True)
    np.savez(kept, by=by, curves=curves, events=events)
    return _pooled(units, curves, events)


def _searched(simulation: Simulation, number: int) -> tuple[tuple[float, float], np.ndarray]:
    """Noise and magnitude of a simulated star; image (0: none), S/N and truth of its events."""
    light_curve, truth = simulation.light_curve(FIRST_TIC + number)
    observation = Observation.prepare(light_curve, _CONFIG, StellaDetector.window)
    search = search_by_significance(observation, np.zeros((0, 2), np.int64), _CONFIG)
    peak = np.searchsorted(observation.rows, truth["cadence"])
    tolerance = _CONFIG.inject.peak_tolerance
    first, last = search.star.flares.T[:, :, None]
    covers = (first - tolerance <= peak) & (peak <= last + tolerance)

    def rows(image: int, searched: SearchedFlux, is_true: np.ndarray) -> np.ndarray:
        snr = searched.columns["snr"]
        return np.column_stack([np.full(len(snr), image), snr, is_true])

    events = [rows(0, search.star, covers.any(axis=1))]
    events += [rows(i, image, np.zeros(len(image.flares))) for i, image in search.images.items()]
    magnitude = float(light_curve.header["TESSMAG"])
    return (observation.flux_error, magnitude), np.concatenate(events)


def _pooled(
    units: Sequence[tuple[Simulation, int]], curves: np.ndarray, events: np.ndarray
) -> LowLimit:
    """The reliability of each flare, as the index estimates it."""
    row, image, snr, is_true = events.T

    def of(rows: np.ndarray) -> Events:
        n = int(rows.sum())
        by = np.full(n, SIGNIFICANCE, np.int8)
        return Events(row[rows].astype(np.int64), by, snr[rows], np.zeros(n))

    n_images = len(np.unique(image)) - 1
    found = image == 0
    estimated = estimate_reliability(
        LightCurves(np.arange(len(curves)), *curves.T, np.full(len(curves), n_images)),
        of(found),
        of(~found),
        thresholds=Thresholds(snr=MIN_SNR),
    )
    names = np.array([simulation.name for simulation, _ in units])
    return LowLimit(names[row[found].astype(int)], estimated.reliability, is_true[found] > 0)
