"""The index of a campaign that never was: its tables as `cvzmpi index` merges them, of any size.

There are as many flares, bins of injected flares, marks and texts as in a real campaign, and their
numbers are of the real size; what they say about a star is invented. The table `events`, which no
report reads, is left empty.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.results.index.columns import SCHEMAS
from cvzmpi.cvz.results.index.merge import merged_tables
from cvzmpi.cvz.results.index.part import Part
from cvzmpi.cvz.results.index.place import DIRECTORY
from cvzmpi.cvz.results.products.tess_band import FlareEnergyScale
from cvzmpi.software import installed_versions
from tools.bench.campaign_report.targets import LAST_SECTOR, N_STARS, Target, targets

_N_BINS, _PLACED = 20, 1000
_CADENCES, _EXPOSURE = 19_600, 120.0
_SECTOR_DAYS, _FIRST_DAY = 27.4, 1325.3


def write_index(output: Path, n_stars: int = N_STARS) -> int:
    """Write the index of so many stars in an output directory; the number of light curves."""
    directory = output / DIRECTORY
    directory.mkdir(parents=True)
    n_curves = 0
    stars = sorted(targets(n_stars), key=lambda target: (target.tic % 1000, target.tic))
    with merged_tables(directory, "made up") as add:
        for shard, members in groupby(stars, key=lambda target: target.tic % 1000):
            part = _part(list(members), np.random.default_rng([20180418, shard]))
            n_curves += part.light_curves.num_rows
            add(part)
    return n_curves


def _part(stars: list[Target], rng: np.random.Generator) -> Part:
    """The tables of the stars of one directory of sector files."""
    n_sectors = [min(star.n_sectors, LAST_SECTOR) for star in stars]
    owner = np.repeat(np.arange(len(stars)), n_sectors)
    chosen = [np.sort(rng.choice(LAST_SECTOR, n, replace=False)) + 1 for n in n_sectors]
    tic = np.array([star.tic for star in stars])[owner]
    sector = np.concatenate(chosen)
    magnitude = np.array([star.magnitude for star in stars])[owner]
    temperature = rng.choice([3100.0, 3400.0, 4100.0, 5200.0, 6000.0], len(stars))[owner]
    radius = 1.05 * (temperature / 5772) ** 2
    noise = 6e-4 * 10 ** (0.25 * (magnitude - 10)) * rng.lognormal(0, 0.1, len(tic))
    done = rng.random(len(tic)) < 0.99
    half = 3000 * noise * rng.lognormal(0, 0.2, len(tic))  # equivalent duration in s
    bins = _bins(half, rng)
    activity = rng.lognormal(-1, 1.5, len(stars))[owner] * np.where(temperature < 4000, 2.0, 0.5)
    n_flares = np.minimum(rng.poisson(0.7 + activity), 120)
    flare_owner = np.repeat(np.arange(len(tic)), n_flares)
    scales = [FlareEnergyScale.of_star(r, t) for r, t in zip(radius, temperature, strict=True)]
    flares = _flares(flare_owner, sector, half, scales, rng)
    flare_sums = _sums(flare_owner, flares, len(tic))
    evaluated = np.full(len(tic), 24.5) + rng.normal(0, 1, len(tic))
    columns: dict[str, Any] = {
        "tic": tic,
        "sector": sector,
        "state": np.where(done, "done", "unfinished"),
        "n_flares": n_flares,
        "evaluated": evaluated,
        "searched": evaluated - 0.02 * n_flares,
        "noise": noise,
        "equivalent_duration_50": half,
        "energy_50": [
            s.energy(np.array(h), np.zeros(()))[0] for s, h in zip(scales, half, strict=True)
        ],
        "energy_50_error": half * 1e30,
        "smallest_injected": np.exp(bins["log_duration"][::_N_BINS] - 0.3),
        "largest_injected": np.exp(bins["log_duration"][_N_BINS - 1 :: _N_BINS] + 0.3),
        "amplitude_50": 4 * noise,
        "n_inject_remaining": np.where(done, 0, 1950),
        "right_ascension": np.array([star.right_ascension for star in stars])[owner],
        "declination": np.array([star.declination for star in stars])[owner],
        "tess_magnitude": magnitude,
        "temperature": temperature,
        "radius": radius,
        "crowdsap": rng.uniform(0.4, 1.0, len(tic)),
        "marks": rng.choice(
            ["", "crowded", "poor_process", "badly_modelled", "little_searched"],
            len(tic),
            p=[0.93, 0.03, 0.02, 0.015, 0.005],
        ),
        **flare_sums,
        **_texts(tic, sector),
        **{f"seconds_{stage}": rng.lognormal(0, 0.3, len(tic)) for stage in _SECONDS},
        "gp_period_d": rng.lognormal(1, 1, len(tic)),
        "gp_log_likelihood": rng.normal(1e5, 1e3, len(tic)),
    }
    light_curves = _table("light_curves", len(tic), _ALIKE | columns, rng)
    owners = {"tic": tic[flare_owner], "sector": sector[flare_owner]}
    bin_owner = np.repeat(np.arange(len(tic)), _N_BINS)
    of_bins = {"tic": tic[bin_owner], "sector": sector[bin_owner]}
    return Part(
        light_curves,
        _table("flares", len(flare_owner), owners | flares, rng),
        SCHEMAS["events"].empty_table(),
        _table("completeness", len(bin_owner), of_bins | bins, rng),
        SCHEMAS["problems"].empty_table(),
    )


_SECONDS = ("download", "detect", "model", "inject")
_ALIKE = {
    "checkpoint": "model",
    "search": "significance",
    "n_cadences": _CADENCES,
    "n_evaluated": 17_600,
    "n_flaring": 100,
    "exposure": _EXPOSURE,
    "n_inject": 2000,
    "n_repeat": 10,
    "recovered_fraction": 0.6,
    "n_images": 2,
    "min_snr": 4.7,
    "min_probability": 0.5,
    "flfrcsap": 0.9,
    "gp_kernel": "rotation",
    "gp_converged": True,
    "n_pooled": 4000.0,
    "background_error": 0.02,
    "settled": True,
    "seed": 1,
    "processing_version": "spoc-5.0.20-20201120",
    "software": json.dumps(
        installed_versions("cvzmpi", "numpy", "scipy", "h5py", "mpi4py", "astropy")
    ),
    "config_sha256": hashlib.sha256(b"configuration").hexdigest(),
    "models_sha256": hashlib.sha256(b"models").hexdigest(),
}
"""What all light curves have in common, by column."""


def _bins(half: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Bins of injected flares around the equivalent durations of 50 % completeness."""
    steps = np.linspace(-4, 4, _N_BINS) + rng.normal(0, 0.05, (len(half), _N_BINS))
    steps.sort(axis=1)
    placed = _PLACED - rng.poisson(20, steps.shape)
    found = rng.binomial(placed, 0.98 / (1 + np.exp(-2 * steps)))
    return {
        "log_duration": (np.log(half)[:, None] + steps).ravel(),
        "n_placed": placed.ravel(),
        "n_recovered": found.ravel(),
        "n_effective": (placed * rng.uniform(0.15, 1, steps.shape)).ravel(),
    }


