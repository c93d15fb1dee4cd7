"""HDF5 files for reading: every way of being damaged is one error.

HDF5 trusts the structure of a file. So nothing opens an existing file, for reading or for writing,
before `ensure_sound` has found that HDF5 can.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from cvzmpi.errors import CvzmpiError, one_line
from cvzmpi.regular_file import UnreadableFileError, open_regular
from cvzmpi.storage.structure_checksum import DamagedStructureError, verify_structure
from cvzmpi.storage.trial_reading import (
    Check,
    ForeignFileError,
    NotOpenedError,
    UnsoundFileError,
    read_on_trial,
)

DAMAGES = (AttributeError, KeyError, OSError, OverflowError, RuntimeError, TypeError, ValueError)
"""What HDF5 and h5py raise when they read a file whose parts do not fit together."""

_SIGNATURE = b"\x89HDF\r\n\x1a\n"

_BLOCK = 1 << 26
"""Bytes; of larger datasets the first and the last so many are read."""


def read_contents(path: Path) -> None:
    """Read all links, attributes and values of a file.

    Only for a process that nobody needs: a file whose structure is damaged can crash it.

    Raises
    ------
    Exception
        Whatever h5py raises, and `ValueError` if the file claims more than it has.
    """
    size = path.stat().st_size
    with h5py.File(path, "r", locking=False) as file:

        def visit(name: str, thing: h5py.Group | h5py.Dataset) -> None:
            _read_attributes(thing, size)
            if isinstance(thing, h5py.Dataset):
                _read_values(thing, size)
            else:
                for key in thing:
                    thing.get(key, getlink=True)

        visit("/", file)
        file.visititems(visit)


def _read_attributes(thing: h5py.Group | h5py.Dataset, size: int) -> None:
    for name in thing.attrs:
        attribute = thing.attrs.get_id(name)
        if math.prod(attribute.shape) * attribute.dtype.itemsize > size:
            raise ValueError(f"attribute {name} is larger than the file")
        thing.attrs[name]


def _read_values(dataset: h5py.Dataset, size: int) -> None:
    shape = dataset.shape
    if shape is None:  # it has no values
        return
    n_bytes = math.prod(shape) * dataset.dtype.itemsize
    if n_bytes > size:
        if dataset.chunks:
            return  # compressed, or never written: none of ours
        raise ValueError(f"dataset {dataset.name} is larger than the file")
    if not shape or n_bytes <= 2 * _BLOCK:
        dataset[()]
        return
    rows = max(1, _BLOCK * shape[0] // n_bytes)
    dataset[:rows]
    dataset[-rows:]


def ensure_sound(path: Path, check: Check = read_contents) -> None:
    """Find out whether HDF5 can open a file, without opening it with HDF5 in this process.

    Parameters
    ----------
    check : callable
        How a file that has no checksum over its structure is read on trial: see `trial_reading`.

    Raises
    ------
    NotOpenedError
    OSError
        If the operating system does not let it be read.
    """
    try:
        descriptor = open_regular(path)
    except UnreadableFileError as error:
        raise ForeignFileError(str(error)) from error
    try:
        if verify_structure(descriptor):
            return
        if not has_signature(descriptor):
            raise UnsoundFileError("not an HDF5 file")
    except DamagedStructureError as error:
        raise UnsoundFileError(str(error)) from error
    finally:
        os.close(descriptor)
    read_on_trial(path, check)


def has_signature(descriptor: int) -> bool:
    """Tell whether HDF5's signature is at one of the places where HDF5 looks for it."""
    size, place = os.fstat(descriptor).st_size, 0
    while place < size:
        if os.pread(descriptor, len(_SIGNATURE), place) == _SIGNATURE:
            return True
        place = 2 * place or 512
    return False


@contextmanager
def opened_hdf5(
    path: Path,
    refused: type[CvzmpiError],
    damaged: type[CvzmpiError],
    check: Check = read_contents,
) -> Iterator[h5py.File]:
    """Open a file for reading, and take whatever goes wrong in the context for its fault.

    Parameters
    ----------
    refused : type of CvzmpiError
        What is raised where the operating system does not let it be read. It gives a number then,
        and says nothing about the file.
    damaged : type of CvzmpiError
        What is raised where the file is no HDF5, its structure is not the one that was written, or
        its parts do not fit together.
    """

    def told(error: BaseException, what: str) -> CvzmpiError:
        if isinstance(error, OSError) and error.errno is not None:
            return refused(f"{path}: cannot be read: {os.strerror(error.errno)}")
        return damaged(f"{path}: {what}: {one_line(error)}")

    try:
        ensure_sound(path, check)
        file = h5py.File(path, "r", locking=False)
    except UnsoundFileError as error:
        raise damaged(f"{path}: {error}") from error
    except NotOpenedError as error:
        raise refused(f"{path}: {error}") from error
    except OSError as error:
        raise told(error, "unreadable") from error
    with file:
        try:
            yield file
        except DAMAGES as error:
            raise told(error, "inconsistent") from error


def check_format(
    path: Path, file: h5py.File, name: str, version: int, refused: type[CvzmpiError]
) -> None:
    """Refuse a file of another format than this one, or another version: it is not damaged."""
    difference = other_format(file, name, version)
    if difference is not None:
        raise refused(f"{path}: {difference}")


def other_format(file: h5py.File, name: str, version: int) -> str | None:
    """Compare the format of a file with the expected one; the difference in words, or None."""
    if file.attrs.get("format") != name:
        return f"not a {name}"
    found = file.attrs["format_version"]
    return None if found == version else f"format version {found}, expected {version}"
