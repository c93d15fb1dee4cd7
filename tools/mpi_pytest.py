"""Run pytest on every rank, but show the terminal output of rank 0 only.

The output of each other rank goes to ``.setup/pytest-rank-<n>.log`` and is shown
when that rank fails. Started by tools/test.sh as
``mpirun -n 3 python -m mpi4py -m tools.mpi_pytest [pytest's arguments]``;
``-m mpi4py`` ends all ranks when one of them fails, instead of letting the
others wait for it for ever.
"""

import os
import sys
from pathlib import Path

import pytest
from mpi4py import MPI


def main() -> int:
    """Run pytest with the arguments of the command line."""
    rank = MPI.COMM_WORLD.rank
    if rank == 0:
        return int(pytest.main(sys.argv[1:]))
    # The file takes the place of file descriptor 1: pytest keeps a copy of that
    # for its reports before it starts to capture what the tests print.
    log = Path(".setup") / f"pytest-rank-{rank}.log"
    log.parent.mkdir(exist_ok=True)
    with log.open("w") as file:
        os.dup2(file.fileno(), 1)
    status = int(pytest.main(sys.argv[1:]))
    sys.stdout.flush()
    if status:
        sys.stderr.write(f"\n--- pytest on rank {rank} ---\n{log.read_text()}\n")
        sys.stderr.flush()
    return status


if __name__ == "__main__":
    sys.exit(main())
