"""The recoveries in a sector file: written in place, many times, by all ranks of a team.

All their room is allocated when the file is born at checkpoint `model`. Each time, rows are written
first, and only when they are flushed the count of what remains is lowered. So a killed job leaves a
count that is at most too high, never rows that the count does not vouch for.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import h5py
import numpy as np

from cvzmpi.cvz.sector_file_checks import row_checksums
from cvzmpi.engine.checkpoint_file import synchronise
from cvzmpi.errors import SectorFileError, one_line

if TYPE_CHECKING:
    from cvzmpi.engine.team import Team


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
        self._path = path
        self._team = team
        self._fsync = fsync
        self._file = self._open() if team is None else team.each(self._open)
        self._group = self._file["recoveries"]
        self._recovered, self._checksum = self._group["recovered"], self._group["checksum"]

    def __enter__(self) -> RecoveryWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()

    def write_rows(self, flare_ids: slice, recovered: np.ndarray) -> None:
        """Write what this rank found about some flares; the only method that is not collective.

        Raises
        ------
        SectorFileError
        """
        try:
            self._recovered[flare_ids] = recovered
            self._checksum[flare_ids] = row_checksums(recovered)
        except OSError as error:
            raise self._cannot("written", error) from error

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

        def lower() -> None:
            self._group.attrs.modify("n_inject_remaining", np.int64(n_remaining))
            self._file.attrs.modify("seconds_inject", np.float64(seconds))
            self._flush()

        for step in (self._flush, lower):
            if self._team is None:
                step()
            else:
                self._team.each(step)

    def _open(self) -> h5py.File:
        driver = {}
        if self._team is not None and self._team.size > 1:
            driver = {"driver": "mpio", "comm": self._team.communicator}
        try:
            return h5py.File(self._path, "r+", **driver)
        except OSError as error:
            raise self._cannot("opened", error) from error

    def _flush(self) -> None:
        try:
            self._file.flush()
            if self._fsync:
                synchronise(self._path)  # by its name: a file that lost it would be lost work
        except OSError as error:
            raise self._cannot("written", error) from error

    def _cannot(self, what: str, error: OSError) -> SectorFileError:
        return SectorFileError(f"{self._path}: cannot be {what}: {one_line(error)}")
