"""A world of one rank without MPI, for machines where no MPI library can be loaded."""

from __future__ import annotations

import os
from typing import TypeVar

T = TypeVar("T")


class OneRank:
    """What mpi4py's communicator would do with a single rank, as far as it is used here."""

    def Get_rank(self) -> int:  # noqa: N802 - as MPI calls it, here and below
        """The number of this rank."""
        return 0

    def Get_size(self) -> int:  # noqa: N802
        """How many ranks there are."""
        return 1

    def bcast(self, value: T) -> T:
        """What rank 0 has."""
        return value

    def gather(self, value: T) -> list[T]:
        """What all ranks have, on rank 0."""
        return [value]

    def allgather(self, value: T) -> list[T]:
        """What all ranks have."""
        return [value]

    def Abort(self, status: int) -> None:  # noqa: N802
        """End all ranks at once."""
        os._exit(status)
