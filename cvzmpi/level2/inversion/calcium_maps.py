"""Maps of Ca II 854.2 nm, measured by a team of ranks in the tickets of an inversion."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cvzmpi.level2.inversion import calcium_file
from cvzmpi.level2.inversion.calcium_file import CalciumWriter
from cvzmpi.level2.inversion.map_inversion import (
    MapTickets,
    Tools,
    go_on_or_create,
    invert_map,
    origin_of,
)
from cvzmpi.level2.maps.arms import CALCIUM
from cvzmpi.level2.maps.prepared_map import PreparedMap
from cvzmpi.level2.pixels import calcium, noise
from cvzmpi.level2.settings import InversionSettings
from cvzmpi.scheduler.tickets import work_through

if TYPE_CHECKING:
    from cvzmpi.mpi.team import Team
    from cvzmpi.scheduler.campaign import Control


def work_on_map(
    tools: Tools, prepared_path: Path, path: Path, team: Team, control: Control
) -> dict[str, Any]:
    """Do what is left of a map, by what its arm observes; as `invert_map`."""
    arm = team.lead(lambda: PreparedMap.read(prepared_path).arm)
    work = measure_map if arm == CALCIUM else invert_map
    return work(tools, prepared_path, path, team, control)


def measure_map(
    tools: Tools, prepared_path: Path, path: Path, team: Team, control: Control
) -> dict[str, Any]:
    """Measure what is left of a map of Ca II 854.2 nm: collective over the team.

    Parameters
    ----------
    prepared_path, path : Path
        The prepared map, and the file of the results.
    control : Control
        Counts the pixels, and says when to stop.

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
        _measure(tools, settings, prepared, path, n_remaining, team, control)
    return {"path": str(path)} | ({"note": note} if note else {})


def _begin(
    tools: Tools, prepared_path: Path, path: Path
) -> tuple[PreparedMap, InversionSettings, int, str | None]:
    """The map, its settings, the number of tickets that remain, and a note for the log or None."""
    prepared = PreparedMap.read(prepared_path)
    tickets = MapTickets(prepared.shape)

    def create() -> None:
        origin = origin_of(prepared, tools)
        calcium_file.create(path, prepared.shape, len(tickets), origin, tools.fsync)

    return prepared, *go_on_or_create(path, prepared, tools, tickets, create)


def _measure(
    tools: Tools,
    settings: InversionSettings,
    prepared: PreparedMap,
    path: Path,
    n_remaining: int,
    team: Team,
    control: Control,
) -> None:
    tickets, map_noise = MapTickets(prepared.shape), noise.of_record(prepared.record)
    writer = CalciumWriter(path, team, tools.fsync)

    def work(place: tuple[int, slice]) -> None:
        profiles = prepared.read_profiles(place)
        writer.write(place, calcium.measure(prepared.wavelength, profiles, settings, map_noise))

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
