"""Flare frequency distributions as tables with units: stars, light curves, and flares."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from astropy.table import QTable

from cvzmpi.cvz.quality.quality_marks import marks_text
from cvzmpi.cvz.results.products.cumulative_ffd import CumulativeFfd
from cvzmpi.cvz.results.products.ffd import StarFfd
from cvzmpi.cvz.results.products.ffd_columns import FLARES, SECTORS, STARS, TABLES, table_of
from cvzmpi.cvz.results.products.tess_band import band_luminosity
from cvzmpi.errors import ConfigError, one_line

FORMATS = {"ecsv": "ascii.ecsv", "parquet": "parquet"}

Row = tuple[Any, ...]


@dataclass(frozen=True)
class StarRows:
    """The rows of one star: of the table of stars, of light curves and of flares.

    Attributes
    ----------
    star : tuple
    sectors, flares : list of tuple
        In the order of the columns of `ffd_columns`.
    """

    star: Row
    sectors: list[Row]
    flares: list[Row]

    @classmethod
    def of(cls, star: StarFfd) -> StarRows:
        """The rows of a star."""
        luminosity = _luminosity(star.facts)
        return cls(_star_row(star, luminosity), _sector_rows(star), _flare_rows(star, luminosity))


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
    def of(cls, stars: Iterable[StarRows]) -> FfdTables:
        """Put the rows of all stars into tables."""
        stars = list(stars)
        return cls(
            table_of(STARS, [rows.star for rows in stars]),
            table_of(SECTORS, [row for rows in stars for row in rows.sectors]),
            table_of(FLARES, [row for rows in stars for row in rows.flares]),
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
        for name in TABLES:
            path = directory / f"ffd_{name}.{kind}"
            aside = path.with_name(f"{path.name}.new")
            getattr(self, name).write(aside, format=FORMATS[kind], overwrite=True)
            aside.replace(path)
            paths.append(path)
        return paths


def _star_row(star: StarFfd, luminosity: float) -> Row:
    law, nothing = star.power_law, (math.nan, math.nan)
    return (
        star.tic,
        len(star.sectors),
        sum(sector.evaluated for sector in star.sectors),
        star.time.searched,
        sum(len(sector.duration) for sector in star.sectors),
        sum(sector.n_not_positive for sector in star.sectors),
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
        *(_or_nan(star.facts[name]) for name in ("tess_magnitude", "temperature", "radius")),
        luminosity,
        star.lower * luminosity,
        len({sector.config_hash for sector in star.sectors}),
        star.marks,
    )


def _sector_rows(star: StarFfd) -> list[Row]:
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
                sector.n_not_positive,
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
                _or_nan(sector.facts["crowdsap"]),
                marks_text(sector.marks),
            )
        )
    return rows


def _flare_rows(star: StarFfd, luminosity: float) -> list[Row]:
    ffd = CumulativeFfd.of(star)
    columns = (
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
        ffd.at_edge,
    )
    return [(star.tic, *cells) for cells in zip(*(c.tolist() for c in columns), strict=True)]


def _luminosity(facts: Mapping[str, Any]) -> float:
    """Quiescent luminosity in erg/s; NaN where the header does not know the star."""
    radius, temperature = _or_nan(facts["radius"]), _or_nan(facts["temperature"])
    if not (radius > 0 and temperature > 0):
        return math.nan
    return float(band_luminosity(radius, temperature).value)


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else float(value)
