"""Small files that others leave in a directory: read within bounds, whatever they are."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from cvzmpi.errors import CvzmpiError, one_line


class ForeignFileError(CvzmpiError):
    """It is no file that can be read, or too large."""


def read_bounded(path: Path, max_bytes: int) -> bytes:
    """The content of a regular file.

    Raises
    ------
    ForeignFileError
        Saying why not, without the path.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # to open a device may do something already
            raise ForeignFileError("not a regular file")
        # without waiting, should it have become a FIFO meanwhile
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise ForeignFileError("not a regular file")
            if found.st_size > max_bytes:
                raise ForeignFileError(f"larger than {max_bytes:,} bytes")
            content = file.read(max_bytes + 1)
    except OSError as error:
        raise ForeignFileError(f"cannot be read: {error.strerror or one_line(error)}") from error
    if len(content) > max_bytes:
        raise ForeignFileError(f"larger than {max_bytes:,} bytes")
    return content
