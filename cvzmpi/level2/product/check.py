"""The check of a Level 2 product, before it is accepted and before it is published.

A product is one ASDF file, which `dkist.load_dataset` opens as `dkist.Inversion`, and the FITS
files that it names, one for each scan position. Here are its files; `product_contents` has what is
in them.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from cvzmpi.errors import one_line
from cvzmpi.level2.product.bounded_process import LimitError, call_bounded
from cvzmpi.level2.product.checked_product import CheckedProduct, ProductError
from cvzmpi.messages.foreign_json import plain
from cvzmpi.storage.whole_file import sha256_of

_LOOK_INTO = "cvzmpi.level2.product.product_contents:look_into"  # by name: it imports dkist
_MAX_BYTES = 1 << 32  # of a file; a scan position with two lines takes some 200 MB
_MAX_PATH = 500  # characters in a message
_SECONDS, _SECONDS_PER_FILE, _GIGABYTES = 120.0, 0.5, 8.0
_EXPECTED_ASDF = "{} ASDF files: expected one, with the FITS files it names"
_FITS_SUFFIXES = (".fits", ".fits.fz")


def check_product(paths: Sequence[Path]) -> CheckedProduct:
    """Check the files of a product: keys, lines, shapes; and take their checksums.

    Parameters
    ----------
    paths : sequence of Path
        The files; a directory stands for all files in it.

    Raises
    ------
    ProductError
        Naming the file, what is wrong with it, and what was expected.
    """
    files = _files(paths)
    asdf = _the_asdf(files)
    seconds = _SECONDS + _SECONDS_PER_FILE * len(files)
    try:
        product: CheckedProduct = call_bounded(
            _LOOK_INTO, asdf, files, seconds=seconds, gigabytes=_GIGABYTES
        )
    except LimitError as error:
        raise ProductError(f"{asdf}: it and its files cannot be checked: {error}") from error
    return replace(product, checksums={path: checksum(Path(path)) for path in product.checksums})


def checksum(path: Path) -> str:
    """SHA-256 of a file.

    Raises
    ------
    ProductError
    """
    try:
        return sha256_of(path)
    except OSError as error:
        raise ProductError(f"{path}: cannot be read: {error.strerror}") from error


def _files(paths: Sequence[Path]) -> dict[str, Path]:
    """All files, by name."""
    files: dict[str, Path] = {}
    for path in paths:
        for file in _in_directory(path) if stat.S_ISDIR(_stat(path).st_mode) else [path]:
            if not _is_part(file):
                raise ProductError(f"{shown_path(file)}: expected FITS files and one ASDF file")
            if not str(file).isprintable():
                raise ProductError(f"{shown_path(file)}: expected a path of printable characters")
            found = _stat(file)
            if not stat.S_ISREG(found.st_mode):
                raise ProductError(f"{shown_path(file)}: not a regular file")
            if found.st_size > _MAX_BYTES:
                raise ProductError(f"{shown_path(file)}: larger than {_MAX_BYTES:,} bytes")
            if file.name in files and files[file.name] != file:
                other = shown_path(files[file.name])
                raise ProductError(f"{shown_path(file)}: {other} has the same name")
            files[file.name] = file
    return files


def _in_directory(directory: Path) -> list[Path]:
    """The files of a directory that is a product, or part of one.

    No file of another directory is named: the person who hands in may have no access to it.
    """
    try:
        inside = sorted(directory.iterdir())
    except OSError as error:
        raise ProductError(f"{shown_path(directory)}: cannot be read: {error.strerror}") from error
    if not any(_is_part(file) for file in inside):
        raise ProductError(f"{shown_path(directory)}: {_EXPECTED_ASDF.format(0)}")
    return inside


def _is_part(file: Path) -> bool:
    return file.suffix == ".asdf" or file.name.endswith(_FITS_SUFFIXES)


def _stat(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except FileNotFoundError as error:
        raise ProductError(f"{shown_path(path)}: there is no such file") from error
    except (OSError, ValueError) as error:  # a NUL in the path is a ValueError
        raise ProductError(f"{shown_path(path)}: cannot be read: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    """The reason why a path cannot be read, without the path."""
    return (isinstance(error, OSError) and error.strerror) or one_line(error)


def shown_path(path: Path) -> str:
    """A path in a message, on one line."""
    return plain(str(path), _MAX_PATH)


def _the_asdf(files: Mapping[str, Path]) -> Path:
    found = [path for path in files.values() if path.suffix == ".asdf"]
    if len(found) != 1:
        raise ProductError(_EXPECTED_ASDF.format(len(found)))
    return found[0]
