"""Open FITS files that may be damaged, packed or something else, within bounds of size."""

from __future__ import annotations

import gzip
import io
import re
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from cvzmpi.errors import DamagedLightCurveError, LightCurveError, one_line
from cvzmpi.messages.wording import counted
from cvzmpi.regular_file import UnreadableFileError, open_regular

MAX_BYTES = 100 * 1000 * 1000
"""Largest light curve, uncompressed: fifty times as large as the archive's."""

_FITS_MAGIC, _GZIP_MAGIC = b"SIMPLE", b"\x1f\x8b"
_PACKED = {
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"PK\x03\x04": "zip",
    b"\x1f\x9d": "compress",
}
_CARD_BYTES = 80
_MAX_COUNT = 999  # of axes, and of columns, by the FITS standard
_COUNTING_CARD = re.compile(rb"(NAXIS|TFIELDS) *= *\+?([0-9]{4,70})")

# What astropy says of a header without its end.
_WITHIN_A_HEADER = ("Header missing END card", "Empty or corrupt FITS file", "No SIMPLE card found")

_FITS_SUFFIXES = {".fits", ".fit", ".fts"}
_LEFTOVER_SUFFIXES = {
    ".part", ".partial", ".crdownload", ".download", ".filepart", ".aria2", ".tmp", ".temp", ".swp",
    ".bak", ".orig",
}  # fmt: skip


def looks_like_fits(path: Path) -> bool:
    """Tell a FITS file, perhaps gzipped, by its first bytes.

    Raises
    ------
    LightCurveError
        If it is only *named* as FITS, or cannot be read.
    """
    with _stream(path) as stream:
        start = stream.read(6)
    if start == _FITS_MAGIC:
        return True
    if is_named_fits(path):
        raise _not_fits(path, start)
    return False


def is_named_fits(path: Path) -> bool:
    """True for the name of a FITS file, perhaps of a packed one."""
    return any(suffix.lower() in _FITS_SUFFIXES for suffix in path.suffixes[-2:])


def plain_name(path: Path) -> str:
    """A file's name without what a download or a file manager adds to it."""
    name = path.name.rstrip("~").removeprefix("._")
    while is_leftover(plain := Path(name)) and plain.suffix and not name.startswith("."):
        name = plain.stem
    return name.removesuffix(".gz")


def is_leftover(path: Path) -> bool:
    """True for a name that a file manager, an editor or a broken download leaves.

    It may be a light curve nevertheless; if it is none, nobody misses it.
    """
    name = path.name
    return name.startswith(".") or name.endswith("~") or path.suffix.lower() in _LEFTOVER_SUFFIXES


def read_content(path: Path) -> bytes:
    """Read a whole FITS file, uncompressed.

    Raises
    ------
    DamagedLightCurveError
        If it ends within its compressed content.
    LightCurveError
        If it cannot be read, is no FITS, or is larger than a light curve can be.
    """
    with _stream(path) as stream:
        content = stream.read(MAX_BYTES + 1)
    if not content.startswith(_FITS_MAGIC):
        raise _not_fits(path, content[:6])
    if len(content) > MAX_BYTES:
        raise LightCurveError(
            f"{path}: more than {MAX_BYTES // 10**6} MB, expected a light curve of about 2 MB"
        )
    return content


def read_beginning(path: Path, n_bytes: int) -> bytes:
    """Read the first bytes of a FITS file, uncompressed."""
    with _stream(path) as stream:
        return stream.read(n_bytes)


def size_of(path: Path) -> int:
    """Size of a file uncompressed, in bytes; more than `MAX_BYTES` for one that is too large."""
    size = 0
    with _stream(path) as stream:
        if isinstance(stream, gzip.GzipFile):
            while size <= MAX_BYTES and (chunk := stream.read(1 << 20)):
                size += len(chunk)
            return size
    return path.stat().st_size


@contextmanager
def opened(path: Path, content: bytes) -> Iterator[Any]:
    """Open the content of a FITS file, or the beginning of it.

    Headers and tables are read when they are asked for, so what is wrong with them shows within
    the context; whatever astropy stumbles over there is told as a damaged file.

    Parameters
    ----------
    path : Path
        What the errors name.

    Raises
    ------
    DamagedLightCurveError
    """
    # 0.2 s: a rank that reads no FITS file does without.
    from astropy.io import fits
    from astropy.utils.exceptions import AstropyWarning

    _check_counts(path, content)
    with warnings.catch_warnings():
        # a truncated file is a warning to astropy, and an error to us when its table is read
        warnings.simplefilter("ignore", AstropyWarning)
        try:
            with fits.open(io.BytesIO(content), memmap=False, lazy_load_hdus=True) as hdus:
                yield hdus
        except LightCurveError:
            raise
        except Exception as error:
            what = one_line(error)
            if any(words in what for words in _WITHIN_A_HEADER):
                what = "it ends within a header"
            raise damaged(path, what) from error


def _check_counts(path: Path, content: bytes) -> None:
    """Refuse numbers of axes or columns beyond the standard: astropy would count up to them."""
    for card in _COUNTING_CARD.finditer(content):
        if card.start() % _CARD_BYTES == 0 and int(card[2]) > _MAX_COUNT:
            raise damaged(path, f"{card[1].decode()} = {card[2].decode()}: more than {_MAX_COUNT}")


def damaged(path: Path | str, what: str) -> DamagedLightCurveError:
    """The error that says what is wrong with a file that should be whole."""
    return DamagedLightCurveError(f"{path}: truncated or damaged: {what}")


@contextmanager
def _stream(path: Path) -> Iterator[BinaryIO]:
    """Open a regular file to read what is in it, uncompressed."""
    try:
        with open(open_regular(path), "rb") as raw:
            is_gzip = raw.read(2) == _GZIP_MAGIC
            raw.seek(0)
            if not is_gzip:
                yield raw
                return
            with gzip.GzipFile(fileobj=raw, mode="rb") as unpacked:
                yield unpacked  # type: ignore[misc]  # it has the methods of a binary stream
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DamagedLightCurveError(f"{path}: cannot be read: {one_line(error)}") from error
    except UnreadableFileError as error:
        raise LightCurveError(f"{path}: {error}") from error
    except (OSError, ValueError) as error:
        raise LightCurveError(f"{path}: cannot be read: {one_line(error)}") from error


def _not_fits(path: Path, start: bytes) -> LightCurveError:
    """The error for a file that begins with these bytes and so is no FITS."""
    if not start:
        return DamagedLightCurveError(f"{path}: not a FITS file: it is empty")
    if _FITS_MAGIC.startswith(start):
        return DamagedLightCurveError(
            f"{path}: not a FITS file: it ends after {counted(len(start), 'byte')}"
        )
    for magic, packer in _PACKED.items():
        if start.startswith(magic):
            return LightCurveError(
                f"{path}: not a FITS file: packed with {packer}, expected FITS as it is or gzipped"
            )
    return LightCurveError(f"{path}: not a FITS file")
