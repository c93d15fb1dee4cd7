"""The recoveries in a sector file: written in place, many times, by all ranks of a team.

Their datasets are allocated in full when checkpoint `model` is written.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cvzmpi.cvz.sector_file.checks import check_on_trial, row_checksums
from cvzmpi.cvz.sector_file.layout import ANSWERS
from cvzmpi.errors import SectorFileError
from cvzmpi.storage.checkpoint_file import CheckpointWriter

if TYPE_CHECKING:
    from cvzmpi.mpi.team import Team


class RecoveryWriter(CheckpointWriter):
    """Writes the recoveries into a file at checkpoint `model`: see `CheckpointWriter`.

    Raises
    ------
    SectorFileError
        On all ranks, if the file cannot be opened on one of them.
    """

    def __init__(self, path: Path, team: Team | None = None, fsync: bool = True) -> None:
        super().__init__(path, team, fsync, SectorFileError, check_on_trial)
        group = self.file["recoveries"]
        self._answers = [group[name] for name in ANSWERS if name in group]
        self._checksum = group["checksum"]

    def write_rows(self, flare_ids: slice, *answers: np.ndarray) -> None:
        """Write what this rank found about some flares; not collective.

        Parameters
        ----------
        *answers : bool, shape (n_flares, n_repeat)
            Of each search that the file has room for, in the order of `layout.ANSWERS`.

        Raises
        ------
        SectorFileError
        """
        with self.writing():
            for dataset, answer in zip(self._answers, answers, strict=True):
                dataset[flare_ids] = answer
            self._checksum[flare_ids] = row_checksums(*answers)

    def count_down(self, n_remaining: int, seconds: float) -> None:
        """Make the rows of all ranks durable, and only then lower the count of what remains.

        Parameters
        ----------
        n_remaining, seconds : int and float
            Flares that remain, and what the stage has taken so far; the same on all ranks.

        Raises
        ------
        SectorFileError
            On all ranks, if one of them cannot.
        """
        self.commit(
            {
                "recoveries/n_inject_remaining": np.int64(n_remaining),
                "seconds_inject": np.float64(seconds),
            }
        )
