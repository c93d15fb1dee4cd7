"""`python -m tools.bench.detection.exposures FITS ...`: the search at other exposures than 120 s.

Each light curve is searched as it is, and binned to 600 and 1800 s; a simulated star is searched at
20 s and binned to 120 s. The same flares are injected at each exposure. Told are, for each: flares,
events of the mirror images (false alarms), the share of the injected flares that is found, and the
share that their integrated signal-to-noise says; and the processor seconds. Then, for each star,
the rate of flares at each exposure, above the equivalent duration from which all of them find half,
with its interval of 95 %; the simulated star has flares of a known rate.

The share found over the share said (`signal_to_noise`) is 1 within 10 % (*yes*), or may be, within
its error of 95 % (*chance*), or is not (*no*). A row where less than 2 % is found and said is not
judged (-).
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

import cvzmpi
from cvzmpi.cvz.configuration import Config
from cvzmpi.cvz.injection.flare_shape import equivalent_duration, mean_flare_shape
from cvzmpi.cvz.light_curves.fits_input import read_light_curve
from cvzmpi.cvz.reliability.flare_reliability import FlareReliability
from cvzmpi.cvz.results.products.ffd import ASSUMED_INDEX
from cvzmpi.cvz.results.products.rates.flare_number import FlareNumber
from cvzmpi.cvz.results.products.searched_sector import SearchedSector, effective_time
from cvzmpi.cvz.results.views.sector_file import SectorFile
from cvzmpi.cvz.simulation.invented_star import draw_star, granulation, rotation
from tools.bench.detection.signal_to_noise import said_by_signal_to_noise

N_INJECT, N_REPEAT = 400, 5
_SMALLEST = 1.0  # equivalent duration in s of the simulated flares
_BITS = Config().light_curve.quality_bitmask


class Columns(NamedTuple):
    """A light curve, NaN where it is not usable."""

    time: np.ndarray
    flux: np.ndarray
    error: np.ndarray


def of_file(path: Path) -> Columns:
    """The usable cadences of a light curve of 120 s."""
    curve = read_light_curve(path)
    usable = curve.usable(_BITS)
    row, known = np.arange(curve.n_cadences), np.isfinite(curve.time)
    time = np.interp(row, row[known], curve.time[known])
    flux, error = (np.where(usable, x, np.nan) for x in (curve.flux, curve.flux_err))
    return Columns(time, flux.astype(float), error.astype(float))


def simulated(n: int = 117_600, noise: float = 1e-3, n_flares: int = 60) -> Columns:
    """A star at 20 s, with rotation, granulation, flares, and white noise of `noise` in 120 s.

    The flares are a power law in equivalent duration, of index 2 above `_SMALLEST`.
    """
    rng, star, exposure = np.random.default_rng(1), draw_star(9_000_000_003, 1), 20 / 86400
    time = 2000 + exposure * np.arange(n)
    flux = 1 + rotation(star, time) + granulation(rng, star, n, exposure)
    error = noise * math.sqrt(6)
    flux /= np.median(flux)
    for share, at in zip(rng.uniform(size=n_flares), rng.uniform(size=n_flares), strict=True):
        flux += _flare(time, time[0] + at * (time[-1] - time[0]), _SMALLEST / share)
    flux += rng.normal(0, error, n)
    flux[n // 2 : n // 2 + n // 26] = np.nan
    return Columns(time, flux, np.full(n, error))


def _flare(time: np.ndarray, at: float, duration: float) -> np.ndarray:
    """A flare of an equivalent duration in s; the longer, the larger it is."""
    fwhm = 0.002 * (duration / 10) ** (1 / 3)
    amplitude = duration / float(equivalent_duration(np.ones(1), np.array([fwhm]))[0])
    return amplitude * mean_flare_shape(time - at, fwhm, 20 / 86400)


def binned(columns: Columns, n: int) -> Columns:
    """Means of n cadences; none where half of them or fewer are usable."""
    length = len(columns.time) // n * n
    time, flux, error = (values[:length].reshape(-1, n) for values in columns)
    usable = np.isfinite(flux)
    count = usable.sum(axis=1)
    few, divisor = count <= n / 2, np.maximum(count, 1)
    mean = np.where(usable, flux, 0).sum(axis=1) / divisor
    deviation = np.sqrt(np.where(usable, error**2, 0).sum(axis=1)) / divisor
    return Columns(time.mean(axis=1), np.where(few, np.nan, mean), np.where(few, np.nan, deviation))


def measured(name: str, columns: Columns, tic: int) -> SectorFile:
    """Search a light curve at one exposure, and print a line on it."""
    begin = time.process_time()
    done = cvzmpi.inject(
        tuple(columns),
        **{"tic": tic, "sector": 1, "n_inject": N_INJECT, "n_repeat": N_REPEAT},
        progress=False,
    )
    seconds = time.process_time() - begin
    flares, events = done.data.flares, done.data.mirror_events
    by_it = (events["found_by"] & 2 > 0) & (events["vetting"] == 0)
    false = [np.count_nonzero(by_it & (events["image"] == image)) for image in (1, 2)]
    said = said_by_signal_to_noise(done)
    print(
        f"| {name} | {done.data.light_curve.exposure_seconds:.0f} s "
        f"| {np.count_nonzero(flares['found_by'] & 2)} | {false[0]}, {false[1]} "
        f"| {said.found.mean():.3f} | {said.chance.mean():.3f} "
        f"| {said.quotient:.2f} ± {said.error:.2f} | {said.verdict} | {seconds:.1f} s |",
        flush=True,
    )
    return done


def rates(name: str, of_exposures: Sequence[SectorFile]) -> list[str]:
    """A line for each exposure, with the rate above what is half found at all of them."""
    sectors = [SearchedSector.of(done) for done in of_exposures]
    times = [effective_time([sector]) for sector in sectors]
    least = max(time.complete_from(0.5) for time in times)
    lines = []
    for done, sector, time_ in zip(of_exposures, sectors, times, strict=True):
        reliability = FlareReliability.alone(sector.flares["reliability"])
        counted = sector.duration >= least
        days, drawn = time_.between(least, math.inf, ASSUMED_INDEX)
        number = FlareNumber.of_light_curves([reliability], [counted], [days])
        low, high = number.interval(drawn, 0.95)
        lines.append(
            f"| {name} | {done.data.light_curve.exposure_seconds:.0f} s | {least:.2f} s "
            f"| {number.expected:.1f} | {number.expected / (days or math.nan):.2f} "
            f"| {low:.2f} to {high:.2f} |"
        )
    return lines


def main() -> None:
    """Print a table."""
    print("| star | exposure | flares | false, inverted and shuffled | found | said | ", end="")
    print("quotient | 1 | |")
    print("|---|---|---|---|---|---|---|---|---|")
    lines = []
    for path in map(Path, sys.argv[1:]):
        columns, tic = of_file(path), read_light_curve(path).tic
        name = f"TIC {tic}"
        lines += rates(name, [measured(name, binned(columns, n), tic) for n in (1, 5, 15)])
    star, name = simulated(), "simulated"
    lines += rates(name, [measured(name, binned(star, n), 5) for n in (1, 6, 30, 90)])
    print("\n| star | exposure | flares above | number | rate per day | 95 % |")
    print("|---|---|---|---|---|---|")
    print("\n".join(lines))
    print(f"\nSimulated: {60 * _SMALLEST / 27.2:.2f} per day above 1 s, as 1 over the duration")


if __name__ == "__main__":
    main()
