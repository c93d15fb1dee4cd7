"""mpi4py.futures with empty work; a program for mpirun. Rank 0 prints the seconds as JSON."""

from __future__ import annotations

import json
import sys
import time

from mpi4py import MPI
from mpi4py.futures import MPICommExecutor


def nothing(unit: tuple[int, str, str]) -> dict[str, str]:
    """Take a unit, and return what a light curve returns."""
    return {"path": unit[2]}


def main(n_tasks: int) -> None:
    """Hand out tasks one by one, as a scheduler of long tasks has to."""
    with MPICommExecutor(MPI.COMM_WORLD, root=0) as executor:
        if executor is not None:
            units = [
                (i, f"/scratch/campaign/input/{i}.fits", f"/scratch/campaign/output/{i}_1.h5")
                for i in range(n_tasks)
            ]
            list(executor.map(nothing, units[:100]))  # everybody is there
            start = time.perf_counter()
            list(executor.map(nothing, units))
            print(json.dumps({"seconds": time.perf_counter() - start}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
