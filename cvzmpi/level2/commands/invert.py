"""`cvzmpi level2 invert`: a job that inverts the prepared maps of a directory."""

from __future__ import annotations

from pathlib import Path

from cvzmpi.level2.inversion.campaigns import MapCampaign, find_prepared
from cvzmpi.level2.settings import InversionSettings
from cvzmpi.mpi.launch import World, check_parallel_hdf5
from cvzmpi.runtime.all_ranks import exit_status
from cvzmpi.scheduler import job
from cvzmpi.scheduler.progress import ProgressDisplay


def invert(
    world: World,
    prepared: Path,
    output: Path,
    ranks_per_team: int,
    interval: float,
    noise: float | None,
    lines: Path | None,
) -> int:
    """Work on the maps; the exit status is the same on all ranks."""
    world.first(lambda: check_parallel_hdf5(ranks_per_team, world.size))
    maps = world.first(lambda: find_prepared(prepared))
    campaign = MapCampaign(maps, output, InversionSettings(noise=noise, lines=lines), interval)
    display = ProgressDisplay("map", campaign.step_name, n_ranks=world.size)
    outcome = job.run(campaign, world, display, ranks_per_team)
    return world.first(lambda: exit_status(outcome))
