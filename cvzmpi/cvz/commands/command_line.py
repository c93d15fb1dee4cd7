"""Options and help of the commands of the campaign `cvz`; nothing heavy is imported here."""

from __future__ import annotations

from pathlib import Path

import click

from cvzmpi.cvz.commands.ledger.command_line import grant, history, retry, serve, status, verify
from cvzmpi.cvz.commands.setup.command_line import doctor, init
from cvzmpi.given_path import GIVEN_PATH
from cvzmpi.runtime.command_line import (
    ALL_RANKS,
    JOB,
    ONE_CORE,
    config_option,
    lazy_command,
    set_option,
)
from cvzmpi.runtime.run_by_default import RunByDefault

_search_option = click.option(
    "--search",
    type=click.Choice(["stella", "significance", "either", "both"]),
    help="Search whose flares are meant.  [default: detect.search of cvzmpi.toml]",
)
_results_argument = click.argument("results", type=GIVEN_PATH, required=False)


# ----------------------------------------------------------------- from settings to sector files


@lazy_command("cvzmpi.cvz.commands.run:run", "Work on all light curves of a campaign.", start=JOB)
@click.argument("file", type=GIVEN_PATH, required=False)
@click.option(
    "--input",
    "input_directory",
    type=GIVEN_PATH,
    metavar="DIR",
    help="Directory with the FITS files.",
)
@click.option(
    "--targets",
    type=GIVEN_PATH,
    metavar="FILE",
    help="List of targets, to be fetched from the archive.",
)
@click.option(
    "--output",
    "output_directory",
    type=GIVEN_PATH,
    metavar="DIR",
    help="Directory of the results.",
)
@set_option
def run() -> None:
    """Work on all light curves of a campaign; with mpirun or srun, on all ranks.

    FILE is the configuration, by default cvzmpi.toml in the working directory; with --output, and
    --input or --targets, none is needed. Start it again after any stop: only what is missing is
    done.
    """


@lazy_command("cvzmpi.cvz.commands.settings:show_defaults", "Print all settings, as a cvzmpi.toml.")
def config() -> None:
    """Print all settings with their defaults and meanings: a cvzmpi.toml to start from."""


@lazy_command("cvzmpi.cvz.commands.models:models", "Check the stella models against their source.")
@click.option("--sdist", type=GIVEN_PATH, help="stella's source, if it is here.")
@click.option("--file", type=GIVEN_PATH, help="Where to write what was converted.")
def models() -> None:
    """Convert the ten stella models from stella's source, and compare them with those in use.

    Those in use are part of cvzmpi, and need no preparation. The source is fetched from the package
    index, or taken from --sdist.
    """


@lazy_command("cvzmpi.cvz.commands.archive:scan", "Find the light curves of a list of targets.")
@click.argument("targets", type=GIVEN_PATH, required=False)
@config_option
@set_option
def scan() -> None:
    """Find the light curves of a list of targets in the archive; judge which stars qualify.

    TARGETS is a table with a column of TIC numbers, or a text with one in each line; by default
    what the setting archive.targets names. Scan again whenever there may be new sectors.
    """


@lazy_command("cvzmpi.cvz.commands.archive:fetch", "Bring light curves into scratch before a job.")
@config_option
@set_option
def fetch() -> None:
    """Bring light curves into scratch before a job, for nodes without a network.

    The next ones in the order of work come first, until scratch is full (archive.scratch_gb).
    """


@lazy_command("cvzmpi.cvz.commands.simulate:simulate", "Write light curves of invented stars.")
@click.argument("directory", type=GIVEN_PATH)
@click.option("--stars", default=3, show_default=True, help="How many stars to invent.")
@click.option("--sectors", default=1, show_default=True, help="Sectors of each star.")
@click.option("--seed", default=1, show_default=True, help="Seed of all random draws.")
@click.option("--cadences", type=int, help="Rows of each light curve.  [default: a full sector]")
def simulate() -> None:
    """Write light curves of invented stars, with known flares, as SPOC's FITS files."""


# ----------------------------------------------------------------- the results


@lazy_command("cvzmpi.cvz.commands.show:show", "Print what is in sector files.")
@click.argument("files", metavar="[FILE|DIR]...", type=GIVEN_PATH, nargs=-1)
@_search_option
def show() -> None:
    """Print what is in sector files: a table of several, the details of one.

    DIR is a directory of sector files, or of a campaign; without any, it is the campaign of
    ./cvzmpi.toml.
    """


