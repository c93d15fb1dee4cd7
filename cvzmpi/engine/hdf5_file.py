"""HDF5 files for reading: every way of being damaged is one error.

HDF5 trusts the structure of a file. So nothing opens an existing file, for reading or for writing,
before `ensure_sound` has found that HDF5 can.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from cvzmpi.engine.structure_checksum import DamagedStructureError, verify_structure
from cvzmpi.engine.trial_reading import DamagedOnTrialError, TrialFailedError, read_on_trial
from cvzmpi.errors import CvzmpiError, one_line

# What h5py raises when it reads a file whose parts do not fit together.
_DAMAGES = (AttributeError, KeyError, OSError, OverflowError, RuntimeError, TypeError, ValueError)


_SIGNATURE = b"\x89HDF\r\n\x1a\n"


class UnsoundFileError(CvzmpiError):
    """A file must not be opened with HDF5: it is none, or its structure is damaged."""


class RefusedFileError(CvzmpiError):
    """A file cannot be opened, for a reason that says nothing about what is in it."""


def ensure_sound(path: Path) -> bool:
    """Find out whether HDF5 can open a file, without opening it with HDF5 in this process.

    Returns
    -------
    bool
        Whether a checksum vouches for its structure, attributes included. Else the file was read on
        trial; whether its attributes are those that were written is not known.

    Raises
    ------
    UnsoundFileError
    RefusedFileError
    OSError
        If the operating system does not let it be read.
    """
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise RefusedFileError("not a regular file")
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        if verify_structure(descriptor):
            return True
        if not _has_signature(descriptor):
            raise UnsoundFileError("not an HDF5 file")
    except DamagedStructureError as error:
        raise UnsoundFileError(str(error)) from error
    finally:
        os.close(descriptor)
    try:
        read_on_trial(path)
    except DamagedOnTrialError as error:
        raise UnsoundFileError(str(error)) from error
    except TrialFailedError as error:
        raise RefusedFileError(str(error)) from error
    return False


def _has_signature(descriptor: int) -> bool:
    """Whether HDF5's signature is at one of the places where HDF5 looks for it."""
    size, place = os.fstat(descriptor).st_size, 0
    while place < size:
        if os.pread(descriptor, len(_SIGNATURE), place) == _SIGNATURE:
            return True
        place = 2 * place or 512
    return False


@contextmanager
def opened_hdf5(
    path: Path, refused: type[CvzmpiError], damaged: type[CvzmpiError]
) -> Iterator[h5py.File]:
    """Open a file for reading, and take whatever goes wrong in the context for its fault.

    Parameters
    ----------
    path : Path
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
        ensure_sound(path)
        file = h5py.File(path, "r", locking=False)
    except UnsoundFileError as error:
        raise damaged(f"{path}: unreadable: {error}") from error
    except RefusedFileError as error:
        raise refused(f"{path}: cannot be read: {error}") from error
    except OSError as error:
        raise told(error, "unreadable") from error
    with file:
        try:
            yield file
        except _DAMAGES as error:
            raise told(error, "inconsistent") from error


def check_format(
    path: Path, file: h5py.File, name: str, version: int, refused: type[CvzmpiError]
) -> None:
    """Refuse another kind of file, or another version of its format; neither is damaged.

    Parameters
    ----------
    path : Path
    file : h5py.File
        The same, opened.
    name, version : str and int
        What its attributes `format` and `format_version` should be.
    refused : type of CvzmpiError
        What is raised where they are not.
    """
    if file.attrs.get("format") != name:
        raise refused(f"{path}: not a {name}")
    found = file.attrs["format_version"]
    if found != version:
        raise refused(f"{path}: format version {found}, expected {version}")
