"""`cvzmpi run`: a job that works on the light curves of a campaign."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from cvzmpi.config import DEFAULT_FILE, named_or_default
from cvzmpi.cvz.commands.settings import settings_of
from cvzmpi.cvz.configuration import Config
from cvzmpi.cvz.results.outcome import outcome_of
from cvzmpi.cvz.work.campaign import CvzCampaign
from cvzmpi.errors import ConfigError
from cvzmpi.mpi.launch import World, check_parallel_hdf5
from cvzmpi.runtime.all_ranks import exit_status
from cvzmpi.scheduler import job
from cvzmpi.scheduler.progress import ProgressDisplay


def run(
    world: World,
    file: Path | None,
    input_directory: Path | None,
    targets: Path | None,
    output_directory: Path | None,
    settings: tuple[str, ...],
) -> int:
    """Work on the campaign; the exit status is the same on all ranks."""

    def configure() -> Config:
        has_input_and_output = (input_directory or targets) and output_directory is not None
        if named_or_default(file) is None and not has_input_and_output:
            raise ConfigError(
                f"no {DEFAULT_FILE} here: name a configuration file, or give --output, and --input "
                "or --targets"
            )
        given = {
            "input.directory": input_directory,
            "archive.targets": targets,
            "output.directory": output_directory,
        }
        return settings_of(file, settings, given)

    config = world.first(configure)
    world.first(lambda: check_parallel_hdf5(config.ranks_per_team, world.size))
    nodes = world.n_nodes()
    outcome_by_search = partial(outcome_of, str(config.detect.search))
    campaign = world.first(lambda: CvzCampaign.begin(config, world.size, nodes, outcome_by_search))
    display = ProgressDisplay("light curve", campaign.step_name, n_ranks=world.size)
    drain = config.job.drain_before_end
    outcome = job.run(campaign, world, display, config.ranks_per_team, drain)
    return world.first(lambda: exit_status(outcome))
