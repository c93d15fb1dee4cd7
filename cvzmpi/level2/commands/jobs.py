"""Commands of the jobs of a campaign: the inversion in bulk, and how it is."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cvzmpi.given_path import GIVEN_PATH
from cvzmpi.level2.commands.programs import of_campaign
from cvzmpi.runtime.all_ranks import DONE, complain, exit_status, job_on_all_ranks
from cvzmpi.runtime.ledger_display import show_history, show_status, status_options

if TYPE_CHECKING:
    from cvzmpi.level2.configuration import Level2Config
    from cvzmpi.level2.steps import Level2Steps
    from cvzmpi.mpi.launch import World

of_campaign_that_is_there = partial(of_campaign, create=False)


@click.command()
@click.option(
    "--ranks-per-team",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Ranks that share a program.",
)
@click.option("--config", "file", type=GIVEN_PATH, help="[default: cvzmpi.toml]")
@click.option("--set", "settings", metavar="KEY=VALUE", multiple=True, help="Override.")
def run(ranks_per_team: int, file: Path | None, settings: tuple[str, ...]) -> int:
    """Invert the prepared programs that nobody has reserved; with mpirun or srun, on all ranks.

    Start it again after any stop: only what is missing is done.
    """

    def work(world: World) -> int:
        from cvzmpi.level2.configuration import load
        from cvzmpi.level2.inversion.campaigns import ProgramCampaign
        from cvzmpi.mpi.launch import check_parallel_hdf5
        from cvzmpi.scheduler import job
        from cvzmpi.scheduler.progress import ProgressDisplay

        world.first(lambda: check_parallel_hdf5(ranks_per_team))
        config = world.first(lambda: load(file, settings))
        campaign = ProgramCampaign(config, world.size, world.n_nodes(), ranks_per_team)
        limits = job.JobLimits(ranks_per_team, config.job.drain_before_end)
        tally = job.run(campaign, world, limits, ProgressDisplay("programs", campaign.step_name))

        def report() -> int:
            _say_what_is_inverted(config, campaign.inverted)
            return exit_status(tally)

        return world.first(report)

    return job_on_all_ranks(work)


def _say_what_is_inverted(config: Level2Config, inverted: list[tuple[str, str]]) -> None:
    """Print the ids of the inversions that are recorded, and which are not."""
    from cvzmpi.errors import LedgerError
    from cvzmpi.level2.steps import Level2Steps

    try:
        with Level2Steps.open(config) as campaign:
            recorded = {inversion.inversion_id for inversion in campaign.catalogue.inversions()}
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


@click.command()
@status_options
@of_campaign_that_is_there
def status(campaign: Level2Steps, as_json: bool, every: float | None) -> int:
    """How the campaign is: what is done, how fast, which jobs work on it, what failed."""
    from cvzmpi.level2.settings import STEP_NAME

    show_status(
        campaign.config.ledger.location,
        campaign.config.outboxes(),
        STEP_NAME,
        as_json=as_json,
        every=every,
    )
    return DONE


@click.command()
@click.argument("program")
@of_campaign_that_is_there
def history(campaign: Level2Steps, program: str) -> int:
    """The whole story of one program, with the jobs, ranks and machines that had to do with it."""
    show_history(campaign.ledger, program)
    return DONE


COMMANDS = (run, status, history)
