"""The flare frequency distribution of a star, over all its light curves.

Each flare counts with the completeness of the very search that found it. The observed time is that
searched (`search_time`), and the smallest flares that are fitted are those of which the searches
together find a given share: a bound that follows from the injections, never from the flares.

The completeness is by *injected* equivalent duration, the flares have *measured* ones: docs/
calibration.md says how the two compare.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from astropy.stats import poisson_conf_interval
from scipy.stats import chi2

from cvzmpi.cvz.products.completeness import CONFIDENCE, CompletenessCurve
from cvzmpi.cvz.products.effective_time import EffectiveTime
from cvzmpi.cvz.products.power_law import (
    MIN_FLARES,
    Interval,
    PowerLaw,
    fit_power_law,
    poisson_upper_limit,
)
from cvzmpi.cvz.products.reading import SectorFile
from cvzmpi.errors import SectorFileError

MIN_INJECTED = 100
"""A half-done light curve with fewer injected flares says too little about its completeness."""

ASSUMED_INDEX = 2.0
"""For stars with too few flares to fit one: near what flaring cool stars have (Ilin et al. 2021,
A&A 645, A42, fig. 10)."""


@dataclass(frozen=True)
class SearchedSector:
    """What a flare frequency distribution needs of one light curve.

    Attributes
    ----------
    path : Path
    tic, sector : int
    header : dict
        Facts about the star.
    config_hash : str
        Of the configuration of its search.
    evaluated, searched : float
        Days; see `search_time`.
    completeness : CompletenessCurve
        By equivalent duration in s.
    peak_time : float64, shape (n_flares,)
        BTJD.
    amplitude, duration, duration_error : float64, shape (n_flares,)
        Relative to the median flux; equivalent durations in s.
    """

    path: Path
    tic: int
    sector: int
    header: dict[str, Any]
    config_hash: str
    evaluated: float
    searched: float
    completeness: CompletenessCurve
    peak_time: np.ndarray
    amplitude: np.ndarray
    duration: np.ndarray
    duration_error: np.ndarray

    @classmethod
    def read(cls, path: Path) -> SearchedSector:
        """Read a sector file that is done, or nearly.

        Raises
        ------
        SectorFileError
            If it cannot be read, or too few flares have been injected yet.
        """
        file = SectorFile.read(path)
        recovery, flares = file.recovery, file.data.flares
        enough = min(MIN_INJECTED, file.n_inject)
        if recovery is None or flares is None or recovery.n_done < max(1, enough):
            n_done = 0 if recovery is None else recovery.n_done
            raise SectorFileError(
                f"{path}: {n_done} flares injected so far, expected at least {MIN_INJECTED}"
            )
        time = file.search_time()
        return cls(
            path=path,
            tic=file.tic,
            sector=file.sector,
            header=file.header,
            config_hash=file.config_hash,
            evaluated=time.evaluated,
            searched=time.searched,
            completeness=CompletenessCurve.fit(
                recovery.equivalent_duration, recovery.recovered, n_draws=0
            ),
            peak_time=flares["peak_time"],
            amplitude=flares["amplitude"],
            duration=flares["equivalent_duration"],
            duration_error=flares["equivalent_duration_error"],
        )


@dataclass(frozen=True)
class SectorRate:
    """Flares of one light curve above the star's bound, at the star's index.

    Attributes
    ----------
    n_flares : int
        Between the star's bounds.
    rate : float
        A day.
    interval : (float, float)
        68.27 %, exact Poisson (Garwood 1936); the index is taken as known.
    flare_energy, flare_energy_error : float
        *Fractional flare energy*: the sum of the equivalent durations of all found flares over the
        evaluated time, dimensionless: the share of its quiescent light that the star emits in
        flares (L_flare / L_quiescent of Lurie et al. 2015, ApJ 800, 95). Not corrected for
        completeness. Its error has the errors of the durations, and the chance of which flares
        happened (the square root of the sum of their squares).
    """

    n_flares: int
    rate: float
    interval: Interval
    flare_energy: float
    flare_energy_error: float


@dataclass(frozen=True)
class StarFfd:
    """The flare frequency distribution of a star.

    Attributes
    ----------
    tic : int
    sectors : tuple of SearchedSector
    time : EffectiveTime
    lower, upper : float
        Equivalent durations in s between which rates are given. `lower` is NaN where the searches
        together never reach the completeness that was asked for; then there are no rates.
    power_law : PowerLaw or None
        None where fewer than two flares lie between the bounds.
    index : float
        That of the power law, or the assumed one.
    n_flares : int
        Between the bounds.
    rate : float
        Flares a day between the bounds.
    interval, interval_95 : (float, float)
    upper_limit : float
        With 95 % confidence (one-sided) the rate is below this.
    """

    tic: int
    sectors: tuple[SearchedSector, ...]
    time: EffectiveTime
    lower: float
    upper: float
    power_law: PowerLaw | None
    index: float
    n_flares: int
    rate: float
    interval: Interval
    interval_95: Interval
    upper_limit: float

    @property
    def header(self) -> dict[str, Any]:
        """Facts about the star, as its newest light curve has them."""
        return self.sectors[-1].header

    @classmethod
    def of(
        cls,
        sectors: Sequence[SearchedSector],
        min_completeness: float = 0.5,
        upper: float = math.inf,
        assumed_index: float = ASSUMED_INDEX,
    ) -> StarFfd:
        """Fit the flares of all light curves of a star.

        Parameters
        ----------
        sectors : sequence of SearchedSector
            At least one; all of one star.
        min_completeness : float
            Flares are counted from the equivalent duration on of which the searches together
            find this share.
        upper : float
            Largest equivalent duration in s of the power law; infinity for none.
        assumed_index : float
            Where there are too few flares to fit one.
        """
        sectors = tuple(sorted(sectors, key=lambda sector: sector.sector))
        time = EffectiveTime.of_light_curves(
            [sector.completeness for sector in sectors], [sector.searched for sector in sectors]
        )
        lower = time.complete_from(min_completeness)
        if not lower < upper:
            lower = math.nan
        durations = np.concatenate([sector.duration for sector in sectors])
        n = int(np.sum((durations >= lower) & (durations <= upper)))
        nothing = (math.nan, math.nan)
        power_law, index, days = None, assumed_index, math.nan
        rate, interval, interval_95 = math.nan, nothing, nothing
        if not math.isnan(lower):
            if n >= MIN_FLARES:
                power_law = fit_power_law(durations, time, lower, upper)
                index = power_law.index
            days = time.quadrature(lower, upper).average(index - 1)
            rate = n / days
            if power_law is not None:
                interval, interval_95 = power_law.rate_interval, power_law.rate_interval_95
            else:
                interval, interval_95 = _poisson(n, days, CONFIDENCE), _poisson(n, days, 0.95)
        return cls(
            tic=sectors[0].tic,
            sectors=sectors,
            time=time,
            lower=lower,
            upper=upper,
            power_law=power_law,
            index=index,
            n_flares=n,
            rate=rate,
            interval=interval,
            interval_95=interval_95,
            upper_limit=poisson_upper_limit(n) / days,
        )

    def sector_rates(self) -> list[SectorRate]:
        """One for each light curve, in their order."""
        rates = []
        for sector in self.sectors:
            duration = sector.duration
            n = int(np.sum((duration >= self.lower) & (duration <= self.upper)))
            seconds = sector.evaluated * 86400
            days = math.nan
            if not math.isnan(self.lower):
                alone = EffectiveTime.of_light_curves([sector.completeness], [sector.searched])
                days = alone.quadrature(self.lower, self.upper).average(self.index - 1)
            chance = math.sqrt(np.sum(duration**2) + np.sum(sector.duration_error**2))
            rates.append(
                SectorRate(
                    n_flares=n,
                    rate=n / days if days > 0 else math.nan,
                    interval=_poisson(n, days, CONFIDENCE),
                    flare_energy=float(duration.sum()) / seconds,
                    flare_energy_error=chance / seconds,
                )
            )
        return rates


@dataclass(frozen=True)
class CumulativeFfd:
    """The flares of a star as a cumulative distribution, largest first.

    Attributes
    ----------
    duration, duration_error : float64, shape (n,)
        s.
    sector : int64, shape (n,)
        Where each was found.
    peak_time, amplitude : float64, shape (n,)
    completeness : float64, shape (n,)
        Of the light curve in which it was found, at its equivalent duration.
    raw_rate : float64, shape (n,)
        Flares a day at least as large, as found: their number over the days searched.
    rate, low, high : float64, shape (n,)
        The same corrected for completeness, and its 68.27 % interval; NaN below the star's bound.
    """

    duration: np.ndarray
    duration_error: np.ndarray
    sector: np.ndarray
    peak_time: np.ndarray
    amplitude: np.ndarray
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
        found = [np.flatnonzero(sector.duration > 0) for sector in star.sectors]

        def joined(name: str) -> np.ndarray:
            return np.concatenate(
                [
                    getattr(sector, name)[rows]
                    for sector, rows in zip(star.sectors, found, strict=True)
                ]
            )

        duration = joined("duration")
        order = np.argsort(-duration, kind="stable")
        duration = duration[order]
        numbers = [sector.sector for sector in star.sectors]
        completeness = np.concatenate(
            [s.completeness(s.duration[rows]) for s, rows in zip(star.sectors, found, strict=True)]
        )
        # NaN is not at least the bound, either
        weight = np.full(len(duration), np.nan)
        known = duration >= star.lower
        weight[known] = 1 / star.time.at(duration[known])
        rate = np.cumsum(weight)
        low, high = _weighted_poisson(rate, np.cumsum(weight**2), np.maximum.accumulate(weight))
        return cls(
            duration=duration,
            duration_error=joined("duration_error")[order],
            sector=np.repeat(numbers, [len(rows) for rows in found])[order],
            peak_time=joined("peak_time")[order],
            amplitude=joined("amplitude")[order],
            completeness=completeness[order],
            raw_rate=np.arange(1, len(duration) + 1) / star.time.searched,
            rate=rate,
            low=low,
            high=high,
        )


def _poisson(n: int, days: float, confidence: float) -> Interval:
    """Exact interval of a rate."""
    if not days > 0:
        return math.nan, math.nan
    sigma = math.sqrt(chi2.ppf(confidence, 1))
    low, high = poisson_conf_interval(n, "frequentist-confidence", sigma=sigma)
    return float(low) / days, float(high) / days


def _weighted_poisson(
    total: np.ndarray, variance: np.ndarray, largest: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    tail = (1 - CONFIDENCE) / 2
    low = variance / (2 * total) * chi2.ppf(tail, 2 * total**2 / variance)
    total, variance = total + largest, variance + largest**2
    high = variance / (2 * total) * chi2.ppf(1 - tail, 2 * total**2 / variance)
    return low, high
