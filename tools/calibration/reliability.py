"""Are reliabilities what they say? Populations of events whose truth is known.

Each population has false events in light curves and in their mirror images, from one law, and true
flares from another. Of events of a given reliability, that fraction should be true.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.special import ndtr

from cvzmpi.cvz.reliability.estimate import estimate_reliability
from cvzmpi.cvz.reliability.events import Events, LightCurves
from cvzmpi.cvz.reliability.statistic import MIN_SNR, SIGNIFICANCE, Thresholds

BINS = np.array([0, 0.2, 0.4, 0.6, 0.8, 1])


@dataclass(frozen=True)
class Population:
    """Laws of true and false events of a campaign."""

    n_light_curves: int = 500
    true: float = 2.0  # flares found in a light curve, on average
    false: float = 0.5  # false events, on average
    # Scale of an exponential tail in S/N; 0 for that of a Gaussian
    tail: float = 0.0
    true_law: str = "pareto"  # or `log-normal`
    spread: float = 1.0  # of the logarithm of the number of flares of stars
    false_spread: float = 0.3  # the same of false events
    mirror: float = 1.0  # events in a mirror image for each false event in a light curve
    n_images: int = 2
    min_snr: float = MIN_SNR
    # S/N at which vetting passes half of all events, and the width of the step; 0 passes all
    half_pass: float = 0.0
    pass_width: float = 0.25


POPULATIONS = {
    "Gaussian": Population(),
    "long tail": Population(tail=0.8),
    "few flares": Population(true=0.2),
    "many flares": Population(true=20.0, spread=0.5),
    "many false": Population(false=5.0, tail=0.4),
    "log-normal": Population(true_law="log-normal", tail=0.4),
    "all alike": Population(spread=0.0, false_spread=0.0),
    "very different": Population(spread=2.0, false_spread=0.8, tail=0.4),
    "20 % too few": Population(mirror=0.8),
    "20 % too many": Population(mirror=1.2),
    "20 % too few, long tail": Population(mirror=0.8, tail=0.5),
    "20 % too many, long tail": Population(mirror=1.2, tail=0.5),
    "one image": Population(n_images=1),
    "30 light curves": Population(n_light_curves=30),
    "low threshold": Population(false=3.0, min_snr=3.4, half_pass=3.8),
    "low threshold, few flares": Population(true=0.5, false=3.0, min_snr=3.4, half_pass=3.9),
    "1 light curve": Population(n_light_curves=1, true=1.0, false=0.5),
    "1 light curve, 100 flares": Population(
        n_light_curves=1, true=100.0, false=20.0, tail=0.4, spread=0.5
    ),
}


def draw(
    population: Population, rng: np.random.Generator
) -> tuple[LightCurves, Events, Events, np.ndarray]:
    """Draw a campaign: its light curves, found events, mirror events, and which found are true."""
    n = population.n_light_curves

    def numbers(mean: float, spread: float) -> np.ndarray:
        return mean * np.exp(spread * rng.standard_normal(n) - spread**2 / 2)

    false = numbers(population.false, population.false_spread)
    n_true = rng.poisson(numbers(population.true, population.spread))
    n_false = rng.poisson(false)
    n_mirrored = rng.poisson(false * population.mirror * population.n_images)
    curves = LightCurves(
        star=np.arange(n),
        noise=1e-3 * np.exp(0.1 * rng.standard_normal(n)),
        magnitude=12 + 0.3 * rng.standard_normal(n),
        n_images=np.full(n, population.n_images),
    )

    def events(rows: np.ndarray, snr: np.ndarray) -> Events:
        return Events(rows, np.full(len(rows), SIGNIFICANCE, np.int8), snr, np.zeros(len(rows)))

    rows = [np.repeat(np.arange(n), count) for count in (n_true, n_false)]
    snr = [_true_snr(population, len(rows[0]), rng), _false_snr(population, len(rows[1]), rng)]
    mirrored = np.repeat(np.arange(n), n_mirrored)
    return (
        curves,
        events(np.concatenate(rows), np.concatenate(snr)),
        events(mirrored, _false_snr(population, len(mirrored), rng)),
        np.arange(len(rows[0]) + len(rows[1])) < len(rows[0]),
    )


def _false_snr(population: Population, n: int, rng: np.random.Generator) -> np.ndarray:
    def proposed(size: int) -> np.ndarray:
        tail = rng.exponential(size=size)
        if population.tail:
            return population.min_snr + population.tail * tail
        return np.sqrt(population.min_snr**2 + 2 * tail)

    return _passing(population, n, proposed, rng)


def _true_snr(population: Population, n: int, rng: np.random.Generator) -> np.ndarray:
    """S/N of found flares: a law thinned by the threshold, with noise of 1."""

    def proposed(size: int) -> np.ndarray:
        if population.true_law == "pareto":
            true = 3 * rng.random(8 * size) ** (-1 / 1.2)
        else:
            true = 12 * np.exp(0.7 * rng.standard_normal(8 * size))
        measured = true + rng.standard_normal(len(true))
        return np.asarray(measured[measured >= population.min_snr])

    return _passing(population, n, proposed, rng)


def _passing(
    population: Population,
    n: int,
    proposed: Callable[[int], np.ndarray],
    rng: np.random.Generator,
) -> np.ndarray:
    """So many of the proposed S/N, those that pass the vetting."""
    passing = np.empty(0)
    while len(passing) < n:
        snr = proposed(n)
        if population.half_pass:
            above = (snr - population.half_pass) / population.pass_width
            snr = snr[rng.random(len(snr)) < ndtr(above)]
        passing = np.concatenate([passing, snr])
    return passing[:n]


@dataclass(frozen=True)
class Calibration:
    """Predicted and true shares of real events, in bins of the reliability."""

    n: np.ndarray  # int64, shape (n_bins,)
    # `predicted`, `true`: float64, shape (n_bins,); NaN in empty bins
    predicted: np.ndarray
    true: np.ndarray

    @property
    def error(self) -> np.ndarray:
        """Standard error of the true share by chance."""
        return np.sqrt(np.maximum(self.predicted * (1 - self.predicted), 0.01) / self.n)


def calibrate(population: Population, n_campaigns: int, seed: int = 1) -> Calibration:
    """Estimate the reliabilities of some campaigns and compare them with the truth."""
    rng = np.random.default_rng(seed)
    reliability, is_true = [], []
    for _ in range(n_campaigns):
        curves, found, mirrored, true = draw(population, rng)
        thresholds = Thresholds(snr=population.min_snr)
        estimate = estimate_reliability(curves, found, mirrored, thresholds=thresholds)
        reliability.append(estimate.reliability)
        is_true.append(true)
    r, t = np.concatenate(reliability), np.concatenate(is_true)
    inside = [(r >= low) & ((r < high) | (high == 1)) for low, high in pairwise(BINS)]
    n = np.array([rows.sum() for rows in inside])
    with np.errstate(invalid="ignore"):
        predicted, true = (np.array([v[rows].sum() for rows in inside]) / n for v in (r, t))
    return Calibration(n, predicted, true)


def calibration_rows(n_events: int) -> list[tuple[str, ...]]:
    """A row of a table for each population, under `CALIBRATION_HEAD`; of about so many events."""
    rows = []
    for name, population in POPULATIONS.items():
        each = population.n_light_curves * (population.true + population.false)
        result = calibrate(population, max(2, round(n_events / each)))
        cells = [
            f"{predicted:.1%}, {true:.1%} of {n}" if n else ""
            for n, predicted, true in zip(result.n, result.predicted, result.true, strict=True)
        ]
        rows.append((name, *cells))
    return rows


CALIBRATION_HEAD = (
    "events: mean reliability, true",
    *(f"{low:.0%} to {high:.0%}" for low, high in pairwise(BINS)),
)
