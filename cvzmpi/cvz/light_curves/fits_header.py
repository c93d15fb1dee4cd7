"""The headers of a light curve: target and sector, its processing, and facts about the star."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cvzmpi.cvz.light_curves.exposure import SECONDS_PER_DAY, exposure_of
from cvzmpi.cvz.light_curves.fits_file import damaged, opened, read_beginning, read_content
from cvzmpi.cvz.light_curves.identity import LightCurveId, is_identity
from cvzmpi.cvz.light_curves.readers.fits_kinds import (
    columns_of,
    header_seconds,
    identity,
    is_qlp,
    kind_of,
)
from cvzmpi.cvz.light_curves.readers.reader import Columns
from cvzmpi.cvz.product_names import SPOC_20, SPOC_120, product_name
from cvzmpi.errors import DamagedLightCurveError, LightCurveError

# The headers of the archive's light curves take 23 kB; these are tried one after the other.
_HEADER_BYTES = (64 * 1024, 1024 * 1024)

# Facts in the order of the output file, each with its types, or the range of a number: those of the
# primary header, then those of the light curve's own, which knows about the aperture (the target's
# share of the light in it, and the share of the target's light that is in it).
_FACTS: dict[str, Any] = {
    "OBJECT": str,
    "RA_OBJ": (0, 360),
    "DEC_OBJ": (-90, 90),
    "TESSMAG": (-5, 30),
    "KEPMAG": (-5, 30),
    "TEFF": (100, 1e6),
    "LOGG": (-5, 12),
    "MH": (-10, 10),
    "FEH": (-10, 10),
    "RADIUS": (1e-4, 1e5),
    "TICVER": str | int | float,
    "CAMERA": (1, 4),
    "CCD": (1, 4),
    "ORIGIN": str,
    "PROCVER": str,
    "DATA_REL": (0, 1e6),
    "SIMDATA": bool,
}
_STAR_FACTS, _UNKNOWN_OF_QLP = ("TEFF", "LOGG", "MH", "RADIUS"), -1.0
"""What QLP writes -1.0 for where the TIC does not say it."""

_APERTURE_FACTS: dict[str, Any] = {"CROWDSAP": (0, 1), "FLFRCSAP": (0, 1)}

_ARCHIVE_NAME = re.compile(r"tess\d{13}-s(\d{4})-(\d{16})-(\d{4})-.*?(fast-)?lc\.fits(?:\.gz)?")
_HLSP_VERSION = re.compile(r"hlsp_.*_v(\d{1,9})_l?lc\.fits(?:\.gz)?")

Fact = str | int | float


@dataclass(frozen=True)
class Headers:
    """The headers of a light curve, as far as a choice between files needs them."""

    id: LightCurveId
    end_of_table: int  # bytes that the file must have for its light curve to be whole
    processing: tuple[Any, ...]  # greater for a newer one
    processing_name: str  # in words


def read_headers(path: Path) -> Headers:
    """Read the headers of a light curve; all of it, where they do not say its exposure.

    Raises
    ------
    LightCurveError
        If it is none of the kinds in `readers.fits_kinds`.
    """
    for n_bytes in _HEADER_BYTES:
        content = read_beginning(path, n_bytes)
        try:
            with opened(path, content) as hdus:
                light_curve = identity(path, hdus)
                table, columns, seconds = light_curve_table(path, hdus)
                if seconds is None:
                    seconds = _seconds_by_times(path, columns)
                kind = kind_of(hdus)
                product = product_name(kind.name, kind.catalogue, seconds)
                processing, name = _processing(path, hdus[0].header)
                return Headers(
                    light_curve._replace(product=product),
                    end_of_table(path, table),
                    processing,
                    name,
                )
        except DamagedLightCurveError:
            if len(content) < n_bytes or n_bytes == _HEADER_BYTES[-1]:
                raise
    raise AssertionError("the last attempt returns or raises")


def _seconds_by_times(path: Path, columns: Columns) -> float:
    """The exposure in seconds, where the headers do not say it."""
    content = read_content(path)
    with opened(path, content) as hdus:
        table = hdus[1]
        check_table(path, table, content)
        time = np.asarray(table.data[columns.time], dtype=np.float64)
        return exposure_of(path, time) * SECONDS_PER_DAY


def identity_by_name(name: str) -> LightCurveId | None:
    """The light curve of SPOC in a file name of the archive; None for other names."""
    match = _ARCHIVE_NAME.fullmatch(name)
    if match is None or not is_identity(int(match[2]), int(match[1])):
        return None
    return LightCurveId(int(match[2]), int(match[1]), SPOC_20 if match[4] else SPOC_120)


def light_curve_table(path: Path, hdus: Any) -> tuple[Any, Columns, float | None]:
    """The extension with the light curve, checked.

    Returns
    -------
    table : BinTableHDU
    columns : Columns
        The names of those that are read.
    seconds : float or None
        The exposure, where the header says it.

    Raises
    ------
    LightCurveError
    """
    try:
        table = hdus[1]
    except IndexError as error:
        raise damaged(path, "it ends before its first extension") from error
    try:
        present = set(table.columns.names)
    except (AttributeError, OSError, ValueError) as error:
        raise LightCurveError(f"{path}: no table in its first extension") from error
    kind = kind_of(hdus)
    columns = columns_of(path, hdus, kind, present)
    return table, columns, header_seconds(path, hdus, kind)


def end_of_table(path: Path, table: Any) -> int:
    """Bytes from the beginning of a file to the end of its table's rows."""
    n_bytes, n_rows = table.header["NAXIS1"], table.header["NAXIS2"]
    if not all(type(n) is int and n >= 0 for n in (n_bytes, n_rows)):
        raise damaged(path, f"NAXIS1 = {n_bytes!r}, NAXIS2 = {n_rows!r}: no size of a table")
    return int(table.fileinfo()["datLoc"]) + n_bytes * n_rows


