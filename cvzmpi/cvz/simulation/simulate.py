"""Light curves of invented CVZ stars with known truth, in the archive's own format.

For the demo, the tests, and anyone who wants to check the pipeline against flares that are known.
Rates and sizes of gaps, flagged cadences and noise are those of real 2-minute SPOC light curves of
the sectors 1 to 24. A star keeps its properties through its sectors, and every light curve depends
only on `seed`, `tic`, `sector` and the settings, not on what else is simulated.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np

from cvzmpi.cvz.injection.flare_shape import mean_flare_shape, shape_area
from cvzmpi.cvz.light_curves.exposure import EXPOSURE, SECONDS_PER_DAY
from cvzmpi.cvz.light_curves.light_curve import LightCurve
from cvzmpi.cvz.simulation.invented_star import (
    FlareLaw,
    draw_star,
    granulation,
    header,
    log_uniform,
    rotation,
)
from cvzmpi.errors import ConfigError

FIRST_TIC = 9_000_000_001
"""TIC number of the first invented star; the TESS Input Catalog uses no numbers around it."""

SECTORS = (*range(1, 14), *range(27, 40))
"""The sectors that look at the southern CVZ, where the invented stars are."""

N_CADENCES = 19_600
MAX_CADENCES = 19_700
"""More would run into the next sector."""

_FIRST_SECTOR_START, _DAYS_PER_SECTOR = 1325.3, 27.4

# TESS quality flags (SPOC Science Data Products Description Document)
_COARSE_POINT, _EARTH_POINT, _ARGABRIGHTENING = 4, 8, 16
_MOMENTUM_DUMP, _MANUAL_EXCLUDE, _IMPULSIVE_OUTLIER, _SCATTERED_LIGHT = 32, 128, 512, 4096

TRUTH_DTYPE = np.dtype(
    [
        ("tic", np.int64),
        ("sector", np.int32),
        ("time", np.float64),
        ("cadence", np.int32),
        ("amplitude", np.float64),
        ("fwhm", np.float64),
        ("equivalent_duration", np.float64),
        ("observed", np.bool_),
    ]
)
"""One row per simulated flare: peak time (BTJD) and the cadence that contains it, amplitude
relative to the quiescent flux, FWHM in days, equivalent duration in seconds, and whether that
cadence has a flux at all (flares do not wait for the gaps to pass)."""


def simulate_light_curve(
    tic: int,
    sector: int,
    seed: int,
    *,
    n_cadences: int = N_CADENCES,
    active: bool | None = None,
    flares: FlareLaw | None = None,
) -> tuple[LightCurve, np.ndarray]:
    """Simulate one light curve of an invented star.

    Parameters
    ----------
    tic, sector : int
        TIC number of the star, and the sector.
    seed : int
        Fixes everything random, together with `tic` and `sector`.
    n_cadences : int
        Rows of the light curve, from 10 to `MAX_CADENCES`. A shorter light curve has a shorter gap.
    active : bool or None
        True if the star flares often; None leaves it to chance.
    flares : FlareLaw or None
        The rates and sizes of flares; None takes the defaults.

    Returns
    -------
    light_curve : LightCurve
    truth : ndarray of `TRUTH_DTYPE`, shape (n_flares,)
        The flares in it, in order of time.

    Raises
    ------
    ConfigError
        If `n_cadences` is out of range.
    """
    if not 10 <= n_cadences <= MAX_CADENCES:
        raise ConfigError(f"n_cadences = {n_cadences}: expected 10 to {MAX_CADENCES}")
    star = draw_star(tic, seed)
    # a generator for each ingredient, so that a change in one leaves the others as they are
    sequence = np.random.SeedSequence(seed, spawn_key=(tic, sector))
    for_gaps, for_star, for_noise, for_flares = map(np.random.default_rng, sequence.spawn(4))

    start = _FIRST_SECTOR_START + _DAYS_PER_SECTOR * (sector - 1)
    time = start + EXPOSURE * np.arange(n_cadences)
    quality, has_time, has_flux = _interruptions(for_gaps, n_cadences)
    law = FlareLaw() if flares is None else flares
    truth = _draw_flares(for_flares, star.active if active is None else active, law, time)
    truth["tic"], truth["sector"] = tic, sector
    truth["observed"] = has_flux[truth["cadence"]]

    brightness = 1 + rotation(star, time) + granulation(for_star, star, n_cadences, EXPOSURE)
    brightness /= np.median(brightness)  # amplitudes are relative to the quiescent median
    for flare in truth:
        shape = mean_flare_shape(time - flare["time"], flare["fwhm"], EXPOSURE)
        brightness += flare["amplitude"] * shape
    flux, flux_err = _measure(for_noise, star.flux * brightness, quality)
    flux[~has_flux], flux_err[~has_flux], time[~has_time] = np.nan, np.nan, np.nan
    light_curve = LightCurve(
        tic=tic,
        sector=sector,
        time=time,
        flux=flux.astype(np.float32),
        flux_err=flux_err.astype(np.float32),
        quality=quality,
        exposure=EXPOSURE,
        header=header(star),
    )
    return light_curve, truth


def simulate_campaign(
    directory: Path,
    n_stars: int,
    seed: int,
    *,
    sectors_per_star: int = 1,
    n_cadences: int = N_CADENCES,
    active: bool | None = None,
    flares: FlareLaw | None = None,
    overwrite: bool = False,
) -> list[Path]:
    """Write FITS files of several stars, and the flares in them as `truth.csv`.

    Files with the same content are kept, so that another call completes an interrupted one.

    Parameters
    ----------
    directory : Path
        Is created where missing.
    n_stars, sectors_per_star : int
        At least 1; at most 26 sectors per star.
    seed, n_cadences, active, flares
        As for `simulate_light_curve`.
    overwrite : bool
        Replace existing files of other content.

    Returns
    -------
    list of Path
        The FITS files, by star and sector.

    Raises
    ------
    ConfigError
        If a number is out of range, a file of other content exists, or one cannot be written.
    """
    # to simulate light curves that are not written needs no astropy, which is slow to import
    from cvzmpi.cvz.simulation.spoc_fits import file_name, write_file, write_spoc_fits

    if n_stars < 1:
        raise ConfigError(f"n_stars = {n_stars}: expected at least 1")
    if not 1 <= sectors_per_star <= len(SECTORS):
        raise ConfigError(f"sectors_per_star = {sectors_per_star}: expected 1 to {len(SECTORS)}")

    def simulate(tic: int, sector: int) -> tuple[LightCurve, np.ndarray]:
        return simulate_light_curve(
            tic, sector, seed, n_cadences=n_cadences, active=active, flares=flares
        )

    units = [(FIRST_TIC + n, s) for n in range(n_stars) for s in SECTORS[:sectors_per_star]]
    # the truth goes first, so that there is no light curve without; simulating twice costs
    # less than a tenth of a second each, keeping thousands of them costs gigabytes
    truth = np.concatenate([simulate(*unit)[1] for unit in units])
    write_file(directory / "truth.csv", _truth_csv(truth), overwrite)
    paths = []
    for unit in units:
        light_curve, _ = simulate(*unit)
        paths.append(directory / file_name(light_curve))
        write_spoc_fits(paths[-1], light_curve, overwrite=overwrite)
    return paths


def read_truth(path: Path) -> np.ndarray:
    """Read a `truth.csv` of `simulate_campaign` as an array of `TRUTH_DTYPE`."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    truth = np.zeros(len(rows), TRUTH_DTYPE)
    for name in TRUTH_DTYPE.names or ():
        values = [row[name] for row in rows]
        truth[name] = [v == "True" for v in values] if name == "observed" else values
    return truth


