"""The files through which the ranks of a machine send messages: room for them, and their removal.

Open MPI keeps them in `/dev/shm`, some 4 MB for each rank, and does not ask whether there is room:
a rank that touches memory that is not there is killed (SIGBUS). Containers have 64 MB by default.
A job that ends removes them; one that is killed cannot, and the memory of the node stays taken
until somebody does.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Mapping, MutableMapping, Sequence
from pathlib import Path

from cvzmpi.errors import LaunchError
from cvzmpi.messages.wording import counted
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

_PATTERNS = ("vader_segment.*", "osc_sm.*", "sm_segment.*", f"{FILE_PREFIX}*")
_SETTLE_SECONDS = 60.0  # a starting job has made its files, but not all its ranks have mapped them


def find_room_for_mpi(
    environment: MutableMapping[str, str] = os.environ,
    directories: Sequence[Path] | None = None,
) -> Path:
    """Have Open MPI keep its files where there is room, and tell where; called before MPI starts.

    Parameters
    ----------
    environment : mapping
        Of this process; what somebody set there himself stays.
    directories : sequence of Path, optional
        Where the files may be, the best first; by default `/dev/shm` and the temporary directory.

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
        f"no room for the messages of {counted(ranks, 'rank')} on this machine, which need "
        f"{needed} MB: {found}; make /dev/shm larger (docker: --shm-size), let TMPDIR name "
        "another directory, or start fewer ranks"
    )


def directory_of_mpi(environment: Mapping[str, str] = os.environ) -> Path:
    """The directory where Open MPI keeps its files in this job."""
    return Path(environment.get(_DIRECTORY_SETTINGS[0], SHARED_MEMORY))


def _free_mb(directory: Path) -> float:
    try:
        return shutil.disk_usage(directory).free / 1e6
    except OSError:
        return 0.0


def remove_leftovers(directory: Path | None = None) -> list[Path]:
    """Remove one's own shared memory files that no living process uses, and tell which.

    Parameters
    ----------
    directory : Path, optional
        Where they are; by default, where MPI keeps its files in this job.
    """
    directory = directory or directory_of_mpi()
    before = time.time() - _SETTLE_SECONDS
    own = [
        path
        for pattern in _PATTERNS
        for path in directory.glob(pattern)
        if (facts := _stat(path)) and facts.st_uid == os.getuid() and facts.st_mtime < before
    ]
    if not own:
        return []
    used = _mapped_files()
    removed = [path for path in own if str(path) not in used]
    for path in removed:
        path.unlink(missing_ok=True)  # another rank of this node may be faster
    return removed


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _mapped_files() -> set[str]:
    """Files that processes of this user have mapped."""
    mapped = set()
    for maps in Path("/proc").glob("[0-9]*/maps"):
        try:
            lines = maps.read_text().splitlines()
        except OSError:
            continue  # it ended, or is somebody else's
        mapped |= {line.partition("/")[2] for line in lines}
    return {f"/{path}" for path in mapped}
