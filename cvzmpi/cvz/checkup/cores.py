"""The cores of this machine, and room for the messages of as many ranks."""

from __future__ import annotations

import os

from cvzmpi.cvz.checkup.finding import Finding, note, ok
from cvzmpi.errors import LaunchError
from cvzmpi.mpi.mpi_files import find_room_for_mpi


def check_cores() -> Finding:
    """Count the cores that this process may use; a rank takes one, whatever else is set."""
    cores = len(os.sched_getaffinity(0))
    says = f"{cores} core{'s' * (cores > 1)}; each rank uses one, whatever OMP_NUM_THREADS says"
    try:
        find_room_for_mpi({"OMPI_COMM_WORLD_LOCAL_SIZE": str(cores + 1)})
    except LaunchError as error:
        what, _, remedy = str(error).partition("; ")
        return note(f"{says}; {what}", remedy)
    return ok(says)
