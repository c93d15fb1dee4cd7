"""The columns of the tables of flare frequency distributions: type, unit and meaning of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy import units as u
from astropy.table import QTable


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    type : type
        `int` (64 bits), `float` (64 bits), `bool` or `str`, whatever rows there are.
    unit : astropy unit or None
    description : str
    """

    type: type
    unit: Any
    description: str


_PER_DAY = 1 / u.d
_MARKS = "quality marks, separated by commas"


def _number(description: str, unit: Any = None) -> Column:
    return Column(float, unit, description)


def _count(description: str) -> Column:
    return Column(int, None, description)


STARS = {
    "tic": _count("TIC number"),
    "n_sectors": _count("light curves"),
    "evaluated": _number("time in which the detector could look", u.d),
    "searched": _number("of it, time in which a flare would be one of its own", u.d),
    "n_flares": _count("flares found"),
    "n_not_positive": _count("of them, without a positive equivalent duration: in no rate"),
    "ed_min": _number("smallest equivalent duration that counts: the asked completeness", u.s),
    "ed_max": _number("largest equivalent duration that counts", u.s),
    "n_counted": _count("flares found between these"),
    "index": _number("dN/dED ~ ED^-index"),
    "index_low": _number("68.27 %"),
    "index_high": _number("68.27 %"),
    "index_low_95": _number("95 %"),
    "index_high_95": _number("95 %"),
    "index_assumed": Column(bool, None, "too few flares: the index is not this star's"),
    "rate": _number("flares between ed_min and ed_max, corrected for completeness", _PER_DAY),
    "rate_low": _number("68.27 %", _PER_DAY),
    "rate_high": _number("68.27 %", _PER_DAY),
    "rate_low_95": _number("95 %", _PER_DAY),
    "rate_high_95": _number("95 %", _PER_DAY),
    "rate_limit": _number("upper limit of the rate, 95 %, one-sided", _PER_DAY),
    "tess_magnitude": _number("from the FITS header", u.mag),
    "temperature": _number("from the FITS header", u.K),
    "radius": _number("from the FITS header", u.R_sun),
    "luminosity": _number("quiescent, in the TESS band, as a blackbody", u.erg / u.s),
    "energy_min": _number("of a flare of ed_min, in the TESS band", u.erg),
    "n_configurations": _count("more than 1: the light curves were not searched alike"),
    "marks": Column(str, None, _MARKS),
}
SECTORS = {
    "tic": _count("TIC number"),
    "sector": _count("TESS sector"),
    "evaluated": _number("time in which the detector could look", u.d),
    "searched": _number("of it, time in which a flare would be one of its own", u.d),
    "n_flares": _count("flares found"),
    "n_not_positive": _count("of them, without a positive equivalent duration: in no rate"),
    "n_counted": _count("of them between the star's ed_min and ed_max"),
    "rate": _number("between these, at the star's index, corrected for completeness", _PER_DAY),
    "rate_low": _number("68.27 %, for the index as it is", _PER_DAY),
    "rate_high": _number("68.27 %, for the index as it is", _PER_DAY),
    "flare_energy": _number("sum of the positive equivalent durations over the evaluated time"),
    "flare_energy_error": _number("standard error, with the chance of which flares happened"),
    **{
        f"ed_{percent}{part}": column
        for percent in (10, 50, 90)
        for part, column in (
            ("", _number(f"equivalent duration of which {percent} % are found", u.s)),
            (
                "_relation",
                Column(
                    str,
                    None,
                    "=; > where not even the largest injected, < where even the smallest",
                ),
            ),
            ("_low", _number("68.27 %", u.s)),
            ("_high", _number("68.27 %", u.s)),
        )
    },
    "crowdsap": _number("the star's share of the light in the aperture, from the FITS header"),
    "marks": Column(str, None, _MARKS),
}
FLARES = {
    "tic": _count("TIC number"),
    "sector": _count("TESS sector"),
    "peak_time": _number("BTJD", u.d),
    "amplitude": _number("of the brightest cadence, relative to the median flux"),
    "ed": _number("equivalent duration, of the fitted flare template", u.s),
    "ed_error": _number("standard error", u.s),
    "ed_mask": _number("equivalent duration, summed over the flare mask", u.s),
    "energy": _number("in the TESS band", u.erg),
    "completeness": _number("of the search that found it"),
    "raw_rate": _number("flares of this star at least as large, as found", _PER_DAY),
    "rate": _number("the same, corrected for completeness", _PER_DAY),
    "rate_low": _number("68.27 %", _PER_DAY),
    "rate_high": _number("68.27 %", _PER_DAY),
    "at_edge": Column(bool, None, "touches a gap or the end of the search: a part may be missing"),
}
TABLES = {"stars": STARS, "sectors": SECTORS, "flares": FLARES}
"""By name of the table."""


def table_of(columns: Mapping[str, Column], rows: Sequence[tuple[Any, ...]]) -> QTable:
    """A table of these columns, each of its type, also without rows."""
    table = QTable()
    values = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    for (name, column), cells in zip(columns.items(), values, strict=True):
        array: np.ndarray = np.array(cells, column.type)
        table[name] = array if column.unit is None else array * column.unit
        table[name].info.description = column.description
    return table
