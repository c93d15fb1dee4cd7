"""How the cost grows with cadences, networks, injections and ranks: it must grow linearly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np

from cvzmpi.cvz.configuration import Config
from cvzmpi.cvz.quiet_star.celerite_kernels import KERNELS, start
from cvzmpi.cvz.quiet_star.celerite_likelihood import CeleriteLikelihood
from tools.bench.light_curve.searched import Ensemble, Searched
from tools.bench.measuring.cores import AVAILABLE
from tools.bench.measuring.curves import observe, steady_curve
from tools.bench.measuring.timing import timed
from tools.bench.ranks.clocked_run import run_clocked
from tools.bench.ranks.team import TeamTimes


@dataclass
class Growth:
    """Cost of something against what it grows with, whose name is `size`."""

    what: str
    size: str
    sizes: list[float]
    values: list[float]
    unit: str = "s"
    """Of the values."""

    @property
    def exponent(self) -> float:
        """Slope of log(value) against log(size): 1 is linear. NaN for fewer than two sizes."""
        if len(self.sizes) < 2:
            return float("nan")
        return float(np.polyfit(np.log(self.sizes), np.log(self.values), 1)[0])


def measure(ensemble: Ensemble, repeats: int, *, quick: bool) -> list[Growth]:
    """All that one core shows; each point is a median."""
    cadences = [2500, 5000, 10_000] if quick else [2500, 5000, 10_000, 20_000, 40_000, 80_000]
    flares = [20, 40, 80] if quick else [50, 100, 200, 400, 800]
    observations = {n: observe(steady_curve(n)) for n in cadences}
    middle = observations[cadences[2]]
    searched = Searched(ensemble, middle)
    n_repeat = ensemble.config.inject.n_repeat

    seconds = partial(_median_seconds, repeats=repeats)
    detection = [seconds(lambda o=o: ensemble.probability(o.flux)) for o in observations.values()]
    likelihood = _likelihood(cadences, repeats)
    models = list(range(1, 11))
    by_model = [seconds(lambda m=m: ensemble.probability(middle.flux, m)) for m in models]
    injection = [seconds(lambda n=n: searched.recovered(0, n)) for n in flares]
    return [
        Growth("detection, 10 networks", "cadences", list(cadences), detection),
        Growth("likelihood and gradient", "cadences", list(cadences), likelihood),
        Growth(f"detection, {len(middle.flux):,} cadences", "networks", list(models), by_model),
        Growth("injections", "injections", [n * n_repeat for n in flares], injection),
    ]


def exponents(growths: list[Growth]) -> list[str]:
    """A line for each that has one."""
    return [
        f"- {growth.what}, by {growth.size}: exponent {growth.exponent:.2f}"
        for growth in growths
        if len(growth.sizes) > 1
    ]


def _likelihood(cadences: list[int], repeats: int) -> list[float]:
    """Seconds of one likelihood with its gradient, of which a fit needs about 40."""
    kernel = KERNELS["rotation"]
    theta = np.append(start(kernel, sigma=1e-3, period=3.0, q0=1.0), np.log(1e-4))
    seconds = []
    for n in cadences:
        curve = observe(steady_curve(n))
        time = curve.time - curve.time.mean()
        likelihood = CeleriteLikelihood(kernel, time, curve.flux, curve.flux_err**2, np.ones(n))
        likelihood(theta)
        seconds.append(_median_seconds(partial(likelihood, theta), 3 * repeats))
    return seconds


def _median_seconds(work: Callable[[], object], repeats: int) -> float:
    return median(timed(work)[0] for _ in range(repeats))


def by_rank(file: Path, scratch: Path, n_inject: int, repeats: int, team: TeamTimes) -> Growth:
    """Injections a second of teams from one rank up to all cores; one and two are known."""
    injections = n_inject * Config().inject.n_repeat
    rates = {1: injections / team.alone.median, 2: injections / team.together.median}
    for n in (4, 8, 16, 32, 64):
        if n <= len(AVAILABLE):
            runs = [run_clocked([file], scratch, n_inject, n) for _ in range(repeats)]
            rates[n] = injections / median(run.inject_seconds for run in runs)
    sizes = [float(n) for n in rates]
    return Growth("team on one light curve", "ranks", sizes, [*rates.values()], "injections/s")
