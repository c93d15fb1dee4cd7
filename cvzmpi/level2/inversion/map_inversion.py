"""The inversion of a prepared map by a team of ranks.

The team takes tickets, groups of pixels, until it is time for a checkpoint, and then makes what it
found durable together. Tickets are taken in order, so what is done is always a beginning of the
list, and its length says it all.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cvzmpi import config as configuration
from cvzmpi.errors import DamagedMapFileError, MapFileError
from cvzmpi.level2.inversion import inversion_file
from cvzmpi.level2.inversion.inversion_file import InversionWriter, Origin, Progress
from cvzmpi.level2.inversion.pixel_inversion import invert
from cvzmpi.level2.maps.prepared_map import PreparedMap
from cvzmpi.level2.settings import InversionSettings
from cvzmpi.level2.spectroscopy.milne_eddington import MilneEddington
from cvzmpi.storage.checkpoint_file import set_aside

if TYPE_CHECKING:
    from cvzmpi.mpi.team import Team
    from cvzmpi.scheduler.control import Control

_SOFTWARE = ("cvzmpi", "numpy", "scipy", "h5py", "mpi4py")

PIXELS_PER_TICKET = 64
"""Pixels along the slit that a member of a team takes at a time.

Always the same: the results of a pixel do not depend on which others are computed with it, but
nobody needs to rely on that.
"""


@dataclass(frozen=True)
class Tools:
    """What the inversion needs, for any map."""

    settings: InversionSettings
    software: Mapping[str, str]
    checkpoint_interval: float
    fsync: bool

    @classmethod
    def of(cls, settings: InversionSettings, checkpoint_interval: float, fsync: bool) -> Tools:
        """With the software that is here."""
        software = {name: version(name) for name in _SOFTWARE}
        return cls(settings, software, checkpoint_interval, fsync)


@dataclass(frozen=True)
class Tickets:
    """How a map is cut into tickets: each is a piece of one scan position.

    Attributes
    ----------
    shape : tuple of int
        Scan positions, and pixels along the slit.
    """

    shape: tuple[int, int]

    @property
    def per_step(self) -> int:
        """Tickets of one scan position."""
        return -(-self.shape[1] // PIXELS_PER_TICKET)

    def __len__(self) -> int:
        return self.shape[0] * self.per_step

    def place(self, ticket: int) -> tuple[int, slice]:
        """The scan position of a ticket, and its pixels along the slit."""
        step, piece = divmod(ticket, self.per_step)
        first = piece * PIXELS_PER_TICKET
        return step, slice(first, min(first + PIXELS_PER_TICKET, self.shape[1]))

    def n_pixels(self, n_tickets: int) -> int:
        """Pixels in the first so many tickets."""
        steps, pieces = divmod(n_tickets, self.per_step)
        return steps * self.shape[1] + min(pieces * PIXELS_PER_TICKET, self.shape[1])


def invert_map(
    tools: Tools, prepared_path: Path, path: Path, team: Team, control: Control
) -> dict[str, Any]:
    """Bring a map from wherever it is to its end: collective over the team.

    Parameters
    ----------
    tools : Tools
    prepared_path : Path
        The prepared map.
    path : Path
        The inverted map.
    team : Team
    control : Control
        Is told how many pixels were inverted, and says when to stop.

    Returns
    -------
    dict
        `path`, and `note` where there is something to be told.

    Raises
    ------
    MapFileError
    """
    prepared, n_remaining, note = team.lead(lambda: _begin(tools, prepared_path, path))
    if n_remaining:
        control.check_stop(team)
        _invert_tickets(tools, prepared, path, n_remaining, team, control)
    return {"path": str(path)} | ({"note": note} if note else {})


def check_resume(path: Path, progress: Progress, ours: Origin) -> None:
    """Refuse to go on with a map that was begun with other settings or other profiles.

    Raises
    ------
    MapFileError
        With the difference.
    """
    check_settings(path, progress, ours.settings_json)
    if progress.prepared_checksum != ours.prepared_checksum:
        raise MapFileError(
            f"{path}: begun with other profiles ({progress.prepared_checksum[:16]}..., "
            f"now {ours.prepared_checksum[:16]}...); use another output directory"
        )


def check_settings(path: Path, progress: Progress, settings_json: str) -> None:
    """Refuse to go on with a map that was begun with other settings.

    Raises
    ------
    MapFileError
        With the difference.
    """
    if progress.settings_json != settings_json:
        changed = configuration.differences(settings_json, progress.settings_json)
        raise MapFileError(
            f"{path}: begun with other settings ({'; '.join(changed)}); "
            "go back to them, or use another output directory"
        )


def origin_of(prepared: PreparedMap, tools: Tools) -> Origin:
    """What an inverted map depends on."""
    return Origin(tools.settings.canonical_json(), prepared.checksum, tools.software)


def _begin(tools: Tools, prepared_path: Path, path: Path) -> tuple[PreparedMap, int, str | None]:
    """Go on from the file that is there, or make one; how many tickets remain."""
    prepared = PreparedMap.read(prepared_path)
    origin, tickets = origin_of(prepared, tools), Tickets(prepared.shape)
    note = None
    try:
        progress = inversion_file.read_progress(path)
        if progress is not None:
            check_resume(path, progress, origin)
            inversion_file.check_counted(path, tickets.n_pixels(progress.n_tickets_done))
            return prepared, progress.n_tickets_remaining, None
    except DamagedMapFileError as error:
        note = f"{error}; kept as {set_aside(path).name}, started anew"
    prepared.verify()
    inversion_file.create(path, prepared.shape, len(tickets), origin, tools.fsync)
    return prepared, len(tickets), note


def _invert_tickets(
    tools: Tools,
    prepared: PreparedMap,
    path: Path,
    n_remaining: int,
    team: Team,
    control: Control,
) -> None:
    settings = tools.settings
    stray_light = prepared.quiet_profile if settings.fit_filling_factor else None
    model = MilneEddington(prepared.wavelength, stray_light=stray_light)
    tickets = Tickets(prepared.shape)
    first = len(tickets) - n_remaining
    with InversionWriter(path, team, tools.fsync) as writer, team.together():
        while first < len(tickets):
            control.check_stop(team)
            share = team.tickets(first, len(tickets))
            deadline = time.perf_counter() + tools.checkpoint_interval
            error = None
            try:
                for ticket in share:
                    place = tickets.place(ticket)
                    writer.write(place, invert(model, prepared.read_profiles(place), settings))
                    if time.perf_counter() > deadline or control.stop_requested():
                        share.close()
            except Exception as caught:
                error = caught
            team.agree(error)
            last = share.taken()
            writer.count_down(len(tickets) - last)
            if team.is_leader:
                control.steps_done(tickets.n_pixels(last) - tickets.n_pixels(first))
            first = last
