"""Reading light curves: FITS files of the SPOC pipeline, and what a directory holds of them."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import math
import warnings
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cvzmpi.cvz.light_curve import LightCurve
from cvzmpi.errors import ConfigError, LightCurveError, one_line

EXPOSURE = 120.0  # seconds; what stella was trained on
_FITS_MAGIC, _GZIP_MAGIC = b"SIMPLE", b"\x1f\x8b"

# Facts about the target and the processing that go into the output file.
_HEADER_FACTS = (
    "OBJECT", "RA_OBJ", "DEC_OBJ", "TESSMAG", "TEFF", "LOGG", "MH", "RADIUS", "TICVER",
    "CAMERA", "CCD", "ORIGIN", "PROCVER", "DATA_REL", "SIMDATA",
)  # fmt: skip


@dataclass(frozen=True)
class LightCurveSource:
    """Where the light curve of a target in a sector is; no path where its FITS file is gone."""

    tic: int
    sector: int
    path: Path | None

    @property
    def name(self) -> str:
        """What its unit is called."""
        return f"{self.tic}_{self.sector}"


@dataclass(frozen=True)
class Rejected:
    """A file or target that cannot become a unit, and why."""

    name: str
    message: str


def read_light_curve(path: Path) -> LightCurve:
    """Read a 2-minute SPOC light curve.

    Parameters
    ----------
    path : Path
        FITS, perhaps gzipped.

    Returns
    -------
    LightCurve
        Its header holds the checksum and the name of the file besides what the FITS headers say.

    Raises
    ------
    LightCurveError
        Naming the file, what is wrong, and what was expected.
    """
    content = _read(path)
    with _opened(path, content) as hdus:
        tic, sector = _identity(path, hdus)
        table = _light_curve_table(path, hdus)
        data = table.data
        columns = {
            name: np.array(data[column], dtype=dtype)  # native byte order
            for name, column, dtype in (
                ("time", "TIME", np.float64),
                ("flux", "PDCSAP_FLUX", np.float32),
                ("flux_err", "PDCSAP_FLUX_ERR", np.float32),
                ("quality", "QUALITY", np.int32),
            )
        }
        primary = hdus[0].header
        header = {key: primary[key] for key in _HEADER_FACTS if primary.get(key) is not None}
    if len(columns["time"]) == 0:
        raise LightCurveError(f"{path}: the light curve table is empty")
    _check_times(path, columns["time"])
    header |= {"input_file": path.name, "input_sha256": hashlib.sha256(content).hexdigest()}
    return LightCurve(tic=tic, sector=sector, exposure=EXPOSURE / 86400.0, header=header, **columns)


def check_whole(path: Path) -> None:
    """Check that a FITS file, not compressed, ends where its last header says.

    Raises
    ------
    LightCurveError
        If the file has another size, or fewer extensions than its primary header announces.
    """
    with _opened(path) as hdus:
        n_extensions, announced = len(hdus) - 1, hdus[0].header.get("NEXTEND")
        if announced is not None and n_extensions != announced:
            raise LightCurveError(f"{path}: {n_extensions} extensions, expected {announced}")
        last = hdus[-1].fileinfo()
        expected, size = last["datLoc"] + last["datSpan"], path.stat().st_size
        if size != expected:
            raise LightCurveError(f"{path}: {size} bytes, expected {expected}")


def scan_directory(
    directory: Path, known: Mapping[tuple[str, int], tuple[int, int]] | None = None
) -> tuple[list[LightCurveSource], list[Rejected]]:
    """Find the light curves in a directory and below, by their headers, whatever their names.

    Files that are no FITS are passed over, unless their name says that they should be.

    Parameters
    ----------
    directory : Path
    known : mapping, optional
        (tic, sector) of files that were found before, by path and size: they are not opened.

    Raises
    ------
    ConfigError
        If there is no such directory.
    """
    if not directory.is_dir():
        raise ConfigError(f"{directory}: no such input directory")
    known = known or {}
    sources: dict[tuple[int, int], LightCurveSource] = {}
    rejected = []
    for path in sorted(p for p in directory.rglob("*") if p.is_file()):
        try:
            if (identity := known.get((str(path), path.stat().st_size))) is not None:
                source = LightCurveSource(*identity, path)
            elif _looks_like_fits(path):
                source = _identify(path)
            else:
                continue
        except LightCurveError as error:
            rejected.append(Rejected(path.name, str(error)))
            continue
        first = sources.setdefault((source.tic, source.sector), source)
        if first is not source:
            message = f"{path}: TIC {source.tic} sector {source.sector} is also in {first.path}"
            rejected.append(Rejected(path.name, message))
    return [sources[key] for key in sorted(sources)], rejected


def select_targets(
    sources: list[LightCurveSource], targets: Path
) -> tuple[list[LightCurveSource], list[Rejected]]:
    """Keep the light curves that a list of (tic, sector) pairs names.

    Parameters
    ----------
    sources : list of LightCurveSource
    targets : Path
        CSV with the columns `tic` and `sector`.

    Returns
    -------
    selected : list of LightCurveSource
    missing : list of Rejected
        The pairs that have no light curve.

    Raises
    ------
    ConfigError
        If the list cannot be read, naming the line.
    """
    known = {(source.tic, source.sector): source for source in sources}
    selected, missing = [], []
    for tic, sector in dict.fromkeys(read_pairs(targets)):
        if (tic, sector) in known:
            selected.append(known[tic, sector])
        else:
            name = f"{tic}_{sector}"
            missing.append(
                Rejected(name, f"{targets}: no light curve of TIC {tic} sector {sector}")
            )
    return selected, missing


def read_pairs(targets: Path) -> Iterator[tuple[int, int]]:
    """Read a list of targets: the (tic, sector) of each line, in order.

    Raises
    ------
    ConfigError
        Naming the line.
    """
    return (pair for pair, _ in _read_targets(targets))


def read_priorities(targets: Path) -> dict[str, float]:
    """Read what comes first from a list of targets: its column `priority`, where it has one.

    Returns
    -------
    dict
        By the name of the light curve; without those whose line says nothing.

    Raises
    ------
    ConfigError
        Naming the line.
    """
    return {
        LightCurveSource(*pair, None).name: priority
        for pair, priority in _read_targets(targets)
        if priority is not None
    }


def _read_targets(targets: Path) -> Iterator[tuple[tuple[int, int], float | None]]:
    """The (tic, sector) of each line, and its priority."""
    try:
        text = targets.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{targets}: cannot be read: {one_line(error)}") from error
    rows = csv.DictReader(io.StringIO(text), skipinitialspace=True)
    names = {(name or "").strip().lower(): name for name in rows.fieldnames or []}
    if not {"tic", "sector"} <= names.keys():
        raise ConfigError(f"{targets}: line 1: expected the columns tic and sector")
    for row in rows:
        where = f"{targets}: line {rows.line_num}"
        try:
            pair = int(row[names["tic"]]), int(row[names["sector"]])
        except (TypeError, ValueError):
            raise ConfigError(
                f"{where}: expected two whole numbers, tic and sector, "
                f"not {row[names['tic']]!r} and {row[names['sector']]!r}"
            ) from None
        text = (row[names["priority"]] or "").strip() if "priority" in names else ""
        yield pair, _priority(text, where)


def _priority(text: str, where: str) -> float | None:
    try:
        priority = float(text) if text else None
    except ValueError:
        priority = math.nan
    if priority is not None and not math.isfinite(priority):
        raise ConfigError(f"{where}: expected a number as priority, not {text!r}")
    return priority


def _read(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        if content.startswith(_GZIP_MAGIC):
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise LightCurveError(f"{path}: cannot be read: {one_line(error)}") from error
    if not content.startswith(_FITS_MAGIC):
        raise LightCurveError(f"{path}: not a FITS file")
    return content


def _looks_like_fits(path: Path) -> bool:
    """By its first bytes; a file that is only *named* FITS is an error."""
    try:
        with path.open("rb") as stream:
            start = stream.read(6)
        if start.startswith(_GZIP_MAGIC):
            with gzip.open(path) as stream:
                start = stream.read(6)
    except (OSError, EOFError, zlib.error) as error:
        raise LightCurveError(f"{path}: cannot be read: {one_line(error)}") from error
    if start == _FITS_MAGIC:
        return True
    if any(suffix.lower() in {".fits", ".fit"} for suffix in path.suffixes[-2:]):
        raise LightCurveError(f"{path}: not a FITS file")
    return False


def _identify(path: Path) -> LightCurveSource:
    with _opened(path) as hdus:
        tic, sector = _identity(path, hdus)
        _light_curve_table(path, hdus)
    return LightCurveSource(tic, sector, path)


@contextmanager
def _opened(path: Path, content: bytes | None = None) -> Iterator[Any]:
    """Open FITS from memory, or lazily from the file when only headers are wanted.

    Headers and tables are read when they are asked for, so what is wrong with them shows within
    the context; whatever astropy stumbles over there is told as a damaged file.
    """
    from astropy.io import fits
    from astropy.utils.exceptions import AstropyWarning

    with warnings.catch_warnings():
        # a truncated file is a warning to astropy, and an error to us when its table is read
        warnings.simplefilter("ignore", AstropyWarning)
        try:
            source = io.BytesIO(content) if content is not None else path
            with fits.open(source, memmap=False, lazy_load_hdus=True) as hdus:
                yield hdus
        except LightCurveError:
            raise
        except Exception as error:
            raise LightCurveError(f"{path}: truncated or damaged: {one_line(error)}") from error


def _identity(path: Path, hdus: Any) -> tuple[int, int]:
    header = hdus[0].header
    tic, sector = header.get("TICID"), header.get("SECTOR")
    if not isinstance(tic, int) or not isinstance(sector, int):
        raise LightCurveError(
            f"{path}: TICID = {tic!r}, SECTOR = {sector!r}: not a TESS light curve"
        )
    return tic, sector


def _light_curve_table(path: Path, hdus: Any) -> Any:
    """The extension with the light curve, its columns and its cadence checked."""
    try:
        table = hdus[1]
        columns = set(table.columns.names)
    except (IndexError, AttributeError, OSError, ValueError) as error:
        raise LightCurveError(f"{path}: no table in its first extension") from error
    missing = {"TIME", "PDCSAP_FLUX", "PDCSAP_FLUX_ERR", "QUALITY"} - columns
    if missing:
        raise LightCurveError(f"{path}: not a SPOC light curve: no column {min(missing)}")
    days = table.header.get("TIMEDEL")
    if not isinstance(days, float) or abs(days * 86400 - EXPOSURE) > 1:
        seconds = f"{days * 86400:.0f} s" if isinstance(days, float) else "unknown"
        raise LightCurveError(f"{path}: cadence is {seconds}, expected {EXPOSURE:.0f} s")
    return table


def _check_times(path: Path, time: np.ndarray) -> None:
    finite = np.flatnonzero(np.isfinite(time))
    backwards = np.flatnonzero(np.diff(time[finite]) <= 0)
    if len(backwards):
        row = finite[backwards[0] + 1]
        raise LightCurveError(f"{path}: TIME does not increase at row {row}")
