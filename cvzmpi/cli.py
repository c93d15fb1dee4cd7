"""The command line. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cvzmpi import __version__, ledger_commands
from cvzmpi.all_ranks import (
    DONE,
    INCOMPLETE,
    SOME_FAILED,
    USAGE,
    complain,
    exit_status,
    on_all_ranks,
)
from cvzmpi.errors import ConfigError, CvzmpiError

if TYPE_CHECKING:
    from cvzmpi.config import Config
    from cvzmpi.engine.launch import World


class _RunByDefault(click.Group):
    """`cvzmpi` and `cvzmpi my.toml` mean `cvzmpi run` and `cvzmpi run my.toml`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] not in {"--help", "--version"}):
            args = ["run", *args]
        return super().parse_args(ctx, args)


class _Room(click.Group):
    """The commands of a room; its module is imported when they are asked for."""

    def __init__(self, name: str, module: str, help: str) -> None:
        super().__init__(name, help=help)
        self._module = module

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [str(command.name) for command in self._load()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return next((command for command in self._load() if command.name == cmd_name), None)

    def _load(self) -> Sequence[click.Command]:
        return import_module(self._module).COMMANDS


@click.group(cls=_RunByDefault, context_settings={"max_content_width": 100})
@click.version_option(__version__, prog_name="cvzmpi")
def cli() -> None:
    """Bulk processing of astronomical campaigns over MPI.

    Without a command, `run` is meant: `mpirun -n 9 python -m cvzmpi` works on the campaign that
    ./cvzmpi.toml describes.
    """


for command in ledger_commands.COMMANDS:
    cli.add_command(command)
cli.add_command(
    _Room("level2", "cvzmpi.level2.commands", "Maps of the Sun's magnetic field from DKIST data.")
)


def main() -> None:
    """Run the command line; an error for the user is one line and the exit status 2."""
    try:
        status = cli.main(standalone_mode=False)
    except click.ClickException as error:
        complain(error.format_message())
        sys.exit(USAGE)
    except click.Abort:
        sys.exit(130)
    except CvzmpiError as error:
        complain(str(error))
        sys.exit(USAGE)
    sys.exit(status)


@cli.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--input", "input_directory", metavar="DIR", help="Directory with the FITS files.")
@click.option("--targets", metavar="FILE", help="List of targets, to be fetched from the archive.")
@click.option("--output", "output_directory", metavar="DIR", help="Directory of the results.")
@click.option("--set", "settings", metavar="KEY=VALUE", multiple=True, help="Override a setting.")
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
        config = world.first(
            lambda: _configuration(file, input_directory, output_directory, settings, targets)
        )
        return _run_campaign(world, config)

    return on_all_ranks(work)


@cli.command()
@click.option("--sdist", type=click.Path(path_type=Path), help="stella's source, if it is here.")
@click.option("--file", type=click.Path(path_type=Path), help="Where to keep the models.")
def models(sdist: Path | None, file: Path | None) -> int:
    """Fetch, verify and convert the ten stella models, once, and say where they are."""
    from cvzmpi.cvz import stella_models

    file = file or stella_models.default_file()
    loaded = stella_models.ensure(file, sdist)
    click.echo(f"{len(loaded)} stella models, checksum {loaded.checksum[:16]}..., in {file}")
    return DONE


@cli.command()
def config() -> int:
    """Print all settings with their defaults and meanings: a cvzmpi.toml to start from."""
    from cvzmpi.config import Config, as_toml

    click.echo(as_toml(Config()), nl=False)
    return DONE


_CONFIG_OPTION = click.option(
    "--config", "file", type=click.Path(path_type=Path), help="The configuration file."
)
_SET_OPTION = click.option("--set", "settings", metavar="KEY=VALUE", multiple=True)


@cli.command()
@click.argument("targets", type=click.Path(path_type=Path), required=False)
@_CONFIG_OPTION
@_SET_OPTION
def scan(targets: Path | None, file: Path | None, settings: tuple[str, ...]) -> int:
    """Find the light curves of a list of targets in the archive; judge which stars qualify.

    TARGETS is a table with a column of TIC numbers, or a text with one in each line; by default
    what the setting archive.targets names. Scan again whenever there may be new sectors.
    """
    from cvzmpi.cvz.archive.commands import scan_targets

    config = _campaign_configuration(file, settings, {"archive.targets": targets})
    result, bad_rows = scan_targets(config, complain)
    click.echo(result)
    for row in bad_rows:
        complain(row)
    return SOME_FAILED if bad_rows else DONE


@cli.command()
@_CONFIG_OPTION
@_SET_OPTION
def fetch(file: Path | None, settings: tuple[str, ...]) -> int:
    """Bring light curves into scratch before a job, for nodes without a network.

    The next ones in the order of work come first, until scratch is full (archive.scratch_gb).
    """
    from cvzmpi.cvz.archive.commands import fetch_light_curves

    result = fetch_light_curves(_campaign_configuration(file, settings, {}), complain)
    click.echo(result)
    for failure in result.failed:
        complain(failure)
    if result.down is not None:
        return INCOMPLETE
    return SOME_FAILED if result.failed else DONE


@cli.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--stars", default=3, show_default=True, help="How many stars to invent.")
@click.option("--sectors", default=1, show_default=True, help="Sectors of each star.")
@click.option("--seed", default=1, show_default=True, help="Of everything that is random.")
@click.option("--cadences", type=int, help="Rows of each light curve.  [default: a full sector]")
def simulate(directory: Path, stars: int, sectors: int, seed: int, cadences: int | None) -> int:
    """Write light curves of invented stars, with known flares, as SPOC's FITS files."""
    from cvzmpi.cvz.simulate import N_CADENCES, simulate_campaign

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


@cli.command()
@click.argument("files", type=click.Path(path_type=Path), nargs=-1, required=True)
def show(files: tuple[Path, ...]) -> int:
    """Print what is in sector files: a table of several, the details of one."""
    from cvzmpi.cvz.show import show_file, show_table

    if len(files) == 1:
        show_file(files[0])
    else:
        show_table(files)
    return DONE


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="PNG or PDF to write.")
def plot(file: Path, output: Path | None) -> int:
    """Draw a sector file: light curve and flares, the largest flare, what was recovered."""
    from cvzmpi.cvz.pictures.overview import plot_file

    click.echo(plot_file(file, output or file.with_suffix(".png")))
    return DONE


