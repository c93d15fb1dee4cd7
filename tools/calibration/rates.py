"""Do the intervals of rates cover the truth? Stars of known rates, through all the statistics.

Flares follow a power law of equivalent durations, the S/N follows the equivalent duration, what is
above a threshold is found; false events are added, and mirror images have events of the same law.
The reliabilities are those of the pool of all stars, the completeness that of injected flares.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cvzmpi.cvz.reliability.estimate import estimate_reliability
from cvzmpi.cvz.reliability.events import Events, LightCurves
from cvzmpi.cvz.reliability.statistic import MIN_SNR, SIGNIFICANCE
from cvzmpi.cvz.results.products.completeness import CompletenessCurve
from cvzmpi.cvz.results.products.ffd import StarFfd
from cvzmpi.cvz.results.products.measured_flares import COLUMNS
from cvzmpi.cvz.results.products.searched_sector import SearchedSector
from cvzmpi.cvz.sector_file.star_facts import star_facts

_HALF_FOUND = 2.0  # s
_SCATTER = 0.3  # of the logarithm of the S/N at an equivalent duration
_DAYS = 20.0
_SMALLEST = 0.1  # in equivalent durations of which half is found


@dataclass(frozen=True)
class Regime:
    """Stars with one light curve each."""

    found: float  # true flares found, on average
    background: float = 0.0  # share of false events among all found
    tail: float = 0.0  # scale of the false events in S/N; 0 for a Gaussian tail
    index: float = 1.9
    spread: float = 0.7  # of the logarithm of the rates of stars
    n_inject: int = 500
    n_stars: int = 100


REGIMES = {
    f"{found} flares, {background:.0%} false": Regime(found, background, 0.4)
    for found in (1, 3, 10, 40)
    for background in (0.0, 0.1, 0.3, 0.5)
}


@dataclass(frozen=True)
class Coverage:
    """Shares of stars of which an interval holds the truth, and the mean of rate over truth."""

    n: int
    rate: float
    rate_95: float
    upper_limit: float
    index: float  # of those with a fitted index; NaN if too few
    index_95: float
    ratio: float  # sum of all rates over sum of the true ones


def coverage(regime: Regime, n_campaigns: int, seed: int = 1) -> Coverage:
    """Simulate stars and count whose intervals hold the truth."""
    rng = np.random.default_rng(seed)
    rates, indices, ratios = [], [], []
    for _ in range(n_campaigns):
        for star, true_rate in _campaign(regime, rng):
            truth = true_rate * (star.lower / _HALF_FOUND) ** (1 - regime.index)
            rates.append(
                (
                    star.interval[0] <= truth <= star.interval[1],
                    star.interval_95[0] <= truth <= star.interval_95[1],
                    truth <= star.upper_limit,
                )
            )
            ratios.append((star.rate, truth))
            if star.power_law is not None:
                low, high = star.power_law.index_interval
                low_95, high_95 = star.power_law.index_interval_95
                indices.append((low <= regime.index <= high, low_95 <= regime.index <= high_95))
    rate, rate_95, limit = np.mean(rates, axis=0)
    index, index_95 = np.mean(indices, axis=0) if len(indices) > 20 else (math.nan, math.nan)
    found, true = np.sum(ratios, axis=0)
    return Coverage(len(rates), rate, rate_95, limit, index, index_95, found / true)


def _campaign(regime: Regime, rng: np.random.Generator) -> list[tuple[StarFfd, float]]:
    """Stars, and their true rates a day above the equivalent duration of which half is found."""
    n = regime.n_stars
    curves = [_completeness(regime, rng) for _ in range(n)]
    # of flares above the smallest, the share that is found
    trial = _durations(regime, 20_000, rng)
    found_share = float(np.mean(_snr(trial, rng) >= MIN_SNR))
    mean = regime.found * np.exp(regime.spread * rng.standard_normal(n) - regime.spread**2 / 2)
    true_rate = mean / found_share / _DAYS * _SMALLEST ** (regime.index - 1)
    durations, snr = [], []
    for expected in mean / found_share:
        duration = _durations(regime, rng.poisson(expected), rng)
        measured = _snr(duration, rng)
        durations.append(duration[measured >= MIN_SNR])
        snr.append(measured[measured >= MIN_SNR])
    false = regime.found * regime.background / (1 - regime.background)
    of_star = false * np.exp(0.3 * rng.standard_normal(n) - 0.045)
    mirrored = []
    for number in range(n):
        extra = _false_snr(regime, rng.poisson(of_star[number]), rng)
        snr[number] = np.concatenate([snr[number], extra])
        size = _HALF_FOUND * extra / MIN_SNR * np.exp(_SCATTER * rng.standard_normal(len(extra)))
        durations[number] = np.concatenate([durations[number], size])
        mirrored.append(_false_snr(regime, rng.poisson(2 * of_star[number]), rng))
    estimate = estimate_reliability(
        LightCurves(np.arange(n), np.full(n, 1e-3), np.full(n, 12.0), np.full(n, 2)),
        _events(snr),
        _events(mirrored),
    )
    starts = np.cumsum([0, *map(len, snr)])
    stars = []
    for number in range(n):
        reliability = estimate.of_flares(np.arange(starts[number], starts[number + 1]), number)
        sector = _sector(number, curves[number], durations[number])
        stars.append((StarFfd.of([sector], reliabilities=[reliability]), true_rate[number]))
    if not regime.background:
        stars = [(StarFfd.of(star.sectors), rate) for star, rate in stars]
    return stars


def _durations(regime: Regime, n: int, rng: np.random.Generator) -> np.ndarray:
    return _HALF_FOUND * _SMALLEST * rng.random(n) ** (1 / (1 - regime.index))


def _snr(duration: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    scatter = np.exp(_SCATTER * rng.standard_normal(len(duration)))
    return MIN_SNR * duration / _HALF_FOUND * scatter + rng.standard_normal(len(duration))


def _false_snr(regime: Regime, n: int, rng: np.random.Generator) -> np.ndarray:
    if regime.tail:
        return MIN_SNR + regime.tail * rng.exponential(size=n)
    return np.sqrt(MIN_SNR**2 + 2 * rng.exponential(size=n))


def _completeness(regime: Regime, rng: np.random.Generator) -> CompletenessCurve:
    size = _HALF_FOUND * np.exp(rng.uniform(np.log(0.1), np.log(50), regime.n_inject))
    found = np.stack([_snr(size, rng) >= MIN_SNR for _ in range(5)], axis=1)
    return CompletenessCurve.fit(size, found)


def _events(snr: list[np.ndarray]) -> Events:
    rows = np.repeat(np.arange(len(snr)), [len(values) for values in snr])
    return Events(
        rows,
        np.full(len(rows), SIGNIFICANCE, np.int8),
        np.concatenate(snr),
        np.zeros(len(rows)),
    )


def _sector(number: int, curve: CompletenessCurve, duration: np.ndarray) -> SearchedSector:
    return SearchedSector(
        path=Path(f"{number}.h5"),
        tic=number,
        sector=1,
        facts=star_facts({}),
        marks=(),
        config_hash="",
        evaluated=_DAYS,
        searched=_DAYS,
        completeness=curve,
        flares={name: np.zeros(len(duration), column.dtype) for name, column in COLUMNS.items()}
        | {"equivalent_duration": duration, "equivalent_duration_error": duration / 10},
    )


def coverage_rows(n_campaigns: int) -> list[tuple[str, ...]]:
    """A row of a table for each regime, under `COVERAGE_HEAD`; 100 stars in each campaign."""
    rows = []
    for name, regime in REGIMES.items():
        result = coverage(regime, n_campaigns)
        shares = (result.rate, result.rate_95, result.upper_limit, result.index, result.index_95)
        shown = ("" if math.isnan(share) else f"{share:.1%}" for share in shares)
        rows.append((name, str(result.n), *shown, f"{result.ratio:.3f}"))
    return rows


COVERAGE_HEAD = (
    *("stars of", "number", "rate, 68 %", "rate, 95 %", "upper limit, 95 %"),
    *("index, 68 %", "index, 95 %", "rates / truth"),
)
