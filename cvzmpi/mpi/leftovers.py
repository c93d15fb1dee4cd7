"""Removal of the shared memory that killed MPI jobs leave behind.

Open MPI backs the memory that ranks share with files. A job that ends removes them; one that is
killed cannot, and the memory of the node stays taken until somebody does.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from cvzmpi.mpi.mpi_files import FILE_PREFIX, directory_of_mpi

_PATTERNS = ("vader_segment.*", "osc_sm.*", "sm_segment.*", f"{FILE_PREFIX}*")
_SETTLE_SECONDS = 60.0  # a starting job has made its files, but not all its ranks have mapped them


def remove_leftovers(directory: Path | None = None) -> list[Path]:
    """Remove one's own shared memory files that no living process uses.

    Parameters
    ----------
    directory : Path, optional
        Where they are; by default, where MPI keeps its files in this job.

    Returns
    -------
    list of Path
        What was removed.
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
