"""Files that survive a kill at any instant.

A file is born as a whole: it is written beside, and takes its name only when it is complete. What
is written in place later was allocated at its birth, and goes in two steps: rows first, and only
when they are flushed the attributes that vouch for them. So a killed job leaves attributes that
promise too little, never too much.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any


def write_whole(path: Path, content: bytes | memoryview, fsync: bool = True) -> None:
    """Write a file beside, and rename it.

    Parameters
    ----------
    path : Path
    content : bytes
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


def take_name(aside: Path, path: Path, fsync: bool = True) -> None:
    """Give a complete file its name, in place of the one that may have it."""
    if fsync:
        synchronise(aside)
    aside.replace(path)
    if fsync:
        synchronise(path.parent)


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


class CheckpointWriter:
    """Writes into an HDF5 file in place, together with the rest of a team.

    Every rank of the team opens it, and closes it. Rows are written through `file`, by any rank at
    any time; datasets and attributes must be there already.

    Parameters
    ----------
    path : Path
    communicator : MPI communicator, optional
        Of the team, for parallel HDF5; None writes from this process alone.
    fsync : bool
        Whether to wait at each checkpoint until it is on disk.

    Raises
    ------
    OSError
    """

    def __init__(self, path: Path, communicator: Any | None, fsync: bool = True) -> None:
        import h5py  # here: who only brings files to disk needs none

        driver = {} if communicator is None else {"driver": "mpio", "comm": communicator}
        self.file = h5py.File(path, "r+", **driver)
        self._path = path
        self._fsync = fsync

    def __enter__(self) -> CheckpointWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.file.close()

    def vouch(self, attributes: Mapping[str, Any]) -> None:
        """Make the rows of all ranks durable, and only then change attributes: collective.

        Parameters
        ----------
        attributes : mapping
            New values of attributes of the file, of the type that they have; the same on all ranks.

        Raises
        ------
        OSError
        """
        self._flush()
        for name, value in attributes.items():
            self.file.attrs.modify(name, value)
        self._flush()

    def _flush(self) -> None:
        self.file.flush()
        if self._fsync:
            synchronise(self._path)
