"""`cvzmpi level2 run`: a job that inverts programs."""

from __future__ import annotations

from pathlib import Path

import click

from cvzmpi.errors import LedgerError
from cvzmpi.level2.configuration import Level2Config, load_campaign
from cvzmpi.level2.inversion.campaigns import ProgramCampaign
from cvzmpi.level2.steps import Level2Steps
from cvzmpi.mpi.launch import World, check_parallel_hdf5
from cvzmpi.runtime.all_ranks import complain, exit_status
from cvzmpi.scheduler import job
from cvzmpi.scheduler.progress import ProgressDisplay


def run(world: World, ranks_per_team: int, file: Path | None, settings: tuple[str, ...]) -> int:
    """Work on the campaign; the exit status is the same on all ranks."""
    world.first(lambda: check_parallel_hdf5(ranks_per_team, world.size))
    config = world.first(lambda: load_campaign(file, settings))
    campaign = ProgramCampaign(config, world.size, world.n_nodes(), ranks_per_team)
    display = ProgressDisplay("program", campaign.step_name, n_ranks=world.size)
    outcome = job.run(campaign, world, display, ranks_per_team, config.job.drain_before_end)

    def report() -> int:
        _say_what_is_inverted(config, campaign.inverted)
        return exit_status(outcome)

    return world.first(report)


def _say_what_is_inverted(config: Level2Config, inverted: list[tuple[str, str]]) -> None:
    """Print the ids of the inversions that are recorded, and which are not."""
    try:
        with Level2Steps.open(config) as steps:
            recorded = {inversion.inversion_id for inversion in steps.catalogue.inversions()}
    except LedgerError as error:
        complain(str(error))
        recorded = set()
    for program, inversion_id in inverted:
        if inversion_id in recorded:
            click.echo(f"{program}: inverted, {inversion_id}")
        else:
            complain(
                f"{program}: inverted, and not recorded: the ledger could not be reached, so that "
                "the next job does it, or the program was reopened meanwhile"
            )
