"""Simulated campaigns: which of the found flares are true, and which true ones are found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.results.products.searched_file import SearchedFile
from cvzmpi.cvz.simulation.invented_star import FlareLaw
from tools.bench.detection.campaigns import Campaign
from tools.bench.detection.known_flares import covering, found

LEVELS = (0.5, 0.9)


@dataclass(frozen=True)
class FoundOfTruth:
    """What a search found in the light curves of a campaign, beside the truth."""

    # of found flares, shape (n_found,): whether a simulated flare lies under them; S/N of each; the
    # light curve; their equivalent duration in units of the light curve's 50 % limit
    is_true: np.ndarray
    snr: np.ndarray
    relative_duration: np.ndarray
    # of simulated flares where the search looked, shape (n_simulated,): the same, and whether found
    was_found: np.ndarray
    simulated_duration: np.ndarray
    # float, shape (n_simulated,): completeness of the light curve at their equivalent duration
    predicted: np.ndarray
    chance: float  # that a flare found at any time lies on a simulated flare

    @classmethod
    def of(cls, campaign: Campaign, search: Search) -> FoundOfTruth:
        """Compare all light curves of a campaign with their truth."""
        parts = [
            cls._of_light_curve(SearchedFile.read(p, search), t) for p, t in campaign.with_truth()
        ]
        arrays = list(zip(*(part[:-1] for part in parts), strict=True))
        chance = float(np.mean([part[-1] for part in parts]))
        return cls(*(np.concatenate(values) for values in arrays), chance)

    @staticmethod
    def _of_light_curve(file: SearchedFile, truth: np.ndarray) -> tuple[np.ndarray | float, ...]:
        searched, flares = file.searched, file.measured_flares
        tolerance = int(file.config["inject.peak_tolerance"])
        curve = file.completeness_curve()
        limit = curve.limit(LEVELS[0]).value
        looked = truth[searched.evaluated[truth["cadence"]]]
        covers = covering(flares, truth["cadence"], searched.usable, tolerance)
        length = flares["stop"] - flares["start"] + 1 + 2 * tolerance
        typical = float(np.median(length)) if len(length) else 0.0
        return (
            covers.any(axis=1),
            flares["snr"],
            flares["equivalent_duration"] / limit,
            found(searched, looked["cadence"], tolerance),
            looked["equivalent_duration"] / limit,
            curve(looked["equivalent_duration"]),
            typical * len(looked) / float(searched.usable.sum()),
        )

    def purity(self, above: float = 0.0) -> tuple[int, int]:
        """True and all found flares, of equivalent durations above so many 50 % limits."""
        inside = self.relative_duration >= above if above else np.ones(len(self.is_true), bool)
        return int(self.is_true[inside].sum()), int(inside.sum())

    def recall(self, level: float) -> tuple[int, int]:
        """Found and all simulated flares, of a predicted completeness of at least so much."""
        inside = self.predicted >= level
        return int(self.was_found[inside].sum()), int(inside.sum())


def law_rate(law: FlareLaw, lower: float, upper: float) -> float:
    """Flares a day of an active star between two equivalent durations in s, by its law."""
    power = 1 - law.index

    def beyond(duration: float) -> float:
        low, high = law.min_duration**power, law.max_duration**power
        return (np.clip(duration, law.min_duration, law.max_duration) ** power - high) / (
            low - high
        )

    return float(law.active_per_day * (beyond(lower) - beyond(upper)))


def shares_in_bins(
    predicted: np.ndarray, is_true: np.ndarray, edges: Sequence[float]
) -> list[tuple[int, float, float]]:
    """Of each bin of a predicted chance: the number, the mean chance, and the true share."""
    number = np.clip(np.searchsorted(edges, predicted, side="right") - 1, 0, len(edges) - 2)
    rows = []
    for k in range(len(edges) - 1):
        inside = number == k
        n = int(inside.sum())
        mean, share = (
            (float(predicted[inside].mean()), float(is_true[inside].mean())) if n else (np.nan,) * 2
        )
        rows.append((n, mean, share))
    return rows