def _flares(
    owner: np.ndarray,
    sector: np.ndarray,
    half: np.ndarray,
    scales: list[FlareEnergyScale],
    rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    """Flares of a power law of index 2 above half the limit of their light curves."""
    n = len(owner)
    duration = half[owner] * 0.5 / (1 - rng.random(n) * 0.9999)
    duration[rng.random(n) < 0.02] *= -0.01  # noise took their light
    error = np.abs(duration) * 0.1 + 0.1
    peak_time = _FIRST_DAY + _SECTOR_DAYS * (sector[owner] - rng.random(n))
    order = np.lexsort([peak_time, owner])
    energy = [scales[o].energy(d, e) for o, d, e in zip(owner, duration, error, strict=True)]
    snr = np.maximum(np.abs(duration) / half[owner] * 9, 4.7)
    real = 1 / (1 + np.exp(-3 * (snr - 5.2)))
    return {
        "start": rng.integers(0, _CADENCES, n),
        "peak_time": peak_time[order],
        "start_time": peak_time[order] - 0.005,
        "stop_time": peak_time[order] + 0.02,
        "amplitude": np.abs(duration) / 900,
        "equivalent_duration": duration,
        "equivalent_duration_error": error,
        "mask_equivalent_duration": duration * 0.8,
        "mask_equivalent_duration_error": error,
        "found_by": rng.choice([2, 3], n),
        "snr": snr,
        "reliability": real,
        "background": 1 / real - 1,
        "template_fitted": duration > 0,
        "energy": np.array([float(e) for e, _ in energy]),
        "energy_error": np.array([float(e) for _, e in energy]),
        "at_edge": rng.random(n) < 0.01,
        **dict.fromkeys(("vetting", "n_coincident"), np.zeros(n)),
    }


def _sums(owner: np.ndarray, flares: Mapping[str, np.ndarray], n: int) -> dict[str, Any]:
    """What the flares of each light curve come to."""
    largest = np.full(n, -np.inf)
    np.maximum.at(largest, owner, flares["equivalent_duration"])
    energy = np.full(n, -np.inf)
    np.maximum.at(energy, owner, np.nan_to_num(flares["energy"], nan=-np.inf))
    n_true = np.bincount(owner, flares["reliability"], n)
    return {
        "n_not_positive": np.bincount(owner, flares["equivalent_duration"] <= 0, n),
        "largest_flare": np.where(np.isfinite(largest), largest, np.nan),
        "largest_flare_error": np.where(np.isfinite(largest), 0.1 * np.abs(largest), np.nan),
        "largest_energy": np.where(np.isfinite(energy), energy, np.nan),
        "largest_energy_error": np.where(np.isfinite(energy), 0.3 * energy, np.nan),
        "n_true": n_true,
        "n_false": np.bincount(owner, minlength=n) - n_true,
    }


def _texts(tic: np.ndarray, sector: np.ndarray) -> dict[str, list[str]]:
    """What each light curve is called, and names and checksums of its files."""
    units = [LightCurveId(*unit) for unit in zip(tic.tolist(), sector.tolist(), strict=True)]
    return {
        "catalogue": [unit.catalogue for unit in units],
        "product": [unit.product for unit in units],
        "path": [str(unit.path(Path())) for unit in units],
        "input_file": [
            f"tess2018206045859-s{unit.sector:04d}-{unit.tic:016d}-0120-s_lc.fits" for unit in units
        ],
        **{
            name: [hashlib.sha256(f"{name} of {unit.name}".encode()).hexdigest() for unit in units]
            for name in ("content_sha256", "input_sha256")
        },
    }


def _table(
    name: str, n_rows: int, columns: Mapping[str, Any], rng: np.random.Generator
) -> pa.Table:
    """A table of the index; numbers that nobody gave are drawn at random."""
    return pa.table(list(_columns(name, n_rows, columns, rng)), schema=SCHEMAS[name])


def _columns(
    name: str, n_rows: int, columns: Mapping[str, Any], rng: np.random.Generator
) -> Iterator[pa.Array]:
    for field in SCHEMAS[name]:
        values = columns.get(field.name)
        if values is None:
            values = 100 * rng.random(n_rows)
        elif np.ndim(values) == 0:
            values = [values] * n_rows
        if pa.types.is_string(field.type):
            yield pa.array(values, field.type)
            continue
        numbers = np.asarray(values)
        yield pa.array(numbers.astype(field.type.to_pandas_dtype()), field.type, from_pandas=True)
