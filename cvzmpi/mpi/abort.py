"""The end of the whole job by one rank, and its exit status."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mpi4py import MPI

DEFECT = 70
"""Exit status of a job that a defect ended; none of those that a job ends with (`all_ranks`)."""


def abort_job(communicator: MPI.Comm, reason: str, status: int = DEFECT) -> None:
    """End all ranks of the job, after a defect on one of them: the others would wait for ever.

    Parameters
    ----------
    communicator : MPI communicator
        Of all ranks of the job.
    reason : str
        One line for the user.
    status : int
        Exit status of the job.
    """
    print(f"cvzmpi: the job ends: {reason}", file=sys.stderr)
    sys.stdout.flush()
    sys.stderr.flush()
    communicator.Abort(status)
