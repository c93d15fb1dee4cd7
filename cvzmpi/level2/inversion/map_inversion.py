"""The inversion of a prepared map by a team of ranks, in tickets of pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cvzmpi.errors import DamagedMapFileError, MapFileError
from cvzmpi.level2.inversion import inversion_file, noise
from cvzmpi.level2.inversion.inversion_file import InversionWriter, Origin, Progress
from cvzmpi.level2.inversion.pixel_inversion import invert
from cvzmpi.level2.maps.prepared_map import PreparedMap
from cvzmpi.level2.settings import InversionSettings
from cvzmpi.level2.spectroscopy.milne_eddington import MilneEddington
from cvzmpi.scheduler.tickets import RowTickets, work_through
from cvzmpi.software import installed_versions
from cvzmpi.storage.checkpoint_file import check_same_configuration, check_same_data
from cvzmpi.storage.whole_file import set_aside

if TYPE_CHECKING:
    from cvzmpi.mpi.team import Team
    from cvzmpi.scheduler.campaign import Control

_SOFTWARE = ("cvzmpi", "numpy", "scipy", "h5py", "mpi4py")

PIXELS_PER_TICKET = 64
"""Pixels along the slit that a member of a team takes at a time.

Always the same: the results of a pixel do not depend on which others are computed with it, but
nobody needs to rely on that.
"""


@dataclass(frozen=True)
class Tools:
    """Settings and versions of an inversion, for any map."""

    settings: InversionSettings
    software: Mapping[str, str]
    checkpoint_interval: float
    fsync: bool

    @classmethod
    def of(cls, settings: InversionSettings, checkpoint_interval: float, fsync: bool) -> Tools:
        """Take the versions of the installed software."""
        software = installed_versions(*_SOFTWARE)
        return cls(settings, software, checkpoint_interval, fsync)


@dataclass(frozen=True)
class MapTickets:
    """A map, cut into tickets: each is a piece of one scan position."""

    shape: tuple[int, int]  # scan positions, and pixels along the slit

    @property
    def _of_a_position(self) -> RowTickets:
        return RowTickets(self.shape[1], PIXELS_PER_TICKET)

    def __len__(self) -> int:
        return self.shape[0] * len(self._of_a_position)

    def place(self, ticket: int) -> tuple[int, slice]:
        """The scan position of a ticket, and its pixels along the slit."""
        position, piece = divmod(ticket, len(self._of_a_position))
        return position, self._of_a_position.place(piece)

    def n_items(self, n_tickets: int) -> int:
        """The number of pixels in the first `n_tickets` tickets."""
        positions, pieces = divmod(n_tickets, len(self._of_a_position))
        return positions * self.shape[1] + self._of_a_position.n_items(pieces)


def invert_map(
    tools: Tools, prepared_path: Path, path: Path, team: Team, control: Control
) -> dict[str, Any]:
    """Invert what is left of a map: collective over the team.

    Parameters
    ----------
    prepared_path : Path
        The prepared map.
    path : Path
        The inverted map.
    control : Control
        Counts the pixels that were inverted, and says when to stop.

    Returns
    -------
    dict
        `path`, and a `note` for the log if something was odd.

    Raises
    ------
    MapFileError
    """
    prepared, settings, n_remaining, note = team.lead(lambda: _begin(tools, prepared_path, path))
    if n_remaining:
        control.check_stop(team)
        _invert(tools, settings, prepared, path, n_remaining, team, control)
    return {"path": str(path)} | ({"note": note} if note else {})


def check_resume(path: Path, progress: Progress, prepared: PreparedMap, tools: Tools) -> None:
    """Refuse to go on with a map that was begun with other settings or from other profiles.

    Raises
    ------
    MapFileError
        With the difference.
    """
    theirs = progress.settings_json
    ours = tools.settings.as_begun(theirs).canonical_json()
    check_same_configuration(path, ours, theirs, MapFileError)
    data = (prepared.checksum, progress.prepared_checksum)
    check_same_data(path, "profiles", *data, MapFileError)


def origin_of(prepared: PreparedMap, tools: Tools) -> Origin:
    """The origin of the map that these tools make from a prepared one."""
    return Origin(tools.settings.canonical_json(), prepared.checksum, tools.software)


def _begin(
    tools: Tools, prepared_path: Path, path: Path
) -> tuple[PreparedMap, InversionSettings, int, str | None]:
    """Go on from the file that is there, or make one.

    Returns
    -------
    tuple
        The prepared map, the settings that the map was begun with, the number of tickets that
        remain, and a note for the log or None.
    """
    prepared, settings = PreparedMap.read(prepared_path), tools.settings
    origin, tickets = origin_of(prepared, tools), MapTickets(prepared.shape)
    note = None
    try:
        progress = inversion_file.read_progress(path)
        if progress is not None:
            check_resume(path, progress, prepared, tools)
            inversion_file.check_counted(path, tickets.n_items(progress.n_tickets_done))
            begun = settings.as_begun(progress.settings_json)
            return prepared, begun, progress.n_tickets_remaining, None
    except DamagedMapFileError as error:
        note = f"{error}; kept as {set_aside(path).name}, started anew"
    prepared.verify()
    inversion_file.create(path, prepared.shape, len(tickets), origin, tools.fsync)
    return prepared, settings, len(tickets), note


def _invert(
    tools: Tools,
    settings: InversionSettings,
    prepared: PreparedMap,
    path: Path,
    n_remaining: int,
    team: Team,
    control: Control,
) -> None:
    stray_light = prepared.quiet_profile if settings.fit_filling_factor else None
    model = MilneEddington(prepared.wavelength, stray_light=stray_light)
    tickets = MapTickets(prepared.shape)
    writer = InversionWriter(path, team, tools.fsync)

    map_noise = noise.of_record(prepared.record)

    def work(place: tuple[int, slice]) -> None:
        writer.write(place, invert(model, prepared.read_profiles(place), settings, map_noise))

    work_through(
        tickets,
        len(tickets) - n_remaining,
        work,
        lambda n_done: writer.count_down(len(tickets) - n_done),
        writer=writer,
        team=team,
        control=control,
        interval=tools.checkpoint_interval,
    )