@lazy_command("cvzmpi.cvz.commands.plot:plot", "Draw sector files.")
@click.argument("files", metavar="FILE|DIR...", type=GIVEN_PATH, nargs=-1, required=True)
@click.option(
    *("-o", "--output"),
    type=GIVEN_PATH,
    help="PNG or PDF to write, of one file; or the directory of the pictures.  [default: plots]",
)
@_search_option
def plot() -> None:
    """Draw sector files: light curve and flares, the largest flare, what was recovered.

    DIR is a directory of sector files, or of a campaign: all in it are drawn. The pictures are
    TIC_SECTOR.png (or TIC_SECTOR_PRODUCT.png) in the directory `plots`.
    """


@lazy_command("cvzmpi.cvz.commands.ffd:ffd", "Make tables of flare frequencies.", start=ONE_CORE)
@click.argument("tics", metavar="TIC...", type=int, nargs=-1)
@click.option("--all", "all_stars", is_flag=True, help="All stars that there are.")
@click.option(
    "--results",
    type=GIVEN_PATH,
    help="Directory of the sector files.  [default: that of cvzmpi.toml]",
)
@click.option(
    "--output",
    type=GIVEN_PATH,
    default=Path("ffd"),
    show_default=True,
    help="Directory of the tables. Those of some stars have their TIC numbers in the names.",
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
    "--min-reliability",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    help="Flares are counted and listed that are real with this chance; rates contain all.",
)
@click.option(
    "--ed-max",
    type=click.FloatRange(0, min_open=True),
    help="Largest equivalent duration that counts, in s.",
)
@click.option("--processes", type=click.IntRange(1), default=1, show_default=True)
@_search_option
def ffd() -> None:
    """Flare frequency distributions of stars: index, rates, and points, as tables.

    Each flare counts with its reliability: as of the whole campaign where `cvzmpi index` was run
    since the light curve changed, else as of its light curve alone.

    Light curves that are half-done or cannot be used are named and left out; the exit status is 1
    if there are any that cannot be used.
    """


@lazy_command("cvzmpi.cvz.commands.index:index", "Collect the results in tables.", start=ALL_RANKS)
@_results_argument
@_search_option
def index() -> None:
    """Collect the sector files of a campaign in tables; with mpirun or srun, on all ranks.

    RESULTS is the directory of the sector files, by default that of ./cvzmpi.toml; the tables are
    in its directory `index`. Only what changed since the last time is read; jobs may be writing.
    Sector files that cannot be in it are named, and the exit status is 1.
    """


@lazy_command(
    "cvzmpi.cvz.commands.report:report", "Write a campaign as a web site.", start=ALL_RANKS
)
@_results_argument
@click.option(
    *("-o", "--output"),
    type=GIVEN_PATH,
    default=Path("report"),
    show_default=True,
    help="Directory of the report.",
)
@click.option(
    "--light-curves",
    type=click.IntRange(0),
    metavar="N",
    default=200,
    show_default=True,
    help="Show every cadence of so many stars, those with the most flares.",
)
@click.option("--pictures", type=click.IntRange(0), hidden=True)  # its earlier name
@click.option(
    "--star",
    "stars",
    type=click.IntRange(1),
    metavar="TIC",
    multiple=True,
    help="Only add this star's light curves to an existing report, or refresh them; repeatable.",
)
@click.option(
    "--include-marked",
    is_flag=True,
    help="Show stars with quality marks as well in the pictures of the campaign.",
)
@click.option(
    "--energy",
    type=click.FloatRange(min=0, min_open=True),
    default=1e33,
    show_default=True,
    metavar="ERG",
    help="Compare stars by their rates of flares above this bolometric energy.",
)
@_search_option
def report() -> None:
    """Write a campaign as a web site that needs no server; with mpirun or srun, on all ranks.

    RESULTS is the directory of the sector files, by default that of ./cvzmpi.toml. Its index is
    brought up to date first, and only pages of stars that changed are made anew. Light curves that
    cannot be in it are named, and the exit status is 1.
    """


_COMMANDS = (
    *(run, init, doctor, config, models, scan, fetch, simulate),
    *(status, serve, history, retry, verify, grant),
    *(show, plot, ffd, index, report),
)
cvz = RunByDefault(
    "cvz",
    {str(command.name): command for command in _COMMANDS},
    help="Flares of stars in TESS light curves, and how many are missed.",
    short_help="Flares of stars; `cvzmpi run` is `cvzmpi cvz run`.",
)
