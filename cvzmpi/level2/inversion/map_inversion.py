"""The inversion of a prepared map by a team of ranks, in tickets of pixels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cvzmpi.errors import CvzmpiError, DamagedMapFileError, MapFileError
from cvzmpi.level2.inversion import inversion_file
from cvzmpi.level2.inversion.begun_map import BegunMap
from cvzmpi.level2.inversion.inversion_file import Progress
from cvzmpi.level2.inversion.inversion_writer import InversionWriter
from cvzmpi.level2.inversion.origin import Origin
from cvzmpi.level2.maps.model_of_map import table_as_text
from cvzmpi.level2.maps.prepared_map import PreparedMap
from cvzmpi.level2.neighbours.stray_light import ModelOfPixels
from cvzmpi.level2.settings import InversionSettings, with_defaults
from cvzmpi.level2.spectroscopy.line_table import canonical_settings, lines_of
from cvzmpi.level2.spectroscopy.spectral_profile import Transmission
from cvzmpi.level2.spectroscopy.transmission_table import read_transmission
from cvzmpi.level2.spectroscopy.zeeman import Line
from cvzmpi.scheduler.tickets import RowTickets, work_through
from cvzmpi.software import installed_versions
from cvzmpi.storage.checkpoint_file import check_same_configuration, check_same_data
from cvzmpi.storage.whole_file import set_aside

if TYPE_CHECKING:
    from cvzmpi.mpi.team import Team
    from cvzmpi.scheduler.campaign import Control

_SOFTWARE = ("cvzmpi", "numpy", "scipy", "h5py", "mpi4py", "numba", "llvmlite")

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
        return cls(settings, installed_versions(*_SOFTWARE), checkpoint_interval, fsync)

    # The files that the settings name are read when they are asked for, and once: what reads them
    # would slow the start of ranks that do not need them.

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """The spectral lines that are inverted.

        Raises
        ------
        ConfigError
            If their table cannot be read.
        """
        return lines_of(self.settings)

    @cached_property
    def transmission(self) -> Transmission | None:
        """The table of the instrument's spectral profile, if the settings name one.

        Raises
        ------
        ConfigError
            If it cannot be read, or is no spectral profile.
        """
        path = self.settings.spectral_profile
        return None if path is None else read_transmission(path)

    def read_tables(self) -> None:
        """Read the files that the settings name, before any map is blamed for a wrong one.

        Raises
        ------
        ConfigError
        """
        _ = self.lines, self.transmission

    def check_settings(
        self, path: Path, settings_json: str, error: type[CvzmpiError] = MapFileError
    ) -> None:
        """Refuse to go on with a map that was begun with other settings.

        Parameters
        ----------
        path : Path
            The map, for the message.
        settings_json : str
            Canonical settings that it was begun with, also those of an earlier version.
        error : type
            To be raised, with the difference.
        """
        theirs = with_defaults(settings_json)
        ours = canonical_settings(self.settings.as_begun(theirs), self.lines)
        check_same_configuration(path, ours, theirs, error)


@dataclass(frozen=True)
class MapTickets:
    """A map, cut into tickets: each is a piece of one scan position.

    The sweeps over a map that is spatially coupled come one after the other.
    """

    shape: tuple[int, int]  # scan positions, and pixels along the slit
    n_sweeps: int = 0  # after the inversion of each pixel by itself

    @property
    def _of_a_position(self) -> RowTickets:
        return RowTickets(self.shape[1], PIXELS_PER_TICKET)

    @property
    def n_of_a_sweep(self) -> int:
        """Tickets that are once all pixels."""
        return self.shape[0] * len(self._of_a_position)

    def __len__(self) -> int:
        return (1 + self.n_sweeps) * self.n_of_a_sweep

    def place(self, ticket: int) -> tuple[int, slice]:
        """The scan position of a ticket, and its pixels along the slit."""
        position, piece = divmod(ticket % self.n_of_a_sweep, len(self._of_a_position))
        return position, self._of_a_position.place(piece)

    def n_items(self, n_tickets: int) -> int:
        """The number of pixels in the first `n_tickets` tickets; in each sweep they count again."""
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
    begun, n_remaining, note = team.lead(lambda: _begin(tools, prepared_path, path))
    if n_remaining:
        control.check_stop(team)
        _invert(tools, begun, path, n_remaining, team, control)
    return {"path": str(path)} | ({"note": note} if note else {})


def check_resume(path: Path, progress: Progress, prepared: PreparedMap, tools: Tools) -> None:
    """Refuse to go on with a map that was begun with other settings or from other profiles.

    Raises
    ------
    MapFileError
        With the difference.
    """
    tools.check_settings(path, progress.settings_json)
    data = (prepared.checksum, progress.prepared_checksum)
    check_same_data(path, "profiles", *data, MapFileError)


def origin_of(prepared: PreparedMap, tools: Tools) -> Origin:
    """The origin of the map that these tools make from a prepared one.

    Raises
    ------
    ConfigError
        If the table of the instrument's spectral profile cannot be read.
    """
    return Origin(
        canonical_settings(tools.settings, tools.lines),
        prepared.checksum,
        tools.software,
        table_as_text(tools.transmission),
    )


def go_on_or_create(
    path: Path,
    prepared: PreparedMap,
    tools: Tools,
    tickets: MapTickets,
    create: Callable[[], None],
) -> tuple[InversionSettings, int, str | None]:
    """Go on from the file that is there, or make one.

    Returns
    -------
    tuple
        The settings as the file was begun with, the number of tickets that remain, and a note for
        the log or None.

    Raises
    ------
    MapFileError
    """
    note = None
    try:
        progress = inversion_file.read_progress(path)
        if progress is not None:
            check_resume(path, progress, prepared, tools)
            inversion_file.check_counted(path, tickets.n_items(progress.n_tickets_done))
            as_begun = tools.settings.as_begun(progress.settings_json)
            return as_begun, progress.n_tickets_remaining, None
    except DamagedMapFileError as error:
        note = f"{error}; kept as {set_aside(path).name}, started anew"
    prepared.verify()
    create()
    return tools.settings, len(tickets), note


def _begin(tools: Tools, prepared_path: Path, path: Path) -> tuple[BegunMap, int, str | None]:
    """The map and its model, the number of tickets that remain, and a note for the log or None."""
    prepared = PreparedMap.read(prepared_path)
    _check_lines(prepared, tools)
    origin, n_sweeps = origin_of(prepared, tools), tools.settings.n_sweeps
    model = ModelOfPixels.of(prepared, origin.settings_json, origin.spectral_profile)
    tickets = MapTickets(prepared.shape, n_sweeps)

    def create() -> None:
        inversion_file.create(path, prepared.shape, len(tickets), origin, tools.fsync, n_sweeps)

    settings, n_remaining, note = go_on_or_create(path, prepared, tools, tickets, create)
    return BegunMap(prepared, model, settings), n_remaining, note


def _check_lines(prepared: PreparedMap, tools: Tools) -> None:
    """Refuse profiles that do not have one of the lines."""
    first, last = prepared.wavelength[[0, -1]]
    for line in tools.lines:
        if not first < line.wavelength < last:
            raise MapFileError(
                f"{prepared.path}: has {first:.3f} to {last:.3f} nm, expected the line at "
                f"{line.wavelength} nm to be within"
            )


def _invert(
    tools: Tools,
    begun: BegunMap,
    path: Path,
    n_remaining: int,
    team: Team,
    control: Control,
) -> None:
    total = len(MapTickets(begun.prepared.shape, begun.settings.n_sweeps))
    n_done = total - n_remaining
    for sweep in range(begun.settings.n_sweeps + 1):
        tickets = MapTickets(begun.prepared.shape, sweep)
        if n_done >= len(tickets):
            continue
        # All of the team have ended a sweep, and closed the file, before the next is begun.
        writer = InversionWriter(path, team, tools.fsync)
        work_through(
            tickets,
            n_done,
            partial(begun.work, sweep, writer),
            partial(_count, writer, total),
            writer=writer,
            team=team,
            control=control,
            interval=tools.checkpoint_interval,
        )
        n_done = len(tickets)


def _count(writer: InversionWriter, total: int, n_done: int) -> None:
    writer.count_down(total - n_done)
