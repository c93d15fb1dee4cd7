"""The recoveries in a sector file: written in place, many times, by all ranks of a team.

All their room is allocated when the file is born at checkpoint `model`. Each time, rows are written
first, and only when they are flushed the count of what remains is lowered: see
`engine.checkpoint_file`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cvzmpi.cvz.sector_file.checks import check_on_trial, row_checksums
from cvzmpi.errors import SectorFileError
from cvzmpi.storage.checkpoint_file import CheckpointWriter

if TYPE_CHECKING:
    from cvzmpi.mpi.team import Team


class RecoveryWriter:
    """Writes the recoveries into a file at checkpoint `model`.

    Every rank of the team opens it, and closes it.

    Parameters
    ----------
    path : Path
    team : Team, optional
        Writes together, with parallel HDF5; None, and a team of one, write from this process alone.
    fsync : bool
        Whether to wait at each checkpoint until it is on disk.

    Raises
    ------
    SectorFileError
        On all ranks, if the file cannot be opened on one of them.
    """

    def __init__(self, path: Path, team: Team | None = None, fsync: bool = True) -> None:
        self._writer = CheckpointWriter(path, team, fsync, SectorFileError, check_on_trial)
        group = self._writer.file["recoveries"]
        self._recovered, self._checksum = group["recovered"], group["checksum"]

    def __enter__(self) -> RecoveryWriter:
        return self

    def __exit__(self, *error: object) -> None:
        self._writer.__exit__(*error)

    def write_rows(self, flare_ids: slice, recovered: np.ndarray) -> None:
        """Write what this rank found about some flares; the only method that is not collective.

        Raises
        ------
        SectorFileError
        """
        with self._writer.writing():
            self._recovered[flare_ids] = recovered
            self._checksum[flare_ids] = row_checksums(recovered)

    def count_down(self, n_remaining: int, seconds: float) -> None:
        """Make the rows of all ranks durable, and only then lower the count of what remains.

        Parameters
        ----------
        n_remaining : int
            Flares that remain; the same on all ranks.
        seconds : float
            What the stage has taken so far; the same on all ranks.

        Raises
        ------
        SectorFileError
            On all ranks, if one of them cannot.
        """
        self._writer.vouch(
            {
                "recoveries/n_inject_remaining": np.int64(n_remaining),
                "seconds_inject": np.float64(seconds),
            }
        )
