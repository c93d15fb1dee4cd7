"""Files that are complete or not there, their checksums, and what becomes of damaged ones.

A file is written beside, and takes its name only when it is complete.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path

from cvzmpi.errors import CvzmpiError, SectorFileError

_PART = 1 << 20  # bytes that are read at a time


def write_whole(path: Path, content: bytes | memoryview, fsync: bool = True) -> None:
    """Write a file beside, and rename it.

    Parameters
    ----------
    fsync : bool
        Whether to wait until the file is on disk before it takes its name.

    Raises
    ------
    OSError
        If it cannot be written; the file that was there is left as it is.
    """
    aside = path.with_name(path.name + ".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.write_bytes(content)
        take_name(aside, path, fsync)
    except OSError:
        with suppress(OSError):
            aside.unlink()  # perhaps it filled the disk
        raise


def write_derived(path: Path, content: bytes | memoryview) -> None:
    """Write a file that is made from others, as index and report are from sector files.

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


def take_name(aside: Path, path: Path, fsync: bool = True) -> None:
    """Give a complete file its name, in place of the one that may have it."""
    if fsync:
        synchronise(aside)
    aside.replace(path)
    if fsync:
        synchronise(path.parent)


def is_there(path: Path, refused: type[CvzmpiError]) -> bool:
    """Tell whether there is a file of this name.

    Parameters
    ----------
    refused : type of CvzmpiError
        What is raised where the operating system does not tell.
    """
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise refused(f"{path}: cannot be read: {error.strerror}") from error
    return True


def set_aside(path: Path) -> Path:
    """Give a damaged file another name, so that its unit can start anew.

    Returns
    -------
    Path
        Its new name: `{name}.damaged`, with a number where there are more.
    """
    number = 0
    while True:
        suffix = f".damaged-{number}" if number else ".damaged"
        kept = path.with_name(path.name + suffix)
        if not kept.exists():
            path.rename(kept)
            return kept
        number += 1


def synchronise(path: Path) -> None:
    """Have the operating system write a file, or a directory's names, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(_PART):
            digest.update(part)
    return digest.hexdigest()
