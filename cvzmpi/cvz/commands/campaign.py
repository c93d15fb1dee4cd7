"""Commands of a `cvz` campaign: from its configuration to its sector files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cvzmpi.errors import ConfigError
from cvzmpi.given_path import GIVEN_PATH
from cvzmpi.runtime.all_ranks import (
    DONE,
    INCOMPLETE,
    SOME_FAILED,
    complain,
    exit_status,
    job_on_all_ranks,
)

if TYPE_CHECKING:
    from cvzmpi.cvz.configuration import Config
    from cvzmpi.mpi.launch import World

_CONFIG_OPTION = click.option("--config", "file", type=GIVEN_PATH, help="The configuration file.")
_SET_OPTION = click.option(
    "--set", "settings", metavar="KEY=VALUE", multiple=True, help="Override a setting."
)


@click.command()
@click.argument("file", type=GIVEN_PATH, required=False)
@click.option("--input", "input_directory", metavar="DIR", help="Directory with the FITS files.")
@click.option("--targets", metavar="FILE", help="List of targets, to be fetched from the archive.")
@click.option("--output", "output_directory", metavar="DIR", help="Directory of the results.")
@_SET_OPTION
def run(
    file: Path | None,
    input_directory: str | None,
    targets: str | None,
    output_directory: str | None,
    settings: tuple[str, ...],
) -> int:
    """Work on all light curves of a campaign; with mpirun or srun, on all ranks.

    FILE is the configuration, by default cvzmpi.toml in the working directory; with --output, and
    --input or --targets, none is needed. Start it again after any stop: only what is missing is
    done.
    """

    def work(world: World) -> int:
        given = {
            "input.directory": input_directory,
            "archive.targets": targets,
            "output.directory": output_directory,
        }
        return _run_campaign(world, world.first(lambda: _complete_config(file, settings, given)))

    return job_on_all_ranks(work)


@click.command()
@click.option("--sdist", type=GIVEN_PATH, help="stella's source, if it is here.")
@click.option("--file", type=GIVEN_PATH, help="Where to keep the models.")
def models(sdist: Path | None, file: Path | None) -> int:
    """Fetch, verify and convert the ten stella models, once, and say where they are."""
    from cvzmpi.cvz.detection.stella import published_models

    file = file or published_models.default_file()
    loaded = published_models.ensure(file, sdist)
    click.echo(f"{len(loaded)} stella models, checksum {loaded.checksum[:16]}..., in {file}")
    return DONE


@click.command()
def config() -> int:
    """Print all settings with their defaults and meanings: a cvzmpi.toml to start from."""
    from cvzmpi.config import as_toml
    from cvzmpi.cvz.configuration import Config

    click.echo(as_toml(Config()), nl=False)
    return DONE


@click.command()
@click.argument("targets", type=GIVEN_PATH, required=False)
@_CONFIG_OPTION
@_SET_OPTION
def scan(targets: Path | None, file: Path | None, settings: tuple[str, ...]) -> int:
    """Find the light curves of a list of targets in the archive; judge which stars qualify.

    TARGETS is a table with a column of TIC numbers, or a text with one in each line; by default
    what the setting archive.targets names. Scan again whenever there may be new sectors.
    """
    from cvzmpi.cvz.commands.archive import scan_targets

    config = _config(file, settings, {"archive.targets": targets})
    result, bad_rows = scan_targets(config, complain)
    click.echo(result)
    for row in bad_rows:
        complain(row)
    if result.unseen is not None:
        return INCOMPLETE
    return SOME_FAILED if bad_rows else DONE


@click.command()
@_CONFIG_OPTION
@_SET_OPTION
def fetch(file: Path | None, settings: tuple[str, ...]) -> int:
    """Bring light curves into scratch before a job, for nodes without a network.

    The next ones in the order of work come first, until scratch is full (archive.scratch_gb).
    """
    from cvzmpi.cvz.commands.archive import fetch_light_curves

    result = fetch_light_curves(_config(file, settings, {}), complain)
    click.echo(result)
    for failure in result.failed:
        complain(failure)
    if result.down is not None:
        return INCOMPLETE
    return SOME_FAILED if result.failed else DONE


@click.command()
@click.argument("directory", type=GIVEN_PATH)
@click.option("--stars", default=3, show_default=True, help="How many stars to invent.")
@click.option("--sectors", default=1, show_default=True, help="Sectors of each star.")
@click.option("--seed", default=1, show_default=True, help="Of everything that is random.")
@click.option("--cadences", type=int, help="Rows of each light curve.  [default: a full sector]")
def simulate(directory: Path, stars: int, sectors: int, seed: int, cadences: int | None) -> int:
    """Write light curves of invented stars, with known flares, as SPOC's FITS files."""
    from cvzmpi.cvz.simulation.simulate import N_CADENCES, simulate_campaign

    paths = simulate_campaign(
        directory,
        stars,
        seed,
        sectors_per_star=sectors,
        n_cadences=N_CADENCES if cadences is None else cadences,
    )
    for path in paths:
        click.echo(path)
    return DONE


COMMANDS = (run, models, config, scan, fetch, simulate)


def _config(
    file: Path | None, settings: tuple[str, ...], given: Mapping[str, Path | str | None]
) -> Config:
    """The configuration from the file, if there is one, and the command line."""
    from cvzmpi.config import named_or_default
    from cvzmpi.cvz.configuration import load

    values = {key: value for key, value in given.items() if value}
    return load(named_or_default(file), settings, values)


def _complete_config(
    file: Path | None, settings: tuple[str, ...], given: Mapping[str, Path | str | None]
) -> Config:
    """The configuration of a job: without a file, it must be told its input and output."""
    from cvzmpi.config import DEFAULT_FILE, named_or_default

    has_input = given["input.directory"] or given["archive.targets"]
    has_output = given["output.directory"] is not None
    if named_or_default(file) is None and not (has_input and has_output):
        raise ConfigError(
            f"no {DEFAULT_FILE} here: name a configuration file, or give --output, and --input or "
            "--targets"
        )
    return _config(file, settings, given)


def _run_campaign(world: World, config: Config) -> int:
    """Work on the campaign; the exit status, which is the same on all ranks."""
    from cvzmpi.cvz.work.campaign import CvzCampaign
    from cvzmpi.mpi.launch import check_parallel_hdf5
    from cvzmpi.scheduler import job
    from cvzmpi.scheduler.progress import ProgressDisplay

    world.first(lambda: check_parallel_hdf5(config.ranks_per_team))
    nodes = world.n_nodes()
    campaign = world.first(lambda: CvzCampaign.begin(config, world.size, nodes))
    display = ProgressDisplay("light curves", campaign.step_name)
    limits = job.JobLimits(config.ranks_per_team, config.job.drain_before_end)
    tally = job.run(campaign, world, limits, display)
    return world.first(lambda: exit_status(tally))