@cli.command()
@click.argument("tics", metavar="TIC...", type=int, nargs=-1)
@click.option("--all", "all_stars", is_flag=True, help="All stars that there are.")
@click.option(
    "--results",
    type=click.Path(path_type=Path),
    help="Directory of the sector files.  [default: that of cvzmpi.toml]",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=Path("ffd"),
    show_default=True,
    help="Directory of the tables.",
)
@click.option("--format", "kind", type=click.Choice(["ecsv", "parquet"]), default="ecsv")
@click.option(
    "--min-completeness",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.5,
    show_default=True,
    help="Flares count from the size on of which this share is found.",
)
@click.option(
    "--ed-max",
    type=click.FloatRange(0, min_open=True),
    help="Largest equivalent duration that counts, in s.",
)
@click.option("--processes", type=click.IntRange(1), default=1, show_default=True)
def ffd(
    tics: tuple[int, ...],
    all_stars: bool,
    results: Path | None,
    output: Path,
    kind: str,
    min_completeness: float,
    ed_max: float | None,
    processes: int,
) -> int:
    """Flare frequency distributions of stars: index, rates, and points, as tables.

    Half-done light curves are named and left out.
    """
    from cvzmpi.engine.launch import pin_to_one_core

    if bool(tics) == all_stars:
        raise click.UsageError("give TIC numbers, or --all")
    pin_to_one_core()
    from cvzmpi.cvz.products.ffd_command import FfdSettings, make_tables

    settings = FfdSettings(min_completeness, float("inf") if ed_max is None else ed_max)
    make_tables(_results_directory(results), tics or None, settings, output, kind, processes)
    return DONE


