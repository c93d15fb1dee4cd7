"""Files that lightkurve wrote with `to_fits`: where they have what SPOC's have elsewhere.

lightkurve leaves out the cadence and the zero of the times, and calls flux and target otherwise.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cvzmpi.cvz.light_curves.readers.reader import TIME_ZEROS
from cvzmpi.errors import LightCurveError

_CREATOR = "lightkurve"
_OF_ARCHIVE = ("electron/s", "e-/s")
_FORMATS = ("btjd", "bkjd", "jd")


def is_by_lightkurve(primary: Any) -> bool:
    """True for the primary header of a file that lightkurve wrote."""
    return str(primary.get("CREATOR", "")).startswith(_CREATOR)


def identity_cards(path: Path, primary: Any) -> tuple[Any, Any]:
    """The target and the sector, as they are written.

    Raises
    ------
    LightCurveError
        If one of them is missing, as where the light curve was none of TESS.
    """
    tic, sector = primary.get("TICID", primary.get("TARGETID")), primary.get("SECTOR")
    if tic is None or sector is None:
        raise LightCurveError(
            f"{path}: written by lightkurve without target or sector: expected one of a "
            "TessLightCurve, or to_fits(..., TARGETID=TIC, SECTOR=SECTOR)"
        )
    return tic, sector


def column_names(path: Path, columns: set[str]) -> tuple[str, str, str, str | None]:
    """The columns of time, flux, its error and quality; None where there is no quality.

    Raises
    ------
    LightCurveError
        If there is no flux with an error.
    """
    for flux in ("PDCSAP_FLUX", "FLUX"):
        if {"TIME", flux, f"{flux}_ERR"} <= columns:
            quality = next((name for name in ("QUALITY", "SAP_QUALITY") if name in columns), None)
            return "TIME", flux, f"{flux}_ERR", quality
    raise LightCurveError(
        f"{path}: written by lightkurve without the columns TIME, FLUX and FLUX_ERR: found "
        f"{', '.join(sorted(columns))}"
    )


def flux_unit(table: Any, name: str) -> str | None:
    """The unit of a column of flux, as astropy writes it: None for e-/s, empty for none."""
    unit = table.columns[name].unit or ""
    return None if unit.replace(" ", "") in _OF_ARCHIVE else unit


def time_offset(path: Path, table: Any) -> float:
    """Days to be added to the column TIME to have BTJD.

    Raises
    ------
    LightCurveError
        If the times are in another format than BTJD, BKJD or JD.
    """
    unit = table.columns["TIME"].unit
    if unit not in _FORMATS:
        raise LightCurveError(
            f"{path}: written by lightkurve with times in {unit!r}, expected 'btjd', 'bkjd' or 'jd'"
        )
    return TIME_ZEROS[unit]
