"""The communicator of a process that is alone, without MPI."""

from __future__ import annotations

import os
from typing import TypeVar

T = TypeVar("T")


class OneRank:
    """A communicator for a single rank; it has those methods of MPI's that such a rank needs."""

    def Get_rank(self) -> int:  # noqa: N802 - as MPI calls it, here and below
        """The number of this rank."""
        return 0

    def Get_size(self) -> int:  # noqa: N802
        """The number of ranks."""
        return 1

    def bcast(self, value: T) -> T:
        """The value that rank 0 has."""
        return value

    def gather(self, value: T) -> list[T]:
        """The values of all ranks, on rank 0."""
        return [value]

    def allgather(self, value: T) -> list[T]:
        """The values of all ranks."""
        return [value]

    def Abort(self, status: int) -> None:  # noqa: N802
        """End all ranks at once."""
        os._exit(status)
