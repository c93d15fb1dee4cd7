"""Tables of astropy, with units and descriptions, from columns that are declared with both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from astropy import units as u
from astropy.table import QTable
from astropy.time import Time

from cvzmpi.cvz.light_curves.light_curve import FLUX_UNIT
from cvzmpi.cvz.light_curves.readers.reader import BTJD_ZERO
from cvzmpi.cvz.results.products.ffd import StarFfd
from cvzmpi.cvz.results.products.ffd_tables import FLARES as FFD_FLARES
from cvzmpi.cvz.results.products.ffd_tables import STARS, star_rows
from cvzmpi.cvz.sector_file.layout import Column


def time_of(btjd: np.ndarray) -> Time:
    """BTJD as astropy's `Time`; in two parts, so that no digit is lost."""
    return Time(np.full(np.shape(btjd), float(BTJD_ZERO)), btjd, format="jd", scale="tdb")


def unit_of_flux(header: Mapping[str, Any]) -> u.UnitBase:
    """The unit of the flux of a light curve: e-/s as in the archive, or as it was given."""
    given = header.get(FLUX_UNIT)
    return u.electron / u.s if given is None else u.Unit(given, parse_strict="silent")


def table_of(
    columns: Mapping[str, Column], values: Mapping[str, Any], meta: Mapping[str, Any]
) -> QTable:
    """A table with the columns of which there are values; times are `Time`."""
    table = QTable(meta=dict(meta))
    for name, column_values in values.items():
        column = columns[name]
        if name.endswith("_time"):
            table[name] = time_of(np.asarray(column_values))
        else:
            table[name] = column_values * u.Unit(column.unit) if column.unit else column_values
        table[name].info.description = column.description
    return table


def ffd_table(star: StarFfd, left_out: Iterable[str] = ()) -> QTable:
    """The cumulative flare frequency distribution, the largest flare first.

    What is known of the star as a whole (`ffd_tables.STARS`) is in its `meta`.
    """
    rows = star_rows(star)
    flares = rows["flares"]
    values = {
        name: np.array([row[number] for row in flares], column.dtype)
        for number, (name, column) in enumerate(FFD_FLARES.items())
    }
    known = dict(zip(STARS, rows["stars"][0], strict=True))
    meta = {
        name: value * u.Unit(STARS[name].unit) if STARS[name].unit else value
        for name, value in known.items()
    }
    return table_of(FFD_FLARES, values, meta | {"left_out": list(left_out)})
