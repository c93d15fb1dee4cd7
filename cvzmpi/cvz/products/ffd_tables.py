"""Flare frequency distributions as tables with units: stars, light curves, and flares."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from astropy import units as u
from astropy.table import QTable, vstack

from cvzmpi.cvz.products.cumulative_ffd import CumulativeFfd
from cvzmpi.cvz.products.ffd import StarFfd
from cvzmpi.cvz.products.tess_band import band_luminosity
from cvzmpi.errors import ConfigError, one_line

FORMATS = {"ecsv": "ascii.ecsv", "parquet": "parquet"}

_PER_DAY = 1 / u.d
_ED = "equivalent duration, of the fitted flare template"
_STARS: dict[str, tuple[Any, str]] = {
    "tic": (None, "TIC number"),
    "n_sectors": (None, "light curves"),
    "evaluated": (u.d, "time in which the detector could look"),
    "searched": (u.d, "of it, time in which a flare would be one of its own"),
    "n_flares": (None, "flares found"),
    "ed_min": (u.s, "smallest equivalent duration that counts: the asked completeness"),
    "ed_max": (u.s, "largest equivalent duration that counts"),
    "n_counted": (None, "flares found between these"),
    "index": (None, "dN/dED ~ ED^-index"),
    "index_low": (None, "68.27 %"),
    "index_high": (None, "68.27 %"),
    "index_low_95": (None, "95 %"),
    "index_high_95": (None, "95 %"),
    "index_assumed": (None, "too few flares: the index is not this star's"),
    "rate": (_PER_DAY, "flares between ed_min and ed_max, corrected for completeness"),
    "rate_low": (_PER_DAY, "68.27 %"),
    "rate_high": (_PER_DAY, "68.27 %"),
    "rate_low_95": (_PER_DAY, "95 %"),
    "rate_high_95": (_PER_DAY, "95 %"),
    "rate_limit": (_PER_DAY, "upper limit of the rate, 95 %, one-sided"),
    "tess_magnitude": (u.mag, "from the FITS header"),
    "temperature": (u.K, "from the FITS header"),
    "radius": (u.R_sun, "from the FITS header"),
    "luminosity": (u.erg / u.s, "quiescent, in the TESS band, as a blackbody"),
    "energy_min": (u.erg, "of a flare of ed_min, in the TESS band"),
    "n_configurations": (None, "more than 1: the light curves were not searched alike"),
}
_SECTORS: dict[str, tuple[Any, str]] = {
    "tic": (None, "TIC number"),
    "sector": (None, ""),
    "evaluated": (u.d, "time in which the detector could look"),
    "searched": (u.d, "of it, time in which a flare would be one of its own"),
    "n_flares": (None, "flares found"),
    "n_counted": (None, "of them between the star's ed_min and ed_max"),
    "rate": (_PER_DAY, "between these, at the star's index, corrected for completeness"),
    "rate_low": (_PER_DAY, "68.27 %, for the index as it is"),
    "rate_high": (_PER_DAY, "68.27 %, for the index as it is"),
    "flare_energy": (None, "sum of the equivalent durations over the evaluated time"),
    "flare_energy_error": (None, "standard error, with the chance of which flares happened"),
} | {
    f"ed_{percent}{part}": (None if part == "_relation" else u.s, meaning)
    for percent in (10, 50, 90)
    for part, meaning in (
        ("", f"equivalent duration of which {percent} % are found"),
        ("_relation", "=; > where not even the largest injected, < where even the smallest"),
        ("_low", "68.27 %"),
        ("_high", "68.27 %"),
    )
}
_FLARES: dict[str, tuple[Any, str]] = {
    "tic": (None, "TIC number"),
    "sector": (None, ""),
    "peak_time": (u.d, "BTJD"),
    "amplitude": (None, "of the brightest cadence, relative to the median flux"),
    "ed": (u.s, _ED),
    "ed_error": (u.s, "standard error"),
    "ed_mask": (u.s, "equivalent duration, summed over the flare mask"),
    "energy": (u.erg, "in the TESS band"),
    "completeness": (None, "of the search that found it"),
    "raw_rate": (_PER_DAY, "flares of this star at least as large, as found"),
    "rate": (_PER_DAY, "the same, corrected for completeness"),
    "rate_low": (_PER_DAY, "68.27 %"),
    "rate_high": (_PER_DAY, "68.27 %"),
}


@dataclass(frozen=True)
class FfdTables:
    """The results for several stars.

    Attributes
    ----------
    stars, sectors, flares : QTable
        One row per star, per star and sector, and per flare (the points of the cumulative
        distribution, largest first). What is not known is NaN.
    """

    stars: QTable
    sectors: QTable
    flares: QTable

    @classmethod
    def of(cls, stars: Iterable[StarFfd]) -> FfdTables:
        """Put the results into tables."""
        star_rows, sector_rows, flare_tables = [], [], [_table(_FLARES, [])]
        for star in stars:
            luminosity = _luminosity(star.header)
            star_rows.append(_star_row(star, luminosity))
            sector_rows += _sector_rows(star)
            flare_tables.append(_flare_table(star, luminosity))
        return cls(
            _table(_STARS, star_rows),
            _table(_SECTORS, sector_rows),
            vstack(flare_tables[1:] or flare_tables, metadata_conflicts="silent"),
        )

    def write(self, directory: Path, kind: str = "ecsv") -> list[Path]:
        """Write `ffd_stars`, `ffd_sectors` and `ffd_flares`; each takes its name when it is whole.

        Parameters
        ----------
        directory : Path
            Is created where missing; tables of these names are replaced.
        kind : str
            `ecsv` or `parquet`.

        Raises
        ------
        ConfigError
            If they cannot be written there.
        """
        try:
            return self._write(directory, kind)
        except OSError as error:
            raise ConfigError(f"{directory}: cannot write here: {one_line(error)}") from error

    def _write(self, directory: Path, kind: str) -> list[Path]:
        directory.mkdir(parents=True, exist_ok=True)
        paths = []
        for name in ("stars", "sectors", "flares"):
            path = directory / f"ffd_{name}.{kind}"
            aside = path.with_name(f"{path.name}.new")
            getattr(self, name).write(aside, format=FORMATS[kind], overwrite=True)
            aside.replace(path)
            paths.append(path)
        return paths


def _table(columns: dict[str, tuple[Any, str]], rows: list[tuple[Any, ...]]) -> QTable:
    """A table of these columns, with units and descriptions."""
    table = QTable()
    values = list(zip(*rows, strict=True)) if rows else [np.empty(0)] * len(columns)
    for (name, (unit, description)), column in zip(columns.items(), values, strict=True):
        table[name] = np.array(column) if unit is None else np.array(column, float) * unit
        table[name].info.description = description
    return table


def _star_row(star: StarFfd, luminosity: float) -> tuple[Any, ...]:
    law, nothing = star.power_law, (math.nan, math.nan)
    return (
        star.tic,
        len(star.sectors),
        sum(sector.evaluated for sector in star.sectors),
        star.time.searched,
        sum(len(sector.duration) for sector in star.sectors),
        star.lower,
        star.upper,
        star.n_flares,
        star.index,
        *(nothing if law is None else law.index_interval),
        *(nothing if law is None else law.index_interval_95),
        law is None,
        star.rate,
        *star.interval,
        *star.interval_95,
        star.upper_limit,
        *(_fact(star.header, name) for name in ("TESSMAG", "TEFF", "RADIUS")),
        luminosity,
        star.lower * luminosity,
        len({sector.config_hash for sector in star.sectors}),
    )


def _sector_rows(star: StarFfd) -> list[tuple[Any, ...]]:
    rows = []
    for sector, rate in zip(star.sectors, star.sector_rates(), strict=True):
        limits = [sector.completeness.limit(level) for level in (0.1, 0.5, 0.9)]
        rows.append(
            (
                star.tic,
                sector.sector,
                sector.evaluated,
                sector.searched,
                len(sector.duration),
                rate.n_flares,
                rate.rate,
                *rate.interval,
                rate.flare_energy,
                rate.flare_energy_error,
                *(
                    value
                    for limit in limits
                    for value in (limit.value, limit.relation, limit.low, limit.high)
                ),
            )
        )
    return rows


def _flare_table(star: StarFfd, luminosity: float) -> QTable:
    ffd = CumulativeFfd.of(star)
    return _table(
        _FLARES,
        list(
            zip(
                np.full(len(ffd.duration), star.tic),
                ffd.sector,
                ffd.peak_time,
                ffd.amplitude,
                ffd.duration,
                ffd.duration_error,
                ffd.mask_duration,
                ffd.duration * luminosity,
                ffd.completeness,
                ffd.raw_rate,
                ffd.rate,
                ffd.low,
                ffd.high,
                strict=True,
            )
        ),
    )


def _luminosity(header: dict[str, Any]) -> float:
    """Quiescent luminosity in erg/s; NaN where the header does not know the star."""
    radius, temperature = _fact(header, "RADIUS"), _fact(header, "TEFF")
    if not (radius > 0 and temperature > 0):
        return math.nan
    return float(band_luminosity(radius, temperature).value)


def _fact(header: dict[str, Any], name: str) -> float:
    """A number from the header; NaN where there is none."""
    value = header.get(name)
    return float(value) if isinstance(value, int | float) else math.nan
