"""Memory that the ranks of a team share, and counters in it.

It is taken before it is used. A file in `/dev/shm` promises any size and gives what is there:
containers have 64 MB by default, and a process that touches more is killed (SIGBUS). So arrays are
in anonymous memory (`memfd_create`), which no file system limits and which ends with its processes,
or else in a file whose space is reserved.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import numpy as np

from cvzmpi.errors import MachineError, one_line
from cvzmpi.mpi.library import mpi
from cvzmpi.mpi.mpi_files import FILE_PREFIX, SHARED_MEMORY

if TYPE_CHECKING:
    from cvzmpi.mpi.library import MPI


class SharedMemoryError(MachineError):
    """The machine has no room for what the ranks of a team share."""


def share_memory(communicator: MPI.Intracomm, size: int) -> mmap.mmap:
    """Take memory that all ranks of a communicator read and write: collective.

    Parameters
    ----------
    communicator : MPI communicator
        Its ranks are on one machine.
    size : int
        Bytes; at least 1.

    Returns
    -------
    mmap
        The same memory on all ranks, full of zeros. It is given back when nothing refers to it.

    Raises
    ------
    SharedMemoryError
        On all ranks, where there is no room.
    """
    refused: list[str] = []
    for place in ("", *_directories()):
        with _taken(communicator, place, size) as (path, why):
            memory = None
            if path is not None:
                try:
                    memory = _map(path, size)
                except OSError as error:
                    why = one_line(error)
            failures = [one for one in communicator.allgather(why) if one is not None]
        if memory is not None and not failures:
            return memory
        refused.append(f"{place or 'anonymous memory'}: {failures[0]}")
    raise SharedMemoryError(
        f"no {size / 1e6:.0f} MB of memory that the ranks of a team can share "
        f"({'; '.join(refused)}): give the machine or its container more (docker: --memory, "
        "--shm-size), or run fewer teams on it"
    )


@contextmanager
def _taken(
    communicator: MPI.Intracomm, place: str, size: int
) -> Iterator[tuple[str | None, str | None]]:
    """Take memory on rank 0; give all ranks its path, or the reason why there is none.

    The context ends on all ranks together: what they have mapped stays when its name is gone.
    """
    descriptor, path, why = None, None, None
    if communicator.Get_rank() == 0:
        try:
            descriptor, path = _anonymous() if not place else _file(place)
            os.posix_fallocate(descriptor, 0, size)
        except OSError as error:
            why = one_line(error)
    found: tuple[str | None, str | None] = communicator.bcast((None if why else path, why))
    try:
        yield found
    finally:
        if place and path is not None:
            with suppress(OSError):
                os.unlink(path)
        if descriptor is not None:
            os.close(descriptor)


def _anonymous() -> tuple[int, str]:
    descriptor = os.memfd_create("cvzmpi", os.MFD_CLOEXEC)
    return descriptor, f"/proc/{os.getpid()}/fd/{descriptor}"


def _file(directory: str) -> tuple[int, str]:
    return tempfile.mkstemp(prefix=FILE_PREFIX, dir=directory)


def _map(path: str, size: int) -> mmap.mmap:
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        return mmap.mmap(descriptor, size)
    finally:
        os.close(descriptor)


def _directories() -> list[str]:
    """Directories for files with shared memory, the fastest first."""
    return [str(SHARED_MEMORY), tempfile.gettempdir()]


class OwnCounter:
    """The counter of a rank alone, with the methods of `SharedCounter`."""

    def __init__(self) -> None:
        self._next, self._is_closed = 0, False

    def set(self, value: int) -> None:
        """Open it, with the next number to take."""
        self._next, self._is_closed = value, False

    def take(self) -> int:
        """The next number."""
        self._next += 1
        return self._next - 1

    def close(self) -> None:
        """Say that no more is to be taken."""
        self._is_closed = True

    def is_closed(self) -> bool:
        """Tell whether it was closed."""
        return self._is_closed

    def get(self) -> int:
        """The next number."""
        return self._next


class SharedCounter:
    """The counter of several ranks, all on one machine.

    Two numbers in shared memory: the next one to take, and whether it is closed.
    """

    def __init__(self, communicator: MPI.Intracomm) -> None:
        self._communicator = communicator
        self._mpi = mpi()
        item = self._mpi.INT64_T.Get_size()
        size = 2 * item if communicator.Get_rank() == 0 else 0
        self._window = self._mpi.Win.Allocate_shared(size, item, comm=communicator)
        self._one = np.ones(1, np.int64)
        self._result = np.zeros(1, np.int64)
        self._window.Lock_all()

    def set(self, value: int) -> None:
        """Open it, with the next number to take; collective."""
        self._communicator.Barrier()  # nobody still takes
        if self._communicator.Get_rank() == 0:
            self._fetch(np.full(1, value, np.int64), self._mpi.REPLACE)
            self._fetch(np.zeros(1, np.int64), self._mpi.REPLACE, 1)
        self._communicator.Barrier()

    def take(self) -> int:
        """The next number, which no other rank gets."""
        return self._fetch(self._one, self._mpi.SUM)

    def close(self) -> None:
        """Say to all ranks that no more is to be taken."""
        self._fetch(self._one, self._mpi.REPLACE, 1)

    def is_closed(self) -> bool:
        """Tell whether a rank has closed it."""
        return bool(self._fetch(self._one, self._mpi.NO_OP, 1))

    def get(self) -> int:
        """The next number; collective, when all ranks have stopped taking."""
        self._communicator.Barrier()
        value = self._fetch(self._one, self._mpi.NO_OP)
        self._communicator.Barrier()
        return value

    def _fetch(self, operand: np.ndarray, operation: MPI.Op, which: int = 0) -> int:
        self._window.Fetch_and_op(operand, self._result, 0, which, operation)
        self._window.Flush(0)
        return int(self._result[0])
