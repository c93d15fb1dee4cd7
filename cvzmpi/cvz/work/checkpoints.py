"""Where the stages of a light curve leave what they make: in its sector file, or elsewhere."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from cvzmpi.cvz.sector_file.data import Provenance, SectorData
from cvzmpi.cvz.sector_file.recovery_writer import RecoveryWriter
from cvzmpi.cvz.sector_file.writing import write_sector_file

if TYPE_CHECKING:
    from cvzmpi.mpi.team import Team


class Recoveries(AbstractContextManager["Recoveries"], Protocol):
    """Takes the answers for injected flares; methods as of `RecoveryWriter`."""

    def write_rows(self, flare_ids: slice, *answers: np.ndarray) -> None:
        """Take what this rank found about some flares; not collective."""
        ...

    def count_down(self, n_remaining: int, seconds: float) -> None:
        """Keep the rows of all ranks, and then the count of what remains: collective."""
        ...


class Checkpoints(Protocol):
    """Keeps each checkpoint of one light curve."""

    def write(self, data: SectorData) -> None:
        """Keep the checkpoint that the data are at; on the leader of the team."""
        ...

    def recoveries(self, team: Team) -> Recoveries:
        """Open what takes the answers, once checkpoint `model` is kept: collective."""
        ...


class FileCheckpoints:
    """The checkpoints in a sector file."""

    def __init__(self, path: Path, provenance: Provenance, fsync: bool) -> None:
        self._path, self._provenance, self._fsync = path, provenance, fsync

    def write(self, data: SectorData) -> None:
        """Write the file as a whole.

        Raises
        ------
        MachineError, SectorFileError
            As `write_sector_file`.
        """
        write_sector_file(self._path, data, self._provenance, self._fsync)

    def recoveries(self, team: Team) -> RecoveryWriter:
        """Open the file to write the answers in place: collective.

        Raises
        ------
        SectorFileError
            On all ranks, if the file cannot be opened on one of them.
        """
        return RecoveryWriter(self._path, team, self._fsync)
