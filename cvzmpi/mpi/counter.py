"""Counters that the ranks of a team take numbers from, each number once, until they are closed."""

from __future__ import annotations

import numpy as np

from cvzmpi.mpi.library import MPI


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
        item = MPI.INT64_T.Get_size()
        size = 2 * item if communicator.Get_rank() == 0 else 0
        self._window = MPI.Win.Allocate_shared(size, item, comm=communicator)
        self._one = np.ones(1, np.int64)
        self._result = np.zeros(1, np.int64)
        self._window.Lock_all()

    def set(self, value: int) -> None:
        """Open it, with the next number to take; collective."""
        self._communicator.Barrier()  # nobody still takes
        if self._communicator.Get_rank() == 0:
            self._fetch(np.full(1, value, np.int64), MPI.REPLACE)
            self._fetch(np.zeros(1, np.int64), MPI.REPLACE, 1)
        self._communicator.Barrier()

    def take(self) -> int:
        """The next number, which no other rank gets."""
        return self._fetch(self._one, MPI.SUM)

    def close(self) -> None:
        """Say to all ranks that no more is to be taken."""
        self._fetch(self._one, MPI.REPLACE, 1)

    def is_closed(self) -> bool:
        """Tell whether a rank has closed it."""
        return bool(self._fetch(self._one, MPI.NO_OP, 1))

    def get(self) -> int:
        """The next number; collective, when all ranks have stopped taking."""
        self._communicator.Barrier()
        value = self._fetch(self._one, MPI.NO_OP)
        self._communicator.Barrier()
        return value

    def _fetch(self, operand: np.ndarray, operation: MPI.Op, which: int = 0) -> int:
        self._window.Fetch_and_op(operand, self._result, 0, which, operation)
        self._window.Flush(0)
        return int(self._result[0])
