"""The inversion of a directory as the engine sees it: its units are prepared maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cvzmpi.errors import DamagedMapFileError, MapFileError
from cvzmpi.level2.inversion import inversion_file
from cvzmpi.level2.maps.prepared_map import SUFFIX, PreparedMap, map_name
from cvzmpi.level2.settings import InversionSettings

if TYPE_CHECKING:
    from cvzmpi.level2.inversion.map_inversion import Tools
    from cvzmpi.mpi.team import Team
    from cvzmpi.scheduler.campaign import Unit, UnitSource
    from cvzmpi.scheduler.control import Control
    from cvzmpi.scheduler.schedule import Workload


@dataclass(frozen=True)
class MapPaths:
    """A unit's content: where its prepared map is, and where the inverted one goes."""

    prepared: Path
    inverted: Path


def find_prepared(directory: Path) -> list[Path]:
    """The prepared maps in a directory.

    Raises
    ------
    MapFileError
        If there are none.
    """
    found = sorted(directory.glob(f"*{SUFFIX}"))
    if not found:
        raise MapFileError(f"{directory}: no prepared map (*{SUFFIX}) in here")
    return found


class MapCampaign:
    """Milne-Eddington inversions of prepared maps.

    Parameters
    ----------
    prepared : sequence of Path
        The prepared maps.
    output : Path
        Directory of the inverted maps.
    settings : InversionSettings
    checkpoint_interval : float
        Seconds between checkpoints.
    fsync : bool
        Whether each checkpoint is to be on disk.
    """

    step_name = "pixels"

    def __init__(
        self,
        prepared: Sequence[Path],
        output: Path,
        settings: InversionSettings,
        checkpoint_interval: float = 5.0,
        fsync: bool = True,
    ) -> None:
        self._prepared = list(prepared)
        self._output = output
        self._settings = settings
        self._interval = checkpoint_interval
        self._fsync = fsync

    def paths(self, prepared: Path) -> MapPaths:
        """Where the files of a map are."""
        name = map_name(prepared)
        return MapPaths(prepared, self._output / f"{name}{inversion_file.SUFFIX}")

    def open_source(self) -> UnitSource:
        """Find out how far the maps are; those half done come first."""
        from cvzmpi.scheduler.schedule import Schedule

        return Schedule(self.find_work())

    def find_work(self) -> Workload:
        """Look at all maps; one that cannot be read is rejected, and the others are inverted."""
        from cvzmpi.scheduler.campaign import Outcome
        from cvzmpi.scheduler.schedule import Workload

        units: list[Unit] = []
        rejected, n_pixels, n_done = [], 0, 0
        for prepared in self._prepared:
            try:
                unit, n_left = self.unit(prepared)
            except MapFileError as error:
                rejected.append(Outcome(map_name(prepared), str(error)))
                continue
            if unit is None:
                n_done += 1
                continue
            units.append(unit)
            n_pixels += n_left
        return Workload(units, rejected, n_done, n_pixels // max(len(units), 1))

    def unit(self, prepared: Path) -> tuple[Unit | None, int]:
        """The unit of a map, or None where it is done; and how many pixels are left.

        Raises
        ------
        MapFileError
            If the prepared map cannot be read, or its inversion was begun with other settings.
        """
        from cvzmpi.level2.inversion.map_inversion import Tickets, check_resume, origin_of
        from cvzmpi.scheduler.campaign import Unit

        content = PreparedMap.read(prepared)
        paths, tickets = self.paths(prepared), Tickets(content.shape)
        try:
            progress = inversion_file.read_progress(paths.inverted)
            if progress is not None and progress.done:
                inversion_file.check_counted(paths.inverted, tickets.n_pixels(len(tickets)))
        except DamagedMapFileError:
            progress = None  # its team sets it aside and says so
        n_done = 0
        if progress is not None:
            check_resume(paths.inverted, progress, origin_of(content, self._tools()))
            n_done = tickets.n_pixels(progress.n_tickets_done)
        n_left = content.shape[0] * content.shape[1] - n_done
        if n_left == 0:
            return None, 0
        return Unit(map_name(prepared), float(n_left), progress is not None, paths), n_left

    def prepare(self) -> None:
        """Load what the inversion needs before its first map."""
        from cvzmpi.level2.inversion import map_inversion  # noqa: F401

    def claim_file(self, unit: Unit) -> Path:
        """The claim is beside the inverted map."""
        inverted: Path = unit.content.inverted
        return inverted.with_suffix(".claim")

    def progress(self, unit: Unit) -> int:
        """Tickets that are done."""
        try:
            progress = inversion_file.read_progress(unit.content.inverted)
        except MapFileError:
            return 0
        return 0 if progress is None else progress.n_tickets_done

    def work(self, unit: Unit, team: Team, control: Control) -> dict[str, Any]:
        """Invert what is left of a map."""
        from cvzmpi.level2.inversion.map_inversion import invert_map

        paths: MapPaths = unit.content
        return invert_map(self._tools(), paths.prepared, paths.inverted, team, control)

    def _tools(self) -> Tools:
        from cvzmpi.level2.inversion.map_inversion import Tools

        return Tools.of(self._settings, self._interval, self._fsync)
