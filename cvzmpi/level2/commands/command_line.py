"""Options and help of the commands of the campaign `level2`; nothing heavy is imported here."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import click

from cvzmpi.given_path import GIVEN_PATH
from cvzmpi.runtime.command_line import (
    JOB,
    LazyCommand,
    config_option,
    json_option,
    lazy_command,
    set_option,
    status_options,
)

_option = partial(click.option, show_default=True)
_count = click.IntRange(1)
_positive = click.FloatRange(0, min_open=True)
_program_argument = click.argument("program")


def _campaign_options(declaration: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say which campaign it is."""
    return config_option(set_option(declaration))


def _ranks_per_team(unit: str) -> Callable[..., Any]:
    help = f"Ranks that share a {unit}."
    return _option("--ranks-per-team", type=_count, default=1, help=help)


# ----------------------------------------------------------------- the programs


@lazy_command(
    "cvzmpi.level2.commands.settings:show_defaults", "Print all settings, as a cvzmpi.toml."
)
def config() -> None:
    """Print all settings with their defaults and meanings: a cvzmpi.toml to start from."""


@lazy_command("cvzmpi.level2.commands.programs:scan", "Read the metadata store.")
@click.option("--proposal", "proposals", multiple=True, help="Only this one; may come again.")
@_campaign_options
def scan() -> None:
    """Read the metadata store; new and changed datasets are added."""


@lazy_command("cvzmpi.level2.commands.programs:qualify", "Evaluate the criteria for programs.")
@_campaign_options
def qualify() -> None:
    """Evaluate the criteria for every program that is complete."""


@lazy_command(
    "cvzmpi.level2.commands.programs:list_programs", "List the Observing Programs.", name="list"
)
@click.option("--state", help="Only what is in this state, as Invertible.")
@click.option("--proposal", help="Only what was observed for this proposal.")
@click.option("--by", help="Only what this person has reserved.")
@json_option
@_campaign_options
def list_programs() -> None:
    """List the Observing Programs: what people have reserved first, then what is free."""


@lazy_command("cvzmpi.level2.commands.programs:show", "Show everything about a program.")
@_program_argument
@_campaign_options
def show() -> None:
    """Show a program: its datasets, the criteria with their values, and its history."""


@lazy_command("cvzmpi.level2.commands.programs:reserve", "Reserve a program for a person.")
@_program_argument
@click.option("--by", required=True, help="The person's name.")
@_campaign_options
def reserve() -> None:
    """Reserve a program for a person, who inverts it."""


claim = LazyCommand("claim", body=reserve.body, start=None, params=reserve.params, hidden=True)
"""The earlier name of `reserve`."""


@lazy_command("cvzmpi.level2.commands.programs:release", "End the reservation of a program.")
@_program_argument
@click.option("--by", help="Only if this person has it.")
@_campaign_options
def release() -> None:
    """End the reservation of a program."""


@lazy_command("cvzmpi.level2.commands.programs:inverted", "Hand in the inversion of a program.")
@_program_argument
@click.option(
    "--files",
    type=GIVEN_PATH,
    required=True,
    multiple=True,
    help="A file of the product, or its directory; may come again.",
)
@click.option("--commit", required=True, help="Commit of the software that made them.")
@click.option("--by", help="Who made them.")
@_campaign_options
def inverted() -> None:
    """Hand in the inversion of a program: its files are checked first."""


@lazy_command("cvzmpi.level2.commands.programs:inbox", "Take in what was dropped into the inbox.")
@_campaign_options
def inbox() -> None:
    """Accept or reject the ready events that were dropped into the inbox."""


@lazy_command("cvzmpi.level2.commands.programs:preprocess", "Prepare programs for the inversion.")
@_campaign_options
def preprocess() -> None:
    """Prepare the invertible programs whose Level 1 data are here."""


@lazy_command("cvzmpi.level2.commands.programs:publish", "Publish all that is inverted.")
@_campaign_options
def publish() -> None:
    """Publish all that is inverted, and register it with the metadata store."""


@lazy_command("cvzmpi.level2.commands.programs:retry", "Let programs in error go on.")
@click.argument("programs", nargs=-1, required=True)
@_campaign_options
def retry() -> None:
    """Let programs in error go on from where they failed."""


@lazy_command("cvzmpi.level2.commands.programs:reopen", "Look at a program from the beginning.")
@_program_argument
@_campaign_options
def reopen() -> None:
    """Look at an inverted program from the beginning; what was published stays."""


@lazy_command(
    "cvzmpi.level2.commands.programs:serve", "Run all steps on a schedule, with a web page."
)
@_campaign_options
def serve() -> None:
    """Run all steps on a schedule, and serve a page with everything about the programs."""


# ----------------------------------------------------------------- the jobs


@lazy_command("cvzmpi.level2.commands.run:run", "Invert the prepared programs.", start=JOB)
@_ranks_per_team("program")
@_campaign_options
def run() -> None:
    """Invert the prepared programs that nobody has reserved; with mpirun or srun, on all ranks.

    Start it again after any stop: only what is missing is done.
    """


