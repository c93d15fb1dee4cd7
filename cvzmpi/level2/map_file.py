"""How files with maps are opened, and what is wrong with damaged ones.

A map has a place for each pixel: by scan position of the slit, and along the slit.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from cvzmpi.errors import DamagedMapFileError, MapFileError, one_line

# What h5py raises when it reads a file whose parts do not fit together.
_DAMAGES = (AttributeError, KeyError, OSError, OverflowError, RuntimeError, TypeError, ValueError)


@contextmanager
def opened(path: Path, format_name: str, format_version: int) -> Iterator[h5py.File]:
    """Open a map file for reading; every way of being damaged is one error.

    Raises
    ------
    DamagedMapFileError
        If the file is inconsistent or no HDF5.
    MapFileError
        If it is another kind of file, or the operating system does not let it be read.
    """
    try:
        file = h5py.File(path, "r", locking=False)
    except OSError as error:
        raise _reason(path, error, "unreadable") from error
    with file:
        try:
            if file.attrs.get("format") != format_name:
                raise MapFileError(f"{path}: not a {format_name}")
            if file.attrs["format_version"] != format_version:
                raise MapFileError(
                    f"{path}: format version {file.attrs['format_version']}, "
                    f"expected {format_version}"
                )
            yield file
        except _DAMAGES as error:
            raise _reason(path, error, "inconsistent") from error


def _reason(path: Path, error: BaseException, what: str) -> MapFileError:
    """What the operating system refuses (it gives a number then) says nothing about the file."""
    if isinstance(error, OSError) and error.errno is not None:
        return MapFileError(f"{path}: cannot be read: {os.strerror(error.errno)}")
    return DamagedMapFileError(f"{path}: {what}: {one_line(error)}")
