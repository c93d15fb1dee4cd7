"""Files that are made from sector files, and made anew when these change: index and report."""

from __future__ import annotations

from pathlib import Path

from cvzmpi.errors import SectorFileError
from cvzmpi.storage.whole_file import write_whole


def write_derived(path: Path, content: bytes | memoryview) -> None:
    """Write a file as a whole: readers see the old or the new one.

    Without waiting for the disk: what is lost can be made again.

    Raises
    ------
    SectorFileError
        If it cannot be written; the one that was there is left as it is.
    """
    try:
        write_whole(path, content, fsync=False)
    except OSError as error:
        raise SectorFileError(f"{path}: cannot be written: {error.strerror}") from error
