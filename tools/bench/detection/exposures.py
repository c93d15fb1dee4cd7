"""`python -m tools.bench.detection.exposures FITS ...`: the search at other exposures than 120 s.

Each light curve is searched as it is, and binned to 600 and 1800 s; a simulated star is searched at
20 s and binned to 120 s. The same flares are injected at each exposure. Told are, for each: flares,
events of the mirror images (false alarms), the share of the injected flares that is found, and the
share that their integrated signal-to-noise says; and the processor seconds.

What the signal-to-noise says is calibrated by nothing: for each injected repeat, the likelihood
ratio of its true shape over the fitted process (`Whitening.products`), over the star's noise as the
search scales it. It is found where that, less what templates and vetting lose, is above the
threshold. So the share found over the share said is what the *exposure* must not change.
"""

from __future__ import annotations

import math
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.stats import norm

import cvzmpi
from cvzmpi.cvz.configuration import Config
from cvzmpi.cvz.detection.significance.whitened.samples import Samples
from cvzmpi.cvz.detection.significance.whitened.statistic import StatisticMap, noise_scales
from cvzmpi.cvz.detection.significance.whitened.templates import bank
from cvzmpi.cvz.detection.significance.whitened.whitening import (
    Whitening,
    information,
    shapes_of,
    typical_places,
)
from cvzmpi.cvz.injection.flare_shape import mean_flare_shape
from cvzmpi.cvz.light_curves.fits_input import read_light_curve
from cvzmpi.cvz.light_curves.light_curve import LightCurve
from cvzmpi.cvz.light_curves.observation import Observation, Window
from cvzmpi.cvz.results.views.sector_file import SectorFile
from cvzmpi.cvz.simulation.invented_star import draw_star, granulation, rotation
from cvzmpi.cvz.work.model_stage import fitted_parameters

N_INJECT, N_REPEAT = 400, 5
_LOST = 0.95  # of the signal-to-noise, to templates that are not quite the flare
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


def simulated(n: int = 117_600, noise: float = 1e-3) -> Columns:
    """A star at 20 s, with rotation, granulation, and white noise that is `noise` in 120 s."""
    rng, star, exposure = np.random.default_rng(1), draw_star(9_000_000_003, 1), 20 / 86400
    time = 2000 + exposure * np.arange(n)
    flux = 1 + rotation(star, time) + granulation(rng, star, n, exposure)
    error = noise * math.sqrt(6)
    flux = flux / np.median(flux) + rng.normal(0, error, n)
    flux[n // 2 : n // 2 + n // 26] = np.nan
    return Columns(time, flux, np.full(n, error))


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


def said_by_signal_to_noise(done: SectorFile) -> float:
    """The share of the injected repeats that are above the threshold; noise scatters them by 1."""
    data, least = done.data, Config().significance.min_snr
    curve: LightCurve = data.light_curve
    observation = Observation.prepare(curve, Config(), Window(0, 1))
    rows, samples = observation.rows, Samples.of(observation)
    parameters = fitted_parameters(data.gp_facts)
    residual = observation.flux - parameters["mean"]
    residual -= data.event_model[rows] / observation.median_flux
    whitening = Whitening(
        samples, residual, data.gp_facts["gp_kernel"], parameters, data.left_out[rows]
    )
    templates = bank(curve.exposure)
    info = information(whitening, shapes_of(templates), typical_places(samples))
    statistic = StatisticMap.of(whitening, templates, info).at_samples(whitening)
    scales = np.median(noise_scales(statistic, templates, curve.exposure), axis=1)
    scales *= data.noise_raised
    fwhms = np.array([template.fwhm for template in templates]) * curve.exposure
    injections, shares = data.injections, []
    for amplitude, fwhm, times, cadences in zip(
        injections.amplitude, injections.fwhm, injections.time, injections.cadence, strict=True
    ):
        scale = scales[np.argmin(np.abs(np.log(fwhms / fwhm)))]
        for at, row in zip(times, cadences, strict=True):
            place = int(samples.place[np.searchsorted(rows, row)])
            length = math.ceil(40 * fwhm / curve.exposure) + 2
            part = whitening.around(place, length // 8 + 2, length)
            shape = mean_flare_shape(samples.time[part] - at, fwhm, curve.exposure)
            snr = amplitude * math.sqrt(whitening.products(shape[:, None], part)[1][0, 0]) / scale
            shares.append(norm.sf(least - _LOST * snr))
    return float(np.mean(shares))


def measured(name: str, columns: Columns, tic: int) -> str:
    """One line on a light curve at one exposure."""
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
    found, said = float(done.answers.recovered_significance.mean()), said_by_signal_to_noise(done)
    return (
        f"| {name} | {done.data.light_curve.exposure_seconds:.0f} s "
        f"| {np.count_nonzero(flares['found_by'] & 2)} | {false[0]}, {false[1]} "
        f"| {found:.3f} | {said:.3f} | {found / said:.2f} | {seconds:.1f} s |"
    )


def main() -> None:
    """Print a table."""
    print("| star | exposure | flares | false, inverted and shuffled | found | said | quotient | |")
    print("|---|---|---|---|---|---|---|---|")
    for path in map(Path, sys.argv[1:]):
        columns, tic = of_file(path), read_light_curve(path).tic
        for n in (1, 5, 15):
            print(measured(f"TIC {tic}", binned(columns, n), tic), flush=True)
    star = simulated()
    for n in (1, 6, 30, 90):
        print(measured("simulated", binned(star, n), 5), flush=True)


if __name__ == "__main__":
    main()
