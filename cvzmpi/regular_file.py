"""Regular files opened and read within bounds, whatever stands in their place.

A pipe would be waited for, and to open a device may do something already; so neither is opened.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from cvzmpi.errors import CvzmpiError, one_line


class UnreadableFileError(CvzmpiError):
    """A path is no regular file, cannot be read, or is too large; the message has no path."""


def open_regular(path: Path) -> int:
    """Open a regular file for reading.

    Returns
    -------
    int
        Its descriptor.

    Raises
    ------
    UnreadableFileError
        If it is another kind of file.
    OSError
        If the operating system does not let it be read.
    ValueError
        If a NUL character is in the path.
    """
    _check_regular(os.stat(path))
    # without waiting, should it have become a pipe meanwhile
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        _check_regular(os.fstat(descriptor))
    except UnreadableFileError:
        os.close(descriptor)
        raise
    return descriptor


def read_bounded(path: Path, max_bytes: int) -> bytes:
    """Read a whole regular file.

    Raises
    ------
    UnreadableFileError
    """
    try:
        with open(open_regular(path), "rb") as file:
            is_large = os.fstat(file.fileno()).st_size > max_bytes
            content = b"" if is_large else file.read(max_bytes + 1)
    except OSError as error:
        raise UnreadableFileError(f"cannot be read: {error.strerror or one_line(error)}") from error
    except ValueError as error:
        raise UnreadableFileError(f"cannot be read: {one_line(error)}") from error
    if is_large or len(content) > max_bytes:
        raise UnreadableFileError(f"larger than {max_bytes:,} bytes")
    return content


def _check_regular(status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise UnreadableFileError("a directory, not a regular file")
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableFileError("not a regular file")
