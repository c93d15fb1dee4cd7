"""Reading light curves: FITS files of the SPOC pipeline."""

from __future__ import annotations

import gzip
import hashlib
import io
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from cvzmpi.cvz.light_curve import LightCurve
from cvzmpi.errors import LightCurveError, one_line

EXPOSURE = 120.0  # seconds; what stella was trained on
_FITS_MAGIC, _GZIP_MAGIC = b"SIMPLE", b"\x1f\x8b"

# Facts about the target and the processing that go into the output file.
_HEADER_FACTS = (
    "OBJECT", "RA_OBJ", "DEC_OBJ", "TESSMAG", "TEFF", "LOGG", "MH", "RADIUS", "TICVER",
    "CAMERA", "CCD", "ORIGIN", "PROCVER", "DATA_REL", "SIMDATA",
)  # fmt: skip

# The extension knows about the aperture: the target's share of the light in it, and the share of
# the target's light that is in it.
_APERTURE_FACTS = ("CROWDSAP", "FLFRCSAP")


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
        shares = {key: table.header.get(key) for key in _APERTURE_FACTS}
        header |= {key: share for key, share in shares.items() if isinstance(share, float)}
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


def looks_like_fits(path: Path) -> bool:
    """Whether a file is FITS, perhaps gzipped, by its first bytes.

    Raises
    ------
    LightCurveError
        If it is only *named* as FITS, or cannot be read.
    """
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


def read_identity(path: Path) -> tuple[int, int]:
    """Whose light curve a FITS file is: tic and sector. Reads its headers only.

    Raises
    ------
    LightCurveError
        If it is no 2-minute SPOC light curve.
    """
    with _opened(path) as hdus:
        identity = _identity(path, hdus)
        _light_curve_table(path, hdus)
    return identity


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
