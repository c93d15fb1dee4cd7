"""The inversion in bulk of a campaign as the engine sees it: its units are Observing Programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cvzmpi.level2.configuration import Level2Config

if TYPE_CHECKING:
    from cvzmpi.level2.inversion.map_inversion import Tools
    from cvzmpi.level2.inversion.prepared_program import PreparedProgram
    from cvzmpi.mpi.team import Team
    from cvzmpi.scheduler.campaign import Unit, UnitSource
    from cvzmpi.scheduler.control import Control


class ProgramCampaign:
    """Milne-Eddington inversions of the programs that are prepared and that nobody has claimed.

    Parameters
    ----------
    config : Level2Config
    ranks, nodes : int
        Of the job.
    ranks_per_team : int
        So many share a program.

    Attributes
    ----------
    inverted : list of (str, str)
        Programs whose inversion this job has ended, and the ids of their inversions; on rank 0.
    """

    step_name = "pixels"

    def __init__(
        self, config: Level2Config, ranks: int = 1, nodes: int = 1, ranks_per_team: int = 1
    ) -> None:
        self._config = config
        self._ranks, self._nodes = ranks, nodes
        self._teams = max((ranks - 1) // ranks_per_team, 1)
        self.inverted: list[tuple[str, str]] = []

    def open_source(self) -> UnitSource:
        """Find the programs, and begin to claim them.

        Raises
        ------
        ConfigError
            If a program was begun with other settings of the inversion.
        LedgerError
            If the ledger cannot be opened.
        """
        from cvzmpi.level2.inversion.program_work import ProgramWork

        work = ProgramWork(self._config)
        self.inverted = work.inverted
        return work.open_source(self._ranks, self._nodes, self._teams)

    def prepare(self) -> None:
        """Load what the inversion needs before its first map."""
        from cvzmpi.level2.inversion import map_inversion  # noqa: F401

    def lock_file(self, unit: Unit) -> Path:
        """The lock is beside the inverted maps."""
        program: PreparedProgram = unit.content
        return program.lock_file

    def progress(self, unit: Unit) -> int:
        """Tickets that are done."""
        program: PreparedProgram = unit.content
        return program.n_tickets_done

    def work(self, unit: Unit, team: Team, control: Control) -> dict[str, Any]:
        """Invert what is left of the maps of a program, one after the other."""
        from cvzmpi.level2.inversion.map_inversion import invert_map

        program: PreparedProgram = unit.content
        results = [
            invert_map(self._tools(), one.prepared, one.inverted, team, control)
            for one in program.maps
        ]
        notes = [result["note"] for result in results if "note" in result]
        return {"note": "; ".join(notes)} if notes else {}

    def _tools(self) -> Tools:
        from cvzmpi.level2.inversion.map_inversion import Tools

        checkpoint = self._config.checkpoint
        return Tools.of(self._config.inversion, checkpoint.interval, checkpoint.fsync)