@cli.command()
@click.argument("results", type=click.Path(path_type=Path), required=False)
def index(results: Path | None) -> int:
    """Sum the sector files of a campaign up in tables, with mpirun or srun on all ranks.

    RESULTS is the directory of the sector files, by default that of ./cvzmpi.toml; the tables are
    in its directory `index`. Only what changed since the last time is read; jobs may be writing.
    """

    def work(world: World) -> int:
        from cvzmpi.cvz.index.build import describe, update_index

        directory = world.first(lambda: _results_directory(results))
        report = update_index(directory, world)
        world.first(lambda: click.echo(describe(report)))
        return DONE

    return on_all_ranks(work)


@cli.command()
@click.argument("results", type=click.Path(path_type=Path), required=False)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=Path("report"),
    show_default=True,
    help="Directory of the report.",
)
@click.option(
    "--pictures",
    type=click.IntRange(0),
    default=200,
    show_default=True,
    help="Draw the light curves of so many stars, those with the most flares.",
)
def report(results: Path | None, output: Path, pictures: int) -> int:
    """Write a campaign as a web site that needs no server; with mpirun or srun, on all ranks.

    RESULTS is the directory of the sector files, by default that of ./cvzmpi.toml. Its index is
    brought up to date first, and only pages of stars that changed are made anew.
    """

    def work(world: World) -> int:
        from cvzmpi.cvz.report.site import write_site

        directory = world.first(lambda: _results_directory(results))
        site = write_site(directory, output, world, pictures)
        if site is not None:
            click.echo(f"{site.n_stars:,} stars, {site.n_drawn:,} pages made anew")
            click.echo(site.page)
        return DONE

    return on_all_ranks(work)


def _results_directory(given: Path | None) -> Path:
    """The directory of the sector files: that given, or that of the configuration that is here."""
    from cvzmpi.config import DEFAULT_FILE, load

    if given is not None:
        return given
    if not DEFAULT_FILE.exists():
        raise ConfigError(f"no {DEFAULT_FILE} here: name the directory of the sector files")
    return load(DEFAULT_FILE).output.directory


def _configuration(
    file: Path | None,
    input_directory: str | None,
    output_directory: str | None,
    settings: tuple[str, ...],
    targets: str | None = None,
) -> Config:
    """The configuration from the file, if there is one, and the command line."""
    from cvzmpi.config import DEFAULT_FILE, load

    if file is None and DEFAULT_FILE.exists():
        file = DEFAULT_FILE
    if file is None and (output_directory is None or not (input_directory or targets)):
        raise ConfigError(
            f"no {DEFAULT_FILE} here: name a configuration file, or give --output, and --input or "
            "--targets"
        )
    given = {
        "input.directory": input_directory,
        "archive.targets": targets,
        "output.directory": output_directory,
    }
    return load(file, [*settings], {key: value for key, value in given.items() if value})


def _campaign_configuration(
    file: Path | None, settings: tuple[str, ...], given: dict[str, Path | None]
) -> Config:
    """The configuration of a command that needs no input; without a file, with the defaults."""
    from cvzmpi.config import DEFAULT_FILE, load

    if file is None and DEFAULT_FILE.exists():
        file = DEFAULT_FILE
    return load(file, [*settings], {key: value for key, value in given.items() if value})


def _run_campaign(world: World, config: Config) -> int:
    """Work on the campaign; the exit status, which is the same on all ranks."""
    from cvzmpi.cvz.campaign import CvzCampaign
    from cvzmpi.engine import job
    from cvzmpi.engine.launch import check_parallel_hdf5
    from cvzmpi.engine.progress import ProgressDisplay

    world.first(lambda: check_parallel_hdf5(config.ranks_per_team))
    nodes = world.n_nodes()
    campaign = world.first(lambda: CvzCampaign.begin(config, world.size, nodes))
    display = ProgressDisplay("light curves", campaign.step_name)
    limits = job.JobLimits(config.ranks_per_team, config.job.drain_before_end)
    tally = job.run(campaign, world, limits, display)
    return world.first(lambda: exit_status(tally))