def _truth_csv(truth: np.ndarray) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(TRUTH_DTYPE.names or ())
    writer.writerows(row.tolist() for row in truth)
    return text.getvalue().encode()


def _draw_flares(
    rng: np.random.Generator, active: bool, law: FlareLaw, time: np.ndarray
) -> np.ndarray:
    """Draw the flares of one light curve as rows of `TRUTH_DTYPE`."""
    days = len(time) * EXPOSURE
    n = rng.poisson(days * (law.active_per_day if active else law.quiet_per_day))
    truth = np.zeros(n, TRUTH_DTYPE)
    since_start = np.sort(rng.uniform(0, days, n))
    truth["time"] = time[0] - EXPOSURE / 2 + since_start
    truth["cadence"] = np.minimum(since_start / EXPOSURE, len(time) - 1)
    truth["equivalent_duration"] = law.durations(rng.random(n))
    truth["fwhm"] = law.fwhm_median * np.exp(law.fwhm_sigma * rng.standard_normal(n))
    area = truth["fwhm"] * SECONDS_PER_DAY * shape_area()
    truth["amplitude"] = truth["equivalent_duration"] / area
    return truth


def _measure(
    rng: np.random.Generator, flux: np.ndarray, quality: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Add noise to a flux in e-/s; return it and its standard deviation.

    Photon noise of the 95 s in which electrons are counted, and as much from sky and readout as
    makes the errors of real light curves from magnitude 5 to 11.5 (within 15 %).
    """
    seconds, other_variance = 120 * 0.792, 5e5
    error = np.sqrt(flux * seconds + other_variance) / seconds
    outlier = np.where(quality & _IMPULSIVE_OUTLIER, rng.uniform(4, 12, len(flux)), 0.0)
    return flux + error * (rng.standard_normal(len(flux)) + outlier), error


def _interruptions(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Quality flags of a sector, which cadences have a time, and which of these have a flux."""
    quality = np.zeros(n, np.int32)
    no_time = np.zeros(n, bool)
    per_day = n / (N_CADENCES * EXPOSURE)  # a short light curve is a whole sector in small
    begin = round(n * rng.uniform(0.4, 0.52))
    downlink = begin + max(1, round(per_day * rng.uniform(0.9, 1.2)))
    end = max(downlink, begin + round(per_day * log_uniform(rng, 0.9, 4.5)))
    quality[begin:downlink] = quality[0] = _EARTH_POINT
    quality[downlink:end] = _SCATTERED_LIGHT
    no_time[begin:downlink] = True

    dumps = np.cumsum(rng.integers(1800, 3600, n // 1800 + 1)) - rng.integers(0, 1800)
    for dump in dumps[dumps < n]:
        quality[dump : dump + 8] |= _MOMENTUM_DUMP
        quality[dump + 1 : dump + 4] |= _COARSE_POINT
    for flag, share in ((_MANUAL_EXCLUDE, 6e-3), (_ARGABRIGHTENING, 3e-4)):
        quality[rng.random(n) < share] |= flag
    has_flux = quality == 0
    # the only flag here whose cadences keep their flux
    quality[(rng.random(n) < 3e-4) & has_flux] |= _IMPULSIVE_OUTLIER
    return quality, ~no_time, has_flux
