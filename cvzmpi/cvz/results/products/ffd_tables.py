"""Tables of flare frequency distributions, with units: of stars, of light curves, and of flares.

Each row has the values of the columns of its table, in their order; what is not known is NaN.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from astropy import units as u
from astropy.table import QTable

from cvzmpi.cvz.quality.quality_marks import marks_text
from cvzmpi.cvz.results.products.ffd import MEASURES, StarFfd, cumulative_ffd
from cvzmpi.cvz.results.products.measured_flares import COLUMNS
from cvzmpi.cvz.results.products.tess_band import FlareEnergyScale, band_luminosity
from cvzmpi.cvz.sector_file.layout import Column
from cvzmpi.errors import ConfigError, one_line

_MOST_NAMED = 4
"""Stars whose numbers are all in the names of their tables."""

FORMATS = {"ecsv": "ascii.ecsv", "parquet": "parquet"}

Rows = dict[str, list[tuple[Any, ...]]]
"""Rows of a star by name of the table; in `flares` its flares, the largest first."""

_unit = cache(u.Unit)  # a table whose columns share a unit names it once
_ENERGY = "sum of the positive equivalent durations over the evaluated time"
_ENERGY_ERROR = "standard error, with the chance of which flares happened"
_CROWDSAP = "the star's share of the light in the aperture, from the FITS header"
_EVALUATED = "time of the cadences that the search looked at"
_SEARCHED = "of it, time in which a flare would be one of its own"
_MARKS = "quality marks, separated by commas"
_N_TRUE = "expected real flares between these: the sum of all reliabilities"
_RELATION = "=; > where not even the largest injected, < where even the smallest"

_STAR = {
    "tic": Column("i8", "", "number of the star in its catalogue"),
    "catalogue": Column("U", "", "TIC, or KIC of Kepler, or EPIC of K2"),
}

STARS = {
    **_STAR,
    "n_sectors": Column("i8", "", "light curves"),
    "evaluated": Column("f8", "d", _EVALUATED),
    "searched": Column("f8", "d", _SEARCHED),
    "n_flares": Column("i8", "", "flares found"),
    "n_not_positive": Column(
        "i8", "", "of them, without a positive equivalent duration: in no rate"
    ),
    "ed_min": Column("f8", "s", "smallest equivalent duration that counts: the asked completeness"),
    "ed_max": Column("f8", "s", "largest equivalent duration that counts"),
    "n_counted": Column("i8", "", "flares found between these, of the least reliability"),
    "n_true": Column("f8", "", _N_TRUE),
    "index": Column("f8", "", "dN/dED ~ ED^-index"),
    "index_low": Column("f8", "", "68.27 %"),
    "index_high": Column("f8", "", "68.27 %"),
    "index_low_95": Column("f8", "", "95 %"),
    "index_high_95": Column("f8", "", "95 %"),
    "index_assumed": Column("?", "", "too few flares: the index is not this star's"),
    "rate": Column(
        "f8", "1 / d", "real flares between ed_min and ed_max, corrected for completeness"
    ),
    "rate_low": Column("f8", "1 / d", "68.27 %"),
    "rate_high": Column("f8", "1 / d", "68.27 %"),
    "rate_low_95": Column("f8", "1 / d", "95 %"),
    "rate_high_95": Column("f8", "1 / d", "95 %"),
    "rate_limit": Column("f8", "1 / d", "upper limit of the rate, 95 %, one-sided"),
    "tess_magnitude": Column("f8", "mag", "from the FITS header"),
    "temperature": Column("f8", "K", "from the FITS header"),
    "radius": Column("f8", "R_sun", "from the FITS header"),
    "luminosity": Column("f8", "erg / s", "quiescent, in the band of the mission, as a blackbody"),
    "energy_min": Column("f8", "erg", "of a flare of ed_min, bolometric, as a blackbody of 9000 K"),
    "energy_min_error": Column("f8", "erg", "standard error, that of the star"),
    "n_configurations": Column("i8", "", "more than 1: the light curves were not searched alike"),
    "marks": Column("U", "", _MARKS),
}
SECTORS = {
    **_STAR,
    "sector": Column("i8", "", "TESS sector, or quarter of Kepler, or campaign of K2"),
    "product": Column("U", "", "maker and exposure in s of the light curve, as spoc-120"),
    "evaluated": Column("f8", "d", _EVALUATED),
    "searched": Column("f8", "d", _SEARCHED),
    "n_flares": Column("i8", "", "flares found"),
    "n_not_positive": Column(
        "i8", "", "of them, without a positive equivalent duration: in no rate"
    ),
    "n_counted": Column(
        "i8", "", "of them between the star's ed_min and ed_max, of the least reliability"
    ),
    "n_true": Column("f8", "", _N_TRUE),
    "rate": Column(
        "f8", "1 / d", "between these, at the star's index, corrected as that of the star"
    ),
    "rate_low": Column("f8", "1 / d", "68.27 %, for the index as it is"),
    "rate_high": Column("f8", "1 / d", "68.27 %, for the index as it is"),
    "flare_energy": Column("f8", "", _ENERGY),
    "flare_energy_error": Column("f8", "", _ENERGY_ERROR),
    **{
        f"ed_{percent}{part}": column
        for percent in (10, 50, 90)
        for part, column in (
            ("", Column("f8", "s", f"equivalent duration of which {percent} % are found")),
            ("_relation", Column("U", "", _RELATION)),
            ("_low", Column("f8", "s", "68.27 %")),
            ("_high", Column("f8", "s", "68.27 %")),
            ("_energy", Column("f8", "erg", "bolometric energy of a flare of it")),
            ("_energy_error", Column("f8", "erg", "standard error, that of the star")),
        )
    },
    "crowdsap": Column("f8", "", _CROWDSAP),
    "marks": Column("U", "", _MARKS),
}
FLARES = {
    **_STAR,
    "sector": Column("i8", "", "TESS sector, or quarter of Kepler, or campaign of K2"),
    **{name: COLUMNS[column] for name, column in MEASURES.items()},
    "completeness": Column("f8", "", "of the search that found it"),
    "raw_rate": Column(
        "f8", "1 / d", "flares of this star at least as large, as found; NaN: in none"
    ),
    "rate": Column("f8", "1 / d", "the same, corrected for completeness and reliability"),
    "rate_low": Column("f8", "1 / d", "68.27 %"),
    "rate_high": Column("f8", "1 / d", "68.27 %"),
}
TABLES = {"stars": STARS, "sectors": SECTORS, "flares": FLARES}
"""By name of the table."""


def star_rows(star: StarFfd) -> Rows:
    """The rows of a star in all tables."""
    flares = cumulative_ffd(star)
    flares["tic"] = np.full(len(flares["ed"]), star.tic)
    flares["catalogue"] = np.full(len(flares["ed"]), star.sectors[-1].id.catalogue)
    return {
        "stars": [_star_row(star)],
        "sectors": _sector_rows(star),
        "flares": list(zip(*(flares[name].tolist() for name in FLARES), strict=True)),
    }


def write_tables(
    stars: Sequence[Rows],
    directory: Path,
    kind: str = "ecsv",
    settings: Mapping[str, Any] = {},
    tics: Collection[int] = (),
) -> list[Path]:
    """Write `ffd_stars`, `ffd_sectors` and `ffd_flares`; each takes its name when it is whole.

    The directory is created where missing, tables of these names are replaced; `kind` is one of
    `FORMATS`, and `settings` are in the metadata of each table. Where the stars are some that were
    asked for, and not all, their `tics` are in the names: `ffd_stars_25155310`.

    Raises
    ------
    ConfigError
        If they cannot be written there.
    """
    paths = []
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, columns in TABLES.items():
            path = directory / f"ffd_{name}{_named_after(tics)}.{kind}"
            aside = path.with_name(f"{path.name}.new")
            table = QTable(
                rows=[row for star in stars for row in star[name]] or None,
                names=list(columns),
                dtype=[column.dtype for column in columns.values()],
                units={name: _unit(column.unit) for name, column in columns.items() if column.unit},
                descriptions={name: column.description for name, column in columns.items()},
                meta=dict(settings),
            )
            table.write(aside, format=FORMATS[kind], overwrite=True)
            aside.replace(path)
            paths.append(path)
    except OSError as error:
        raise ConfigError(f"{directory}: cannot write here: {one_line(error)}") from error
    return paths


def _named_after(tics: Collection[int]) -> str:
    """What the names of the tables of some stars have more than those of all stars."""
    shown = [f"_{tic}" for tic in sorted(tics)]
    if len(shown) <= _MOST_NAMED:
        return "".join(shown)
    digest = hashlib.sha256("".join(shown).encode()).hexdigest()[:8]
    return f"{''.join(shown[:1])}_and_{len(shown) - 1}_more_{digest}"


def _star_row(star: StarFfd) -> tuple[Any, ...]:
    law, nothing = star.power_law, (math.nan, math.nan)
    magnitude, temperature, radius = (
        _or_nan(star.facts[name]) for name in ("tess_magnitude", "temperature", "radius")
    )
    scale = star.sectors[-1].energy_scale
    known = math.isfinite(scale.power)
    return (
        star.tic,
        star.sectors[-1].id.catalogue,
        len(star.sectors),
        sum(sector.evaluated for sector in star.sectors),
        star.time.searched,
        sum(sector.n_flares for sector in star.sectors),
        sum(sector.n_not_positive for sector in star.sectors),
        star.lower,
        star.upper,
        star.n_flares,
        star.n_true,
        star.index,
        *(nothing if law is None else law.index_interval),
        *(nothing if law is None else law.index_interval_95),
        law is None,
        star.rate,
        *star.interval,
        *star.interval_95,
        star.upper_limit,
        magnitude,
        temperature,
        radius,
        band_luminosity(radius, temperature, star.sectors[-1].id.catalogue) if known else math.nan,
        *_energy(scale, star.lower),
        len({sector.config_hash for sector in star.sectors}),
        star.marks,
    )


def _sector_rows(star: StarFfd) -> list[tuple[Any, ...]]:
    rows = []
    for sector, rate in zip(star.sectors, star.sector_rates(), strict=True):
        limits = [sector.completeness.limit(level) for level in (0.1, 0.5, 0.9)]
        scale = sector.energy_scale
        rows.append(
            (
                star.tic,
                star.sectors[-1].id.catalogue,
                sector.sector,
                sector.product,
                sector.evaluated,
                sector.searched,
                sector.n_flares,
                sector.n_not_positive,
                rate.n_flares,
                rate.n_true,
                rate.rate,
                *rate.interval,
                rate.flare_energy,
                rate.flare_energy_error,
                *(
                    value
                    for limit in limits
                    for value in (
                        *(limit.value, limit.relation, limit.low, limit.high),
                        *_energy(scale, limit.value),
                    )
                ),
                _or_nan(sector.facts["crowdsap"]),
                marks_text(sector.marks),
            )
        )
    return rows


def _energy(scale: FlareEnergyScale, duration: float) -> tuple[float, float]:
    """The energy of an equivalent duration that is known, and its error."""
    energy, error = scale.energy(np.array(duration), np.zeros(()))
    return float(energy), float(error)


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else float(value)
