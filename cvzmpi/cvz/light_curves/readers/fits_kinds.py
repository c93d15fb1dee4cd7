"""The kinds of FITS files with light curves: told by their headers, with columns and identity."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from cvzmpi.cvz.light_curves.exposure import SECONDS_PER_DAY, nominal_seconds
from cvzmpi.cvz.light_curves.identity import MAX_SECTOR, MAX_TIC, LightCurveId, is_identity
from cvzmpi.cvz.light_curves.readers import lightkurve_file
from cvzmpi.cvz.light_curves.readers.reader import (
    BTJD_ZERO,
    KEPLER_COLUMNS,
    QLP_NEW_COLUMNS,
    SPOC,
    SPOC_COLUMNS,
    TESS_SPOC,
    Columns,
    Kind,
    by_lightkurve,
    kepler,
    qlp,
)
from cvzmpi.errors import LightCurveError

_MAX_QUARTER = 999
"""Quarters of Kepler go from 0 to 17, campaigns of K2 from 0 to 19, with halves as 91, 92, ..."""

_FILES_WITH_UTC = 5.0
"""Files of Kepler before this version (FILEVER) have UTC for TDB, some 66 s less (MAST's statement
on the Kepler timing error)."""


def kind_of(hdus: Any) -> Kind:
    """The kind of a FITS file; that of SPOC's, whose reader says what is wrong, where none fits."""
    primary = hdus[0].header
    if lightkurve_file.is_by_lightkurve(primary):
        return by_lightkurve(_mission(primary))
    if is_qlp(primary):
        sector = primary.get("SECTOR")
        return qlp(sector if isinstance(sector, int) else 1)
    if "KEPLERID" in primary:
        return kepler("EPIC" if _mission(primary) == "K2" else "KIC")
    seconds = _timedel(hdus)
    return TESS_SPOC if nominal_seconds(seconds) in TESS_SPOC.exposures else SPOC


def is_qlp(primary: Any) -> bool:
    """True for the primary header of a file of QLP."""
    return "mit/qlp" in str(primary.get("ORIGIN", "")).lower()


def _mission(primary: Any) -> str:
    """TESS, Kepler or K2."""
    if "TICID" in primary:
        return "TESS"
    mission = str(primary.get("MISSION", "TESS"))
    return mission if mission in ("Kepler", "K2") else "TESS"


def identity(path: Path, hdus: Any) -> LightCurveId:
    """The target and the sector, quarter or campaign that the primary header names.

    Raises
    ------
    LightCurveError
        If they are no whole numbers of the archive's range. A number as text, as a floating point
        number, or as a logical value is none: the archive has whole numbers, and whoever wrote
        another may have lost digits.
    """
    primary, kind = hdus[0].header, kind_of(hdus)
    if kind.catalogue != "TIC":
        return _of_kepler(path, primary)
    if kind.name == "lightkurve":
        tic, sector = lightkurve_file.identity_cards(path, primary)
    else:
        tic, sector = primary.get("TICID"), primary.get("SECTOR")
    if not is_identity(tic, sector):
        raise LightCurveError(
            f"{path}: TICID = {tic!r}, SECTOR = {sector!r}: not a TESS light curve; expected whole "
            f"numbers from 1 to {MAX_TIC} and from 1 to {MAX_SECTOR}"
        )
    return LightCurveId(tic, sector)


def _of_kepler(path: Path, primary: Any) -> LightCurveId:
    """Number of the catalogue, and quarter or campaign, which begin with 0."""
    key = "CAMPAIGN" if _mission(primary) == "K2" else "QUARTER"
    number, quarter = primary.get("KEPLERID"), primary.get(key)
    whole = type(quarter) is int and 0 <= quarter <= _MAX_QUARTER
    if not (whole and is_identity(number, 1)):
        raise LightCurveError(
            f"{path}: KEPLERID = {number!r}, {key} = {quarter!r}: not a Kepler light curve; "
            f"expected whole numbers from 1 to {MAX_TIC} and from 0 to {_MAX_QUARTER}"
        )
    return LightCurveId(number, quarter)


