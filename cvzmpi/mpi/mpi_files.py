"""The directory of the files through which the ranks of a machine send messages.

Open MPI keeps them in `/dev/shm`, some 4 MB for each rank, and does not ask whether there is room:
a rank that touches memory that is not there is killed (SIGBUS). Containers have 64 MB by default.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping, MutableMapping, Sequence
from pathlib import Path

from cvzmpi.errors import LaunchError
from cvzmpi.mpi.launcher import ranks_on_node

SHARED_MEMORY = Path("/dev/shm")

FILE_PREFIX = "cvzmpi_shared."
"""First part of the names of our own files for shared memory."""

_MB_PER_RANK = 6  # Open MPI's segment of 4 MB for messages, and small ones for windows
# Of Open MPI: 4 calls its transport between the ranks of a machine vader, 5 calls it sm.
_DIRECTORY_SETTINGS = (
    "OMPI_MCA_btl_vader_backing_directory",
    "OMPI_MCA_btl_sm_backing_directory",
    "OMPI_MCA_osc_sm_backing_directory",
    "OMPI_MCA_osc_rdma_backing_directory",
)


def find_room_for_mpi(
    environment: MutableMapping[str, str] = os.environ,
    directories: Sequence[Path] | None = None,
) -> Path:
    """Have Open MPI keep its files where there is room; to be called before MPI starts.

    Parameters
    ----------
    environment : mapping
        Of this process; what somebody set there himself stays.
    directories : sequence of Path, optional
        Where the files may be, the best first; by default `/dev/shm` and the temporary directory.

    Returns
    -------
    Path
        The directory.

    Raises
    ------
    LaunchError
        If there is no room in any of them.
    """
    if directories is None:
        directories = [SHARED_MEMORY, Path(tempfile.gettempdir())]
    ranks = ranks_on_node(environment)
    needed = _MB_PER_RANK * ranks
    if ranks == 1:
        return directories[0]
    free = {directory: _free_mb(directory) for directory in directories}
    for directory in directories:
        if free[directory] >= needed:
            if directory != SHARED_MEMORY:
                for setting in _DIRECTORY_SETTINGS:
                    environment.setdefault(setting, str(directory))
            return directory
    found = ", ".join(f"{directory} has {mb:.0f} MB" for directory, mb in free.items())
    raise LaunchError(
        f"no room for the messages of {ranks} ranks on this machine, which need {needed} MB: "
        f"{found}; make /dev/shm larger (docker: --shm-size), let TMPDIR name another directory, "
        "or start fewer ranks"
    )


def directory_of_mpi(environment: Mapping[str, str] = os.environ) -> Path:
    """The directory where Open MPI keeps its files in this job."""
    return Path(environment.get(_DIRECTORY_SETTINGS[0], SHARED_MEMORY))


def _free_mb(directory: Path) -> float:
    try:
        return shutil.disk_usage(directory).free / 1e6
    except OSError:
        return 0.0
