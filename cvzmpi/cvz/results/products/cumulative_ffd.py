"""The flares of a star as points of a cumulative frequency distribution, to be drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2

from cvzmpi.cvz.results.products.ffd import StarFfd
from cvzmpi.cvz.results.products.recovered_fraction import CONFIDENCE


@dataclass(frozen=True)
class CumulativeFfd:
    """The flares of a star as a cumulative distribution, largest first; shape (n,) each.

    Attributes
    ----------
    sector : int64
        Where each was found.
    peak_time, amplitude, duration, duration_error, mask_duration : float64
        As in `SearchedSector`.
    at_edge : bool
        As in `SearchedSector`.
    completeness : float64
        Of the light curve in which it was found, at its equivalent duration.
    raw_rate : float64
        Flares a day at least as large, as found: their number over the days searched; NaN where
        too little was.
    rate, low, high : float64
        The same corrected for completeness, and its 68.27 % interval; NaN below the star's bound.
    """

    sector: np.ndarray
    peak_time: np.ndarray
    amplitude: np.ndarray
    duration: np.ndarray
    duration_error: np.ndarray
    mask_duration: np.ndarray
    at_edge: np.ndarray
    completeness: np.ndarray
    raw_rate: np.ndarray
    rate: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @classmethod
    def of(cls, star: StarFfd) -> CumulativeFfd:
        """Sort the flares of a star, and correct each for completeness.

        A flare of equivalent duration E adds 1 / S(E) to the rate, S being the effective time of
        all light curves, sum of T_j C_j(E). Adding 1 / (C_j(E) T) with the completeness of its own
        light curve has the same expectation and more noise: a flare found against the odds in a
        bad light curve would outweigh many in good ones.

        The intervals are those for weighted sums of Poisson counts of Fay & Feuer 1997 (Statistics
        in Medicine 16, 791).
        """
        sectors = star.sectors
        duration = np.concatenate([sector.duration for sector in sectors])
        order = np.argsort(-duration, kind="stable")
        order = order[duration[order] > 0]  # noise may have taken all of a false flare
        duration = duration[order]

        def sorted_values(name: str) -> np.ndarray:
            return np.concatenate([getattr(sector, name) for sector in sectors])[order]

        with np.errstate(divide="ignore", invalid="ignore"):  # of durations that are left out
            completeness = [sector.completeness(sector.duration) for sector in sectors]
        weight = np.full(len(duration), np.nan)
        known = duration >= star.lower  # false where the bound is NaN
        weight[known] = 1 / star.time.at(duration[known])
        rate = np.cumsum(weight)
        low, high = _weighted_poisson(rate, np.cumsum(weight**2), np.maximum.accumulate(weight))
        raw_rate = np.full(len(duration), np.nan)
        if not star.little_searched:
            raw_rate = np.arange(1, len(duration) + 1) / star.time.searched
        return cls(
            sector=np.repeat([s.sector for s in sectors], [len(s.duration) for s in sectors])[
                order
            ],
            peak_time=sorted_values("peak_time"),
            amplitude=sorted_values("amplitude"),
            duration=duration,
            duration_error=sorted_values("duration_error"),
            mask_duration=sorted_values("mask_duration"),
            at_edge=sorted_values("at_edge"),
            completeness=np.concatenate(completeness)[order],
            raw_rate=raw_rate,
            rate=rate,
            low=low,
            high=high,
        )


def _weighted_poisson(
    total: np.ndarray, variance: np.ndarray, largest: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    tail = (1 - CONFIDENCE) / 2
    low = variance / (2 * total) * chi2.ppf(tail, 2 * total**2 / variance)
    total, variance = total + largest, variance + largest**2
    high = variance / (2 * total) * chi2.ppf(1 - tail, 2 * total**2 / variance)
    return low, high
