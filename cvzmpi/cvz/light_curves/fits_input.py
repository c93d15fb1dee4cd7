"""Reading light curves in FITS files: of SPOC, TESS-SPOC, QLP, Kepler, or written by lightkurve."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from cvzmpi.cvz.light_curves.exposure import (
    EXPOSURE,
    EXPOSURE_SECONDS,
    SECONDS_PER_DAY,
    exposure_of,
    median_step,
)
from cvzmpi.cvz.light_curves.fits_file import damaged, opened, read_content
from cvzmpi.cvz.light_curves.fits_header import (
    check_table,
    facts,
    identity_by_name,
    light_curve_table,
)
from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.light_curves.light_curve import (
    CATALOGUE,
    FLUX_UNIT,
    PRODUCT,
    QUALITY_BITMASK,
    LightCurve,
)
from cvzmpi.cvz.light_curves.measured_values import as_numbers
from cvzmpi.cvz.light_curves.readers.dilution import said_of_flux
from cvzmpi.cvz.light_curves.readers.fits_kinds import (
    identity,
    kind_of,
    notes_of,
    time_offset,
)
from cvzmpi.cvz.light_curves.readers.lightkurve_file import flux_unit
from cvzmpi.cvz.light_curves.readers.raw_columns import (
    check_written,
    measurements,
    on_whole_grid,
    with_errors,
)
from cvzmpi.cvz.light_curves.readers.reader import SPOC, SPOC_COLUMNS, Columns, Kind
from cvzmpi.errors import LightCurveError
from cvzmpi.messages.wording import counted

_MAG_ZERO = 20.44
"""TESS magnitude of a star that gives 1 e-/s (TESS Instrument Handbook)."""

_MAX_RATIO = 5.0
"""Between the median flux and that of the TESS magnitude; it is 0.90 to 1.12 for real stars."""

_STEP_WITHIN = 0.1
"""Part of the exposure by which the median step in time may differ; the Earth's motion makes 1e-4
of it."""


def read_light_curve(
    path: Path,
    *,
    sum_must_fit: bool = False,
    content: bytes | None = None,
) -> LightCurve:
    """Read a light curve of one of the kinds in `readers.fits_kinds`.

    What cannot be a measurement is left out; see `measured_values`.

    Parameters
    ----------
    path : Path
        FITS, perhaps gzipped.
    sum_must_fit : bool
        Refuse a table that differs from its own DATASUM. The archive's files have none, and many
        programs keep an old one when they change a table: where nothing else tells, it is noted.
    content : bytes, optional
        Of the file, uncompressed, where it is known.

    Returns
    -------
    LightCurve
        Its header holds the checksum and the name of the file besides what the FITS headers say,
        and as `input_note` what was left out, where something was.

    Raises
    ------
    LightCurveError
        Naming the file, what is wrong, and what was expected; a `DamagedLightCurveError` where
        another copy of the file may be whole.
    """
    if content is None:
        content = read_content(path)
    with opened(path, content) as hdus:
        light_curve = identity(path, hdus)
        table, names, seconds = light_curve_table(path, hdus)
        kind = kind_of(hdus)
        origin: dict[str, str | int | float] = {}  # the archive's own is known by its kind
        if kind.name == "lightkurve":
            kind = replace(kind, flux_unit=flux_unit(table, names.flux))
            origin = said_of_flux(names.flux, hdus[0].header, table.header)
        check_table(path, table, content)
        notes = _check_sum(path, table, sum_must_fit) + notes_of(hdus[0].header, kind)
        raw = _raw_columns(table, names)
        check_written(path, raw)
        numbers = None if kind.has_rows_for_gaps else _cadence_numbers(path, table)
        if names.quality is None:
            notes.append("no quality: every cadence counts as good")
        exposure = _exposure(path, raw["TIME"], seconds)
        offset = time_offset(path, table, kind)
        header, left_out = facts(hdus[0].header, table.header)
    if kind.may_lack_errors and np.isfinite(raw["PDCSAP_FLUX"]).any():
        notes += with_errors(path, raw, kind, exposure)
    notes += left_out
    if not kind.has_rows_for_gaps:
        raw, missing = on_whole_grid(path, raw, offset, kind.observed, numbers, exposure)
        notes += missing
    columns, wild = measurements(path, raw, offset, kind.observed)
    notes += wild
    if kind.flux_unit is None:
        notes += _contradictions(path, light_curve, header, columns["flux"])
    header |= of_kind(kind, exposure) | origin
    header |= {"input_file": path.name, "input_sha256": hashlib.sha256(content).hexdigest()}
    if notes:
        header["input_note"] = "; ".join(notes)
    return LightCurve(
        tic=light_curve.tic,
        sector=light_curve.sector,
        exposure=exposure,
        header=header,
        sector_is_said=True,
        **columns,
    )


def of_kind(kind: Kind, exposure: float) -> dict[str, str | int | float]:
    """What the header of a light curve says of its kind; nothing of the 2-minute ones of SPOC."""
    found: dict[str, str | int | float] = {}
    if exposure != EXPOSURE or kind.name not in (SPOC.name, "lightkurve"):
        found[PRODUCT] = kind.name
    if kind.catalogue != SPOC.catalogue:
        found[CATALOGUE] = kind.catalogue
    if kind.quality_bitmask is not None:
        found[QUALITY_BITMASK] = kind.quality_bitmask
    if kind.flux_unit is not None:
        found[FLUX_UNIT] = kind.flux_unit
    return found


def _exposure(path: Path, time: Any, seconds: float | None) -> float:
    """The exposure in days: that of the header, where it says one.

    Raises
    ------
    LightCurveError
        If the times are of another exposure: most rows of their grid would be empty,
        or most cadences in the row of another one.
    """
    time = np.asarray(time, dtype=np.float64)
    if seconds is None:
        return exposure_of(path, time)
    step = median_step(time)
    # nothing is said of times that do not increase, which have a line of their own
    if step > 0 and abs(step - seconds) > _STEP_WITHIN * seconds:
        raise LightCurveError(
            f"{path}: cadence is {seconds:.6g} s by TIMEDEL, {step:.6g} s by its times"
        )
    return EXPOSURE if seconds == EXPOSURE_SECONDS else seconds / SECONDS_PER_DAY


def check_whole(path: Path) -> None:
    """Check that a FITS file, not compressed, ends where its last header says.

    Raises
    ------
    LightCurveError
        If the file has another size, or fewer extensions than its primary header announces.
    """
    with opened(path, read_content(path)) as hdus:
        n_extensions, announced = len(hdus) - 1, hdus[0].header.get("NEXTEND")
        if announced is not None and n_extensions != announced:
            raise LightCurveError(
                f"{path}: {counted(n_extensions, 'extension')}, expected {announced}"
            )
        last = hdus[-1].fileinfo()
        expected, size = last["datLoc"] + last["datSpan"], path.stat().st_size
        if size != expected:
            raise LightCurveError(f"{path}: {size} bytes, expected {expected}")


def _check_sum(path: Path, table: Any, must_fit: bool) -> list[str]:
    """Compare the table with its DATASUM, where it has one."""
    if table.verify_datasum() != 0:  # 1: it fits, 2: there is none
        return []
    what = "the table differs from its DATASUM"
    if must_fit:
        raise damaged(path, what)
    return [f"{what}: damaged, or changed without it"]


def _raw_columns(table: Any, names: Columns) -> dict[str, Any]:
    """The columns by SPOC's names; a quality of 0 where there is none."""
    raw = {
        ours: table.data[theirs]
        for ours, theirs in zip(SPOC_COLUMNS, names, strict=True)
        if ours is not None and theirs is not None
    }
    raw.setdefault("QUALITY", np.zeros(len(table.data), dtype=np.int32))
    return raw


def _cadence_numbers(path: Path, table: Any) -> np.ndarray | None:
    """The archive's number of each cadence, where there is one."""
    if "CADENCENO" not in table.columns.names:
        return None
    return as_numbers(path, "CADENCENO", table.data["CADENCENO"])


def _contradictions(
    path: Path, found: LightCurveId, header: dict[str, str | int | float], flux: np.ndarray
) -> list[str]:
    """Notes on a file that contradicts itself without being certainly wrong."""
    notes = []
    named = identity_by_name(path.name)
    if named is not None and (named.tic, named.sector) != (found.tic, found.sector):
        notes.append(f"the header says {found}, the file's name does not")
    finite = flux[np.isfinite(flux)]
    if "TESSMAG" in header and len(finite):
        expected = 10 ** (0.4 * (_MAG_ZERO - float(header["TESSMAG"])))
        ratio = float(np.median(finite)) / expected
        if not 1 / _MAX_RATIO <= ratio <= _MAX_RATIO:
            notes.append(
                f"the median flux is {ratio:.2g} times that of TESSMAG = {header['TESSMAG']}"
            )
    return notes
