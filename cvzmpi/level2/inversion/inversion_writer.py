"""Writing into the file of an inverted map, in place: see `inversion_file`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cvzmpi.errors import MapFileError
from cvzmpi.level2.inversion.inverted_datasets import (
    SWEEP,
    diagnostics_in,
    group_of_sweep,
    n_sweeps_of,
)
from cvzmpi.level2.neighbours.coupled_inversion import Swept
from cvzmpi.level2.pixels.inverted_pixels import Inverted
from cvzmpi.level2.spectroscopy.milne_eddington import PARAMETERS
from cvzmpi.storage.checkpoint_file import CheckpointWriter

if TYPE_CHECKING:
    from cvzmpi.mpi.team import Team


class TicketWriter(CheckpointWriter):
    """Writes the results of tickets, together with the rest of a team: see `CheckpointWriter`.

    Raises
    ------
    MapFileError
        On all ranks, if the file cannot be opened on one of them.
    """

    def __init__(self, path: Path, team: Team | None = None, fsync: bool = True) -> None:
        super().__init__(path, team, fsync, MapFileError)

    def count_down(self, n_tickets_remaining: int) -> None:
        """Make the pixels of all ranks durable, and only then lower the count of what remains.

        Raises
        ------
        MapFileError
            On the ranks that cannot; on the others of the team, an error that says so.
        """
        self.commit({"n_tickets_remaining": np.int64(n_tickets_remaining)})


class InversionWriter(TicketWriter):
    """Writes the results of inversions, and of the sweeps after them."""

    def write(self, place: tuple[int, slice], inverted: Inverted) -> None:
        """Write what this rank found about some pixels; not collective.

        Parameters
        ----------
        place : tuple
            The scan position, and the pixels along the slit.

        Raises
        ------
        MapFileError
        """
        with self.writing() as file:
            group = file[group_of_sweep(0, n_sweeps_of(file))]
            for index, name in enumerate(PARAMETERS):
                group[name][place] = inverted.parameters[:, index]
                file["uncertainties"][name][place] = inverted.uncertainties[:, index]
            for name in diagnostics_in(file):
                if name != SWEEP:
                    file[name][place] = inverted.diagnostic(name)

    def write_sweep(self, place: tuple[int, slice], sweep: int, swept: Swept) -> None:
        """Write what this rank found in a sweep, from 1, about some pixels; not collective.

        Raises
        ------
        MapFileError
        """
        with self.writing() as file:
            group = file[group_of_sweep(sweep, n_sweeps_of(file))]
            for index, name in enumerate(PARAMETERS):
                group[name][place] = swept.parameters[:, index]
            for name in ("chi_squared", "n_iterations", "status"):
                file[name][place] = getattr(swept, name)
            file[SWEEP][place] = sweep

    def read_sweep(self, place: tuple[int, slice], sweep: int) -> np.ndarray:
        """The parameters of some pixels after a sweep that is done: shape (n, n_parameters).

        Raises
        ------
        MapFileError
        """
        with self.writing() as file:
            group = file[group_of_sweep(sweep, n_sweeps_of(file))]
            return np.stack([group[name][place] for name in PARAMETERS], axis=-1).astype(float)
