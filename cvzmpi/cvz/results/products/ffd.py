"""The flare frequency distribution of a star, over all its light curves.

Each flare counts with the completeness of the very search that found it. The observed time is that
searched (`SearchTime`), and the smallest flares that are fitted are those of which the searches
find a given share (`lower_bound`): it follows from the injections, never from the flares.

Each flare counts with its reliability (`flare_number`). Those below a minimum reliability are not
counted and not listed as flares. Their reliabilities stay in the rates and in the index: what they
are expected to hold of true flares is what leaving them out would lose.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from cvzmpi.cvz.light_curves.exposure import SECONDS_PER_DAY
from cvzmpi.cvz.quality.quality_marks import marks_of_star, marks_text
from cvzmpi.cvz.reliability.flare_reliability import FlareReliability
from cvzmpi.cvz.results.products.measured_flares import by_size, in_a_rate
from cvzmpi.cvz.results.products.rates.cumulative_rate import cumulative_rate
from cvzmpi.cvz.results.products.rates.effective_time import EffectiveTime
from cvzmpi.cvz.results.products.rates.flare_number import FlareNumber, background_error
from cvzmpi.cvz.results.products.rates.lower_bound import lower_bound
from cvzmpi.cvz.results.products.rates.power_law import (
    MIN_FLARES,
    Interval,
    PowerLaw,
    fit_power_law,
)
from cvzmpi.cvz.results.products.recovered_fraction import CONFIDENCE
from cvzmpi.cvz.results.products.searched_sector import SearchedSector, effective_time

ASSUMED_INDEX = 2.0
"""For stars whose flares determine none: near what flaring cool stars have (Ilin et al. 2021,
A&A 645, A42)."""

MEASURES = {
    "peak_time": "peak_time",
    "amplitude": "amplitude",
    "ed": "equivalent_duration",
    "ed_error": "equivalent_duration_error",
    "ed_mask": "mask_equivalent_duration",
    "template_fitted": "template_fitted",
    "energy": "energy",
    "energy_error": "energy_error",
    "found_by": "found_by",
    "snr": "snr",
    "max_probability": "max_probability",
    "reliability": "reliability",
    "at_edge": "at_edge",
}
"""The measures of a flare in the cumulative distribution, with their columns in the table of flares
(`measured_flares.COLUMNS`)."""


@dataclass(frozen=True)
class SectorRate:
    """Flares of one light curve above the star's bound, at the star's index."""

    n_flares: int  # between the star's bounds, of the minimum reliability
    n_true: float  # expected true ones between the bounds: the sum of all reliabilities
    rate: float  # A day
    interval: Interval  # 68.27 %, see `FlareNumber`; the index is taken as known
    # `flare_energy`, `flare_energy_error`: *Fractional flare energy*: the sum of the positive
    # equivalent durations of all found flares over the evaluated time, dimensionless: the share of
    # its quiescent light that the star emits in flares (L_flare / L_quiescent of Lurie et al. 2015,
    # ApJ 800, 95). Not corrected for completeness. Its error has the errors of the durations, and
    # the chance of which flares happened (the square root of the sum of their squares).
    flare_energy: float
    flare_energy_error: float


@dataclass(frozen=True)
class StarFfd:
    """The flare frequency distribution of a star."""

    tic: int
    sectors: tuple[SearchedSector, ...]
    time: EffectiveTime
    # `lower`, `upper`: Equivalent durations in s between which rates are given. `lower` is NaN
    # where the searches together never reach the completeness that was asked for, or where too
    # little was searched; then there are no rates.
    lower: float
    upper: float
    # none where fewer than two flares lie between the bounds, or all at the lower one
    power_law: PowerLaw | None
    index: float  # that of the power law, or the assumed one
    n_flares: int  # between the bounds, of the minimum reliability
    n_true: float  # expected true ones between the bounds: the sum of all reliabilities
    rate: float  # flares a day between the bounds
    # `interval`, `interval_95`: 68.27 % and 95 %
    interval: Interval
    interval_95: Interval
    upper_limit: float  # with 95 % confidence (one-sided) the rate is below this
    reliabilities: tuple[FlareReliability, ...]  # as `sectors`
    min_reliability: float
    # `sector_times`, `sector_days`: as `sectors`; the effective time of each light curve, and its
    # days of perfect search between the bounds, with equally likely values of them
    sector_times: tuple[EffectiveTime, ...]
    sector_days: tuple[tuple[float, np.ndarray], ...]

    @property
    def facts(self) -> dict[str, Any]:
        """Facts about the star, as its newest light curve has them."""
        return self.sectors[-1].facts

    @property
    def little_searched(self) -> bool:
        """True if each of its light curves was searched too little for a rate."""
        return all(sector.little_searched for sector in self.sectors)

    @property
    def marks(self) -> str:
        """Its quality marks, separated by commas; see `marks_of_star`."""
        return marks_of_star(marks_text(sector.marks) for sector in self.sectors)

    @classmethod
    def of(
        cls,
        sectors: Sequence[SearchedSector],
        min_completeness: float = 0.5,
        upper: float = math.inf,
        assumed_index: float = ASSUMED_INDEX,
        reliabilities: Sequence[FlareReliability] | None = None,
        min_reliability: float = 0.0,
    ) -> StarFfd:
        """Fit the flares of all light curves of a star.

        Parameters
        ----------
        sectors : sequence of SearchedSector
            At least one; all of one star.
        min_completeness : float
            Flares count from where the searches find this share: see `lower_bound`.
        upper : float
            Largest equivalent duration in s of the power law; infinity for none.
        assumed_index : float
            Where the flares determine none.
        reliabilities : sequence of FlareReliability
            One for each of `sectors`; all flares are certain if not given.
        min_reliability : float
            Of the flares that are counted.
        """
        if reliabilities is None:
            reliabilities = [FlareReliability.certain(len(s.duration)) for s in sectors]
        order = sorted(range(len(sectors)), key=lambda number: sectors[number].sector)
        sectors = tuple(sectors[number] for number in order)
        reliabilities = tuple(reliabilities[number] for number in order)
        time = effective_time(sectors)
        lower = lower_bound(time, sectors, min_completeness, assumed_index)
        if not lower < upper or all(sector.little_searched for sector in sectors):
            lower = math.nan
        durations = np.concatenate([sector.duration for sector in sectors])
        reliability = np.concatenate([r.reliability for r in reliabilities])
        inside = (durations >= lower) & (durations <= upper)
        n_true = float(reliability[inside].sum())
        power_law = None
        if n_true >= MIN_FLARES:  # none where the bound is NaN
            power_law = fit_power_law(
                durations, time, lower, upper, reliability, background_error(reliabilities)
            )
        index = assumed_index if power_law is None else power_law.index
        days, drawn = time.between(lower, upper, index)
        sector_times = tuple(effective_time([sector]) for sector in sectors)
        of_sectors = tuple(alone.between(lower, upper, index) for alone in sector_times)
        number = FlareNumber.of_light_curves(
            reliabilities,
            [(s.duration >= lower) & (s.duration <= upper) for s in sectors],
            [of_sector[0] for of_sector in of_sectors],
        )
        if power_law is not None:
            interval, interval_95 = power_law.rate_interval, power_law.rate_interval_95
        else:
            interval, interval_95 = number.interval(drawn, CONFIDENCE), number.interval(drawn, 0.95)
        return cls(
            tic=sectors[0].tic,
            sectors=sectors,
            time=time,
            lower=lower,
            upper=upper,
            power_law=power_law,
            index=index,
            n_flares=int(np.sum(inside & (reliability >= min_reliability))),
            n_true=n_true,
            rate=n_true / days,
            interval=interval,
            interval_95=interval_95,
            upper_limit=math.nan if math.isnan(days) else number.upper_limit(drawn),
            reliabilities=reliabilities,
            min_reliability=min_reliability,
            sector_times=sector_times,
            sector_days=of_sectors,
        )

    def sector_rates(self) -> list[SectorRate]:
        """One for each light curve, in their order."""
        return self._sector_rates

    @cached_property
    def _sector_rates(self) -> list[SectorRate]:
        rates = []
        for sector, reliability, searched in zip(
            self.sectors, self.reliabilities, self.sector_days, strict=True
        ):
            duration = sector.duration
            inside = (duration >= self.lower) & (duration <= self.upper)
            seconds = sector.evaluated * SECONDS_PER_DAY or math.nan
            days, drawn = math.nan, np.full(1, math.nan)
            if not math.isnan(self.lower) and not sector.little_searched:
                days, drawn = searched
            number = FlareNumber.of_light_curves([reliability], [inside], [days])
            emits = in_a_rate(sector.flares)
            energy = float(duration[emits].sum())
            chance = math.sqrt(
                np.sum(duration[emits] ** 2)
                + np.sum(sector.flares["equivalent_duration_error"][emits] ** 2)
            )
            counted = inside & (reliability.reliability >= self.min_reliability)
            rates.append(
                SectorRate(
                    n_flares=int(np.sum(counted)),
                    n_true=number.expected,
                    rate=number.expected / days if days > 0 else math.nan,
                    interval=number.interval(drawn, CONFIDENCE),
                    flare_energy=energy / seconds,
                    flare_energy_error=chance / seconds,
                )
            )
        return rates


def cumulative_ffd(star: StarFfd) -> dict[str, np.ndarray]:
    """Sort the flares of a star, the largest first, and correct each for completeness.

    A flare of equivalent duration E adds 1 / S(E) to the rate, S being the effective time of all
    light curves, sum of T_j C_j(E). Adding 1 / (C_j(E) T) with the completeness of its own light
    curve has the same expectation and more noise: a flare found against the odds in a bad light
    curve would outweigh many in good ones.

    It adds as much times its reliability where it may be false; those below the minimum reliability
    are no points, and are in the rates of the others.

    Returns
    -------
    dict of ndarray, shape (n_flares,) each
        By column of `ffd_tables.FLARES`: all but `tic`. Rates, per day, are NaN below the star's
        bound, the raw one where too little was searched. All are NaN of the flares that are in no
        rate, which come last.
    """
    sectors = star.sectors
    flares = {
        name: np.concatenate([sector.flares[name] for sector in sectors])
        for name in dict.fromkeys(MEASURES.values())
    }
    order = by_size(flares)
    flares = {name: values[order] for name, values in flares.items()}
    counts = in_a_rate(flares)  # noise may have taken all of a false flare
    duration = flares["equivalent_duration"][counts]
    with np.errstate(divide="ignore", invalid="ignore"):  # of durations that are left out
        completeness = np.concatenate([s.completeness(s.duration) for s in sectors])[order]
    reliability = np.concatenate([r.reliability for r in star.reliabilities])[order]
    certainty = reliability[counts]
    rate, low, high = cumulative_rate(
        duration, certainty, star.time, star.lower, background_error(star.reliabilities)
    )
    days = np.nan if star.little_searched else star.time.searched
    rates = {
        "completeness": completeness[counts],
        "raw_rate": np.arange(1, len(duration) + 1) / days,
        "rate": rate,
        "rate_low": low,
        "rate_high": high,
    }
    columns = {
        "sector": np.repeat([s.sector for s in sectors], [s.n_flares for s in sectors])[order],
        **{name: flares[column] for name, column in MEASURES.items()},
        "reliability": reliability,
        **{name: _spread(values, counts) for name, values in rates.items()},
    }
    listed = reliability >= star.min_reliability
    return {name: values[listed] for name, values in columns.items()}


def _spread(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Values of some rows as a column of all rows, NaN elsewhere."""
    column = np.full(len(rows), np.nan)
    column[rows] = values
    return column
