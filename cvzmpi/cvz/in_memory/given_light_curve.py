"""A light curve in whatever form it is given, as the stages take it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias, Union

from astropy.timeseries import TimeSeries

from cvzmpi.cvz.light_curves.identity import is_identity
from cvzmpi.cvz.light_curves.light_curve import LightCurve
from cvzmpi.cvz.light_curves.readers.any_file import read_file
from cvzmpi.cvz.light_curves.readers.columns_input import of_columns
from cvzmpi.cvz.light_curves.readers.given_columns import NAME, GivenColumns
from cvzmpi.errors import ConfigError, LightCurveError
from cvzmpi.given_path import expanded_argument

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

GivenLightCurve: TypeAlias = Union[
    str,
    "os.PathLike[str]",
    TimeSeries,
    "tuple[ArrayLike, ArrayLike]",
    "tuple[ArrayLike, ArrayLike, ArrayLike | None]",
]

_EXPECTED = (
    "the path of a file, a light curve of lightkurve, a TimeSeries of astropy, or a tuple of "
    "time, flux and flux error"
)


def as_light_curve(
    given: GivenLightCurve,
    tic: int | None,
    sector: int | None,
    columns: Mapping[str, str] = MappingProxyType({}),
) -> LightCurve:
    """Read a light curve, or bring it to the form that the stages take.

    Rows that were left out of a light curve in memory are restored, without values.

    Parameters
    ----------
    columns : mapping
        Of `input.columns`, for tables.

    Raises
    ------
    LightCurveError
        If it is none, or cannot be read.
    ConfigError
        If `tic` or `sector` is no whole number of the archive's range.
    """
    _check_number("tic", tic, tic is None or is_identity(tic, 1))
    _check_number("sector", sector, sector is None or is_identity(1, sector, "KIC"))
    if isinstance(given, str | os.PathLike):
        light_curve = read_file(expanded_argument(given), columns)
    elif isinstance(given, TimeSeries):
        light_curve = of_columns(GivenColumns.of_series(given))
    elif isinstance(given, tuple) and len(given) in (2, 3):
        light_curve = of_columns(GivenColumns.of_arrays(*given))
    else:
        raise LightCurveError(f"{NAME}: expected {_EXPECTED}, not {type(given).__name__}")
    catalogue = light_curve.id.catalogue  # quarters and campaigns begin with 0
    _check_number("sector", sector, sector is None or is_identity(1, sector, catalogue))
    return replace(
        light_curve,
        tic=light_curve.tic if tic is None else tic,
        sector=light_curve.sector if sector is None else sector,
    )


def _check_number(name: str, value: int | None, is_right: bool) -> None:
    """Refuse a number of a star or sector that is none."""
    if not is_right:
        raise ConfigError(f"{name} = {value!r}: expected a whole number of the archive's range")
