"""Small files that others leave in a directory, read within bounds."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from cvzmpi.errors import CvzmpiError, one_line


class UnreadableFileError(CvzmpiError):
    """A file is no regular file, cannot be read, or is too large."""


def read_bounded(path: Path, max_bytes: int) -> bytes:
    """The content of a regular file.

    Raises
    ------
    UnreadableFileError
        With the reason, without the path.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a device may react to being opened
            raise UnreadableFileError("not a regular file")
        # without waiting, in case it is a FIFO by now
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise UnreadableFileError("not a regular file")
            if found.st_size > max_bytes:
                raise UnreadableFileError(f"larger than {max_bytes:,} bytes")
            content = file.read(max_bytes + 1)
    except OSError as error:
        raise UnreadableFileError(f"cannot be read: {error.strerror or one_line(error)}") from error
    if len(content) > max_bytes:
        raise UnreadableFileError(f"larger than {max_bytes:,} bytes")
    return content
