"""HDF5 files that are written in place, and survive a kill at any instant.

A file is born as a whole (`whole_file`), with room for all that is written in place later. That
goes in two steps: rows first, and only when they are flushed the attributes that vouch for them. So
a killed job leaves attributes that promise too little, never too much.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import h5py

from cvzmpi.errors import CvzmpiError, FileInUseError, one_line
from cvzmpi.storage.hdf5_file import NotOpenedError, ensure_sound
from cvzmpi.storage.trial_reading import Check
from cvzmpi.storage.whole_file import synchronise

if TYPE_CHECKING:
    from cvzmpi.mpi.team import Team

T = TypeVar("T")
Writer = TypeVar("Writer", bound="CheckpointWriter")


class CheckpointError(CvzmpiError):
    """A file cannot be written in place."""


class CheckpointWriter:
    """Writes into an HDF5 file in place, together with the rest of a team.

    Every rank of the team opens it, and closes it. Rows are written through `file`, by any rank at
    any time; datasets and attributes must be there already.

    Parameters
    ----------
    team : Team, optional
        Writes together, with parallel HDF5; None, and a team of one, write from this process alone.
    fsync : bool
        Whether to wait at each checkpoint until it is on disk.
    error : type of CvzmpiError
        What is raised where the operating system refuses, with one line that names the file.
    check : callable, optional
        How a file without a checksum over its structure is read on trial: see `trial_reading`.

    Raises
    ------
    FileInUseError
        On all ranks, if another program has the file open for writing.
    CvzmpiError
        On all ranks, if the file cannot be opened on one of them.
    """

    def __init__(
        self,
        path: Path,
        team: Team | None = None,
        fsync: bool = True,
        error: type[CvzmpiError] = CheckpointError,
        check: Check | None = None,
    ) -> None:
        self._path = path
        self._team = team
        self._fsync = fsync
        self._error = error
        self._check = () if check is None else (check,)
        self._lock: int | None = None  # the leader's
        try:
            self._each(self._take_lock)
            self._each(self._look)
            self.file: h5py.File = self._each(self._open)
        except BaseException:
            self._release_lock()
            raise

    def __enter__(self: Writer) -> Writer:
        return self

    def __exit__(self, *error: object) -> None:
        try:
            self.file.close()
        finally:
            self._release_lock()

    @contextmanager
    def writing(self) -> Iterator[h5py.File]:
        """The file, for rows of this rank; the only method that is not collective.

        Raises
        ------
        CvzmpiError
        """
        try:
            yield self.file
        except OSError as error:
            raise self._cannot("written", error) from error

    def commit(self, attributes: Mapping[str, Any]) -> None:
        """Make the rows of all ranks durable, and only then change attributes: collective.

        Parameters
        ----------
        attributes : mapping
            New values of attributes, of the type that they have, by `attribute` of the file or
            `group/attribute`; the same on all ranks.

        Raises
        ------
        CvzmpiError
            On all ranks, if one of them cannot; before the next step is begun on any.
        """

        def change() -> None:
            with self.writing() as file:
                for name, value in attributes.items():
                    owner, _, attribute = name.rpartition("/")
                    file[owner or "/"].attrs.modify(attribute, value)
            self._flush()

        for step in (self._flush, change):
            self._each(step)

    def _each(self, step: Callable[[], T]) -> T:
        """Go on only when all ranks have done a step; a rank alone would wait for them for ever."""
        return step() if self._team is None else self._team.each(step)

    def _look(self) -> None:
        """Open nothing that HDF5 cannot stand; the leader finds out for all."""
        try:
            if self._team is None or self._team.is_leader:
                ensure_sound(self._path, *self._check)
            else:
                self._path.stat()
        except (OSError, NotOpenedError) as error:
            raise self._cannot("opened", error) from error

    def _open(self) -> h5py.File:
        driver = {}
        if self._team is not None and self._team.size > 1:
            driver = {"driver": "mpio", "comm": self._team.communicator}
        try:
            # HDF5's own locks would keep us from a file that somebody only looks at.
            return h5py.File(self._path, "r+", locking=False, **driver)
        except OSError as error:
            raise self._cannot("opened", error) from error

    def _flush(self) -> None:
        with self.writing() as file:
            file.flush()
            if self._fsync:
                synchronise(self._path)  # by its name: a file that lost it would be lost work

    def _take_lock(self) -> None:
        if self._team is None or self._team.is_leader:
            self._lock = _lock_shared(self._path)

    def _release_lock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _cannot(self, what: str, error: Exception) -> CvzmpiError:
        return self._error(f"{self._path}: cannot be {what}: {one_line(error)}")


def _lock_shared(path: Path) -> int | None:
    """Lock a file as HDF5 does that reads it: who writes into it has it locked for himself.

    Returns
    -------
    int or None
        The descriptor that has the lock until it is closed; None where there are no locks.

    Raises
    ------
    FileInUseError
        If another program writes into the file.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None  # HDF5 says it
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise FileInUseError(
            f"{path}: another program has it open for writing (mode r+ or a): close it there"
        ) from error
    except OSError:  # a file system without locks
        os.close(descriptor)
        return None
    return descriptor
