"""Campaigns of inversions, as the engine sees them: of Observing Programs and of single maps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cvzmpi.errors import DamagedMapFileError, MapFileError
from cvzmpi.level2.configuration import Level2Config
from cvzmpi.level2.inversion import inversion_file
from cvzmpi.level2.inversion.inversion_unit import InversionUnit, UnitMap
from cvzmpi.level2.inversion.map_inversion import (
    MapTickets,
    Tools,
    check_resume,
    invert_map,
)
from cvzmpi.level2.maps.map_names import INVERTED_SUFFIX, PREPARED_SUFFIX, map_name
from cvzmpi.level2.maps.prepared_map import PreparedMap
from cvzmpi.level2.settings import STEP_NAME, InversionSettings
from cvzmpi.mpi.team import Team
from cvzmpi.scheduler.campaign import Control, Outcome, Unit, UnitSource
from cvzmpi.scheduler.schedule import Schedule


class InversionCampaign:
    """Milne-Eddington inversions; the content of a unit is an `InversionUnit`.

    Parameters
    ----------
    checkpoint_interval : float
        Seconds between checkpoints.
    fsync : bool
        Whether each checkpoint is to be on disk.
    """

    step_name = STEP_NAME

    def __init__(
        self, settings: InversionSettings, checkpoint_interval: float, fsync: bool
    ) -> None:
        self._tools = Tools.of(settings, checkpoint_interval, fsync)

    def prepare(self) -> None:
        """Nothing is to be prepared."""

    def lock_file(self, unit: Unit) -> Path:
        """The lock of a team is beside the first inverted map."""
        content: InversionUnit = unit.content
        return content.lock_file

    def progress(self, unit: Unit) -> int:
        """Tickets that are done."""
        content: InversionUnit = unit.content
        return content.n_tickets_done

    def work(self, unit: Unit, team: Team, control: Control) -> dict[str, Any]:
        """Invert what is left of the maps of a unit, one after the other."""
        content: InversionUnit = unit.content
        results = [
            invert_map(self._tools, one.prepared, one.inverted, team, control)
            for one in content.maps
        ]
        notes = [result["note"] for result in results if "note" in result]
        return {"note": "; ".join(notes)} if notes else {}


class ProgramCampaign(InversionCampaign):
    """Inversions of the programs that are prepared and that nobody has reserved.

    Parameters
    ----------
    ranks, nodes : int
        Ranks and nodes of the job.
    ranks_per_team : int
        Ranks that share a program.
    """

    def __init__(
        self, config: Level2Config, ranks: int = 1, nodes: int = 1, ranks_per_team: int = 1
    ) -> None:
        super().__init__(config.inversion, config.checkpoint.interval, config.checkpoint.fsync)
        self._config = config
        self._ranks, self._nodes = ranks, nodes
        self._teams = max((ranks - 1) // ranks_per_team, 1)
        # programs that this job has inverted, and the ids of their inversions; on rank 0
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
        # Rank 0 alone needs the ledger, whose modules would slow the start of the other ranks.
        from cvzmpi.level2.inversion.program_work import ProgramWork

        work = ProgramWork(self._config, self._tools)
        self.inverted = work.inverted
        return work.open_source(self._ranks, self._nodes, self._teams)


class MapCampaign(InversionCampaign):
    """Inversions of single prepared maps, without a ledger.

    Parameters
    ----------
    prepared : sequence of Path
        The prepared maps.
    output : Path
        Directory of the inverted maps.
    checkpoint_interval : float
        Seconds between checkpoints.
    fsync : bool
        Whether each checkpoint is to be on disk.
    """

    def __init__(
        self,
        prepared: Sequence[Path],
        output: Path,
        settings: InversionSettings,
        checkpoint_interval: float = 5.0,
        fsync: bool = True,
    ) -> None:
        super().__init__(settings, checkpoint_interval, fsync)
        self._prepared = list(prepared)
        self._output = output

    def open_source(self) -> UnitSource:
        """Look at all maps; one that cannot be read is rejected, and the others are inverted.

        Raises
        ------
        ConfigError
            If a table that the settings name cannot be read.
        """
        self._tools.read_tables()
        units: list[Unit] = []
        rejected, n_done = [], 0
        for prepared in self._prepared:
            try:
                unit = self.unit(prepared)
            except MapFileError as error:
                rejected.append(Outcome(map_name(prepared), str(error)))
                continue
            if unit is None:
                n_done += 1
            else:
                units.append(unit)
        n_pixels = int(sum(unit.cost for unit in units))
        return Schedule(units, rejected, n_done, n_pixels // max(len(units), 1))

    def unit(self, prepared: Path) -> Unit | None:
        """The unit of a map, whose cost is the number of pixels left; None if none is left.

        Raises
        ------
        MapFileError
            If the prepared map cannot be read, or its inversion was begun with other settings.
        """
        content = PreparedMap.read(prepared)
        name = map_name(prepared)
        tickets = MapTickets(content.shape, self._tools.settings.n_sweeps)
        path = self._output / f"{name}{INVERTED_SUFFIX}"
        n_pixels = n_left = tickets.n_items(len(tickets))
        try:
            progress = inversion_file.read_progress(path)
            if progress is not None and progress.done:
                inversion_file.check_counted(path, n_pixels)
        except DamagedMapFileError:
            progress = None  # its team sets it aside and says so
        if progress is not None:
            check_resume(path, progress, content, self._tools)
            n_left -= tickets.n_items(progress.n_tickets_done)
        if n_left == 0:
            return None
        maps = InversionUnit(name, (UnitMap(prepared, path, n_pixels),))
        return Unit(name, float(n_left), progress is not None, maps, steps=n_left)


def find_prepared(directory: Path) -> list[Path]:
    """The prepared maps in a directory.

    Raises
    ------
    MapFileError
        If there are none.
    """
    found = sorted(directory.glob(f"*{PREPARED_SUFFIX}"))
    if not found:
        raise MapFileError(f"{directory}: no prepared map (*{PREPARED_SUFFIX}) in here")
    return found
