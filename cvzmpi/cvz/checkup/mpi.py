"""MPI: its library, and whether the launcher starts ranks that see each other."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

from cvzmpi.cvz.checkup.finding import Finding, note, ok, problem
from cvzmpi.cvz.checkup.python_process import printed_by
from cvzmpi.cvz.configuration import Config
from cvzmpi.job_scripts import job_script
from cvzmpi.mpi.launcher import without_launcher
from cvzmpi.other_program import ProgramError, output_of
from cvzmpi.runtime.slurm import NoAnswerError, has_slurm, partitions

_START_SECONDS = 60.0  # of two ranks, which takes one to five
_LIBRARY = "from mpi4py import MPI; print(MPI.Get_library_version())"
_RANKS = """
from mpi4py import MPI
n_ranks = MPI.COMM_WORLD.allreduce(1)
if MPI.COMM_WORLD.rank == 0:
    print("ranks:", n_ranks, flush=True)
"""
_GET_MPI = 'pip install "cvzmpi[mpi]", or `make setup` in a checkout'


def check_mpi(config: Config) -> Finding:
    """Start two ranks with the `mpirun` that a job gets, and let them add up."""
    try:
        library = _name(printed_by(_LIBRARY))
    except ProgramError as error:
        says = f"cannot be loaded ({error})"
        if config.ranks_per_team > 1:
            return problem(f"{says}; ranks_per_team = {config.ranks_per_team} needs it", _GET_MPI)
        return note(f"{says}; one process works without", _GET_MPI)
    # beside this Python, pip has put the launcher of its MPI
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    launcher = shutil.which("mpirun", path=path)
    if launcher is None:
        return note(
            f"{library}; no mpirun on PATH, so that only a queue starts several ranks",
            f"load its module, or {_GET_MPI}",
        )
    command = ["bash", str(job_script("mpirun.sh")), "-n", "2", sys.executable, "-c", _RANKS]
    try:
        printed = output_of(command, _START_SECONDS, without_launcher() | {"PATH": path})
    except ProgramError as error:
        return _not_started(library, f"{launcher} cannot start two ranks: {error}")
    if re.findall(r"ranks: (\d+)", printed) != ["2"]:
        return _not_started(library, f"{launcher} is of another MPI: each rank is alone")
    return ok(f"{library}; {launcher} starts two ranks")


def _name(version: str) -> str:
    """`Open MPI v4.1.4`, or `MPICH 5.0.2`, of the long text by which a library names itself."""
    text = " ".join(version.rstrip("\0").split()).replace(" Version:", "")
    return re.split(r",| MPICH Release| Release| \(", text)[0][:60]


def _not_started(library: str, why: str) -> Finding:
    """Judge a launcher that does not work: where Slurm answers, its `srun` starts the ranks."""
    remedy = f"have the mpirun of {library} first on PATH, or {_GET_MPI}"
    if _slurm_answers():
        return note(f"{library}; {why}; in a job of Slurm, srun starts the ranks", remedy)
    return problem(f"{library}; {why}", remedy)


def _slurm_answers() -> bool:
    try:
        return has_slurm() and bool(partitions())
    except NoAnswerError:
        return False