def check_table(path: Path, table: Any, content: bytes) -> None:
    """Check that all rows of a table are in the content of its file.

    Raises
    ------
    DamagedLightCurveError
    """
    if len(content) < (end := end_of_table(path, table)):
        raise damaged(path, f"{len(content)} bytes, expected at least {end}")


def facts(primary: Any, table: Any) -> tuple[dict[str, Fact], list[str]]:
    """The facts of both headers about star and processing that go into the output file.

    Returns
    -------
    facts : dict
        Each with the type that it has in the archive's files; those that are blank are left out.
    notes : list of str
        For each other one that is left out: what it is instead.
    """
    found: dict[str, Fact] = {}
    notes = []
    primary_facts = [(primary, *fact) for fact in _FACTS.items()]
    aperture_facts = [(table, *fact) for fact in _APERTURE_FACTS.items()]
    for header, key, expected in primary_facts + aperture_facts:
        try:
            value = header.get(key)
        except Exception as error:  # whatever astropy makes of a card that is none
            notes.append(f"{key} cannot be read ({type(error).__name__}), left out")
            continue
        if value is None or type(value).__name__ == "Undefined":
            continue
        if key in _STAR_FACTS and value == _UNKNOWN_OF_QLP and is_qlp(primary):
            continue
        if _is_fact(value, expected):
            found[key] = value
        else:
            notes.append(f"{key} = {value!r} left out")
    return found, notes


def _is_fact(value: Any, expected: Any) -> bool:
    """True for a value of the expected types, or in the expected range."""
    if isinstance(value, bool) or expected is bool:
        return isinstance(value, bool) and expected is bool
    if isinstance(expected, tuple):
        return isinstance(value, int | float) and expected[0] <= value <= expected[1]
    return isinstance(value, expected)


def _processing(path: Path, header: Any) -> tuple[tuple[Any, ...], str]:
    """The processing of a light curve: a key that is greater for a newer one, and words.

    First comes the version of the pipeline (`spoc-5.0.10-20200904`), then the date of the file, the
    data release, and the number in the name that the archive gives to a processing: of SPOC's that
    of the configuration, of others the version (`_tess_v02_llc.fits`, where QLP made sectors anew).
    """
    version, date, release = (header.get(key) for key in ("PROCVER", "DATE", "DATA_REL"))
    match, version_in_name = _ARCHIVE_NAME.fullmatch(path.name), _HLSP_VERSION.fullmatch(path.name)
    number = match[3] if match else version_in_name[1] if version_in_name else -1
    order = (
        tuple(int(digits[:18]) for digits in re.findall(r"[0-9]+", str(version or ""))),
        date if isinstance(date, str) else "",
        release if type(release) is int else -1,
        int(number),
    )
    of_name = f"version {int(version_in_name[1])}" if version_in_name else "unknown version"
    return order, f"{version or of_name} of {date or 'unknown date'}"
