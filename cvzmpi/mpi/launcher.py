"""The environment variables by which launchers tell a process its rank and the number of ranks."""

from __future__ import annotations

import os
from collections.abc import Mapping

from cvzmpi.errors import LaunchError

# The number of ranks, the most direct first: mpirun of Open MPI, of MVAPICH 2 and 3, of MPICH,
# Intel and Cray (PMI); jsrun; flux run; srun.
_SIZE = (
    "OMPI_COMM_WORLD_SIZE",
    "MV2_COMM_WORLD_SIZE",
    "MVP_COMM_WORLD_SIZE",
    "PMI_SIZE",
    "JSM_NAMESPACE_SIZE",
    "FLUX_JOB_SIZE",
    "SLURM_STEP_NUM_TASKS",
    "SLURM_NTASKS",
)
# HPE's PALS says how many ranks there are on this node at least, and which one this is; whoever
# speaks PMIx, which one this is.
_LEAST_SIZE = ("PALS_LOCAL_SIZE",)
_RANK_ALONE = ("PALS_RANKID", "PMIX_RANK")
_RANK = (
    "OMPI_COMM_WORLD_RANK",
    "MV2_COMM_WORLD_RANK",
    "MVP_COMM_WORLD_RANK",
    "PMI_RANK",
    "PMIX_RANK",
    "JSM_NAMESPACE_RANK",
    "FLUX_TASK_RANK",
    "PALS_RANKID",
    "SLURM_PROCID",
)
_RANKS_ON_NODE = (
    "OMPI_COMM_WORLD_LOCAL_SIZE",
    "MPI_LOCALNRANKS",
    "PMI_LOCAL_SIZE",
    "SLURM_NTASKS_PER_NODE",
)
# The settings of a launcher (OMPI_MCA_...) are not among them: they say nothing about a rank.
_PREFIXES = (
    *("OMPI_COMM_WORLD", "OMPI_UNIVERSE", "PRTE_", "PMIX_", "PMI_", "MPI_", "HYDRA_"),
    *("MV2_", "MVP_", "JSM_", "FLUX_", "PALS_", "SLURM_", "PBS_", "LSB_"),
)


def rank_by_launcher(environment: Mapping[str, str] = os.environ) -> int:
    """The rank of this process as its launcher says, before MPI is there; 0 without a launcher."""
    ranks = (_number(environment, variable, -1) for variable in _RANK)
    return next((rank for rank in ranks if rank >= 0), 0)


def ranks_on_node(environment: Mapping[str, str] = os.environ) -> int:
    """How many ranks of the job are on this machine; 1 where the launcher does not say it."""
    numbers = (_number(environment, variable, 0) for variable in _RANKS_ON_NODE)
    return next((number for number in numbers if number > 0), 1)


def without_launcher(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment for a process that is no rank of this job."""
    return {name: value for name, value in environment.items() if not name.startswith(_PREFIXES)}


def check_size(size: int, environment: Mapping[str, str] = os.environ) -> None:
    """Compare the number of ranks that MPI sees with what the launcher says.

    Raises
    ------
    LaunchError
        If they differ.
    """
    for variable in _SIZE:
        if variable in environment:
            if environment[variable] != str(size):
                raise _mismatch(size, variable, environment)
            return
    for variable in _LEAST_SIZE:
        if _number(environment, variable, 0) > size:
            raise _mismatch(size, variable, environment)
    for variable in _RANK_ALONE:
        if _number(environment, variable, -1) >= size:
            # rank 0 cannot know, and goes on: the first one that does says it
            raise _mismatch(size, variable, environment, rank=size)


def _number(environment: Mapping[str, str], variable: str, default: int) -> int:
    value = environment.get(variable, "")
    return int(value) if value.isdecimal() else default


def _mismatch(
    size: int, variable: str, environment: Mapping[str, str], rank: int = 0
) -> LaunchError:
    return LaunchError(
        f"MPI sees {size} rank(s), but {variable} is {environment[variable]}: the launcher does "
        "not speak to this MPI library. With Slurm try another `srun --mpi=...` (`srun "
        "--mpi=list` names them), elsewhere the launcher of the MPI that cvzmpi was set up with; "
        f"to run as one rank inside an allocation, unset {variable}",
        rank,
    )
