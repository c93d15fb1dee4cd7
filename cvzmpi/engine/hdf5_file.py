"""HDF5 files for reading: every way of being damaged is one error."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from cvzmpi.errors import CvzmpiError, one_line

# What h5py raises when it reads a file whose parts do not fit together.
_DAMAGES = (AttributeError, KeyError, OSError, OverflowError, RuntimeError, TypeError, ValueError)


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
        What is raised where the file is no HDF5, or its parts do not fit together.
    """

    def told(error: BaseException, what: str) -> CvzmpiError:
        if isinstance(error, OSError) and error.errno is not None:
            return refused(f"{path}: cannot be read: {os.strerror(error.errno)}")
        return damaged(f"{path}: {what}: {one_line(error)}")

    try:
        file = h5py.File(path, "r", locking=False)
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