def columns_of(path: Path, hdus: Any, kind: Kind, present: set[str]) -> Columns:
    """The columns of a kind, all of which are there.

    Raises
    ------
    LightCurveError
        Naming one that is missing.
    """
    if kind.name == "lightkurve":
        return Columns(*lightkurve_file.column_names(path, present))
    if kind.name == "qlp":
        # The flux as measured, as lightkurve takes it: what removes trends also removes a part of
        # flares. Its error is given with the flux without trends only.
        new = (hdus[0].header.get("SECTOR") or 0) >= QLP_NEW_COLUMNS
        error = "DET_FLUX_ERR" if new else "KSPSAP_FLUX_ERR"
        columns = Columns("TIME", "SAP_FLUX", error, "QUALITY")
    else:
        columns = KEPLER_COLUMNS if kind.name == "kepler" else SPOC_COLUMNS
    missing = set(columns) - present
    if missing:
        of_whom = {"spoc": "SPOC", "tess-spoc": "TESS-SPOC", "qlp": "QLP", "kepler": "Kepler"}
        raise LightCurveError(
            f"{path}: not a {of_whom[kind.name]} light curve: no column {min(map(str, missing))}"
        )
    return columns


def _timedel(hdus: Any) -> float:
    """The time from one cadence to the next that the header says, in seconds; NaN for none."""
    try:  # to ask for the number of extensions would read the headers of all
        days = hdus[1].header.get("TIMEDEL")
    except IndexError:
        return math.nan
    return days * SECONDS_PER_DAY if isinstance(days, float) else math.nan


def header_seconds(path: Path, hdus: Any, kind: Kind) -> float | None:
    """The exposure that the header says, in seconds; None where the times must tell.

    Raises
    ------
    LightCurveError
        If it is none of the exposures of this kind.
    """
    if not kind.exposures:
        return None
    seconds = _timedel(hdus)
    if math.isnan(seconds) and kind.name == "qlp":  # not all of its versions have it
        return None
    nominal = nominal_seconds(seconds)
    if nominal not in kind.exposures:
        found = "unknown" if math.isnan(seconds) else f"{seconds:.0f} s"
        # those of full-frame images as well, since the exposure tells them from SPOC's
        of_tess = {*SPOC.exposures, *TESS_SPOC.exposures}
        known = sorted(of_tess if kind is SPOC else kind.exposures)
        *most, last = (f"{exposure:.0f} s" for exposure in known)
        expected = f"{', '.join(most)} or {last}"
        raise LightCurveError(f"{path}: cadence is {found}, expected {expected}")
    return nominal


def time_offset(path: Path, table: Any, kind: Kind) -> float:
    """Days to be added to the column TIME to have BTJD.

    Raises
    ------
    LightCurveError
        If the header of the table does not say what TIME is counted from, or not in days of
        barycentric dynamical time.
    """
    if kind.name == "lightkurve":
        return lightkurve_file.time_offset(path, table)
    header = table.header
    # QLP's files call the fraction BJDREFR
    key = "BJDREFR" if "BJDREFR" in header and "BJDREFF" not in header else "BJDREFF"
    whole, fraction = header.get("BJDREFI"), header.get(key, 0.0)
    known = all(type(x) in {int, float} and math.isfinite(x) for x in (whole, fraction))
    if not known:
        raise LightCurveError(
            f"{path}: BJDREFI = {whole!r}, {key} = {fraction!r}: expected the BJD that TIME is "
            f"counted from ({BTJD_ZERO} for BTJD)"
        )
    for key, expected, words in (
        ("TIMEUNIT", "d", "days"),
        ("TIMESYS", "TDB", "barycentric dynamical time"),
    ):
        found = header.get(key, expected)
        if found != expected:
            raise LightCurveError(f"{path}: {key} = {found!r}, expected {expected!r}, {words}")
    return float(whole - BTJD_ZERO + fraction)


def notes_of(primary: Any, kind: Kind) -> list[str]:
    """What is to be told of all files like this one."""
    notes = []
    if kind.name == "lightkurve":
        notes.append("written by lightkurve")
    try:
        version = float(primary.get("FILEVER", _FILES_WITH_UTC))
    except (TypeError, ValueError):
        version = _FILES_WITH_UTC
    if kind.name == "kepler" and version < _FILES_WITH_UTC:
        notes.append(f"FILEVER = {version:g}: its times are UTC, some 66 s before TDB")
    return notes
