"""The queue: whether Slurm is here, answers, and understands the MPI library."""

from __future__ import annotations

import shutil
import sys

from cvzmpi.cvz.checkup.finding import Finding, note, ok, problem
from cvzmpi.job_scripts import job_script
from cvzmpi.other_program import ProgramError, output_of
from cvzmpi.runtime.slurm import NoAnswerError, has_slurm, partitions

_SECONDS = 30.0
_MOST_NAMES = 6


def check_queue() -> Finding:
    """Ask Slurm for its partitions, and which `srun --mpi` is right."""
    if not has_slurm():
        other = next((name for name in ("qsub", "bsub", "flux") if shutil.which(name)), None)
        says = "no Slurm" if other is None else f"no Slurm; {other} is here, which no script is for"
        return note(f"{says}: run_here.sh of `cvzmpi init` works on one machine")
    try:
        names = partitions()
    except NoAnswerError as error:
        return note(f"Slurm does not answer: {error}", "submit from where `sinfo` answers")
    found = f"Slurm, partitions {', '.join(names[:_MOST_NAMES])}"
    if len(names) > _MOST_NAMES:
        found += f" and {len(names) - _MOST_NAMES} more"
    command = ["bash", str(job_script("choose_mpi.sh")), sys.executable]
    try:
        mpi = output_of(command, _SECONDS).strip()
    except ProgramError as error:
        return problem(
            f"{found}; {str(error).removeprefix('cvzmpi: ')}",
            "load or install an MPI that Slurm understands, or name one with SRUN_MPI",
        )
    return ok(f"{found}; srun --mpi={mpi}")