@lazy_command("cvzmpi.level2.commands.ledger:status", "Show what is done, how fast, what failed.")
@status_options
@_campaign_options
def status() -> None:
    """Show the state of the campaign: what is done, how fast, which jobs work, what failed."""


@lazy_command("cvzmpi.level2.commands.ledger:history", "Tell the whole history of one program.")
@_program_argument
@_campaign_options
def history() -> None:
    """Tell the history of a program, with the jobs, ranks and machines that worked on it."""


# ----------------------------------------------------------------- maps without a ledger


@lazy_command("cvzmpi.level2.commands.prepare:prepare", "Prepare Level 1 data for the inversion.")
@click.argument("datasets", type=GIVEN_PATH, nargs=-1, required=True)
@click.option("--output", type=GIVEN_PATH, required=True, help="Directory of the prepared maps.")
@click.option("--map", "map_number", type=int, help="One map only, from 0.  [default: all]")
@_option("--spectral-bin", type=_count, default=1, help="Wavelengths averaged.")
@_option("--slit-bin", type=_count, default=1, help="Pixels of the slit averaged.")
def prepare() -> None:
    """Prepare Level 1 datasets of ViSP, directories with FITS and ASDF files, for the inversion."""


@lazy_command("cvzmpi.level2.commands.invert:invert", "Invert all prepared maps.", start=JOB)
@click.argument("prepared", type=GIVEN_PATH)
@click.option("--output", type=GIVEN_PATH, required=True, help="Directory of the inverted maps.")
@_ranks_per_team("map")
@_option("--interval", type=_positive, default=5.0, help="Seconds between checkpoints.")
@_option("--noise", type=_positive, default=1e-3, help="Noise of the profiles, in continua.")
def invert() -> None:
    """Invert all prepared maps of a directory; with mpirun or srun, on all ranks.

    A Milne-Eddington inversion of Fe I 630.15 and 630.25 nm. Start it again after any stop: only
    what is missing is done.
    """


@lazy_command("cvzmpi.level2.commands.write:write", "Write the Level 2 product of an inverted map.")
@click.argument("dataset", type=GIVEN_PATH)
@click.argument("prepared", type=GIVEN_PATH)
@click.argument("inverted", type=GIVEN_PATH)
@click.option("--output", type=GIVEN_PATH, required=True, help="Directory of the product.")
@click.option("--inversion-id", required=True, help="As inv.ABC123.")
def write() -> None:
    """Write the Level 2 FITS and ASDF files of an inverted map.

    DATASET is the directory of the Level 1 data, PREPARED and INVERTED are the files of the map.
    """


def _pixel(context: click.Context, parameter: click.Parameter, value: str | None) -> Any:
    """The two numbers of --pixel."""
    if value is None:
        return None
    numbers = value.split(",")
    if len(numbers) != 2 or not all(number.strip().isdecimal() for number in numbers):
        raise click.BadParameter(f"{value!r}: expected X,Y as 12,80, counted from 0")
    return int(numbers[0]), int(numbers[1])


@lazy_command("cvzmpi.level2.commands.plot:plot", "Draw maps, or the profiles of a pixel.")
@click.argument("file", type=GIVEN_PATH)
@click.option("-o", "--output", type=GIVEN_PATH, help="PNG or PDF to write.  [default: in plots/]")
@click.option(
    "--quantity",
    "quantities",
    multiple=True,
    help="Draw this one, as field_strength or velocity_uncertainty; may come again.",
)
@click.option(
    "--pixel",
    metavar="X,Y",
    callback=_pixel,
    help="Draw the Stokes profiles of this pixel with their fit: scan position, place on the slit.",
)
@click.option(
    "--prepared",
    type=GIVEN_PATH,
    help="The prepared map of an inverted one.  [default: looked for nearby]",
)
def plot() -> None:
    """Draw the maps of FILE: an inverted map, finished or not; a prepared map; a Level 2 product.

    Of a product it is the ASDF file, one of the FITS files, or the directory. Without the prepared
    map of an inverted one, there are neither profiles nor a scale.
    """


@lazy_command("cvzmpi.level2.commands.simulate:simulate", "Write maps of invented atmospheres.")
@click.argument("directory", type=GIVEN_PATH)
@_option("--maps", "n_maps", type=_count, default=1, help="How many.")
@_option("--steps", type=_count, default=10, help="Scan positions of each map.")
@_option("--slit", type=_count, default=256, help="Pixels along the slit.")
@_option("--seed", default=1, help="Seed of all random draws.")
def simulate() -> None:
    """Write prepared maps of invented atmospheres, to try the inversion."""


_COMMANDS = (
    *(config, scan, qualify, list_programs, show, reserve, claim, release, inverted, inbox),
    *(preprocess, publish, retry, reopen, serve),
    *(run, status, history),
    *(prepare, invert, write, plot, simulate),
)
level2 = click.Group(
    "level2",
    {str(command.name): command for command in _COMMANDS},
    help="Maps of the Sun's magnetic field from DKIST data.",
)
