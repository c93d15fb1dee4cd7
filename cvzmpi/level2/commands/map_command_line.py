"""Options and help of the commands about maps, which need no ledger."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import click

from cvzmpi.given_path import GIVEN_PATH
from cvzmpi.runtime.command_line import JOB, lazy_command

_option = partial(click.option, show_default=True)
_count = click.IntRange(1)
_positive = click.FloatRange(0, min_open=True)


def ranks_per_team(unit: str) -> Callable[..., Any]:
    """The option that says how many ranks share a unit."""
    help = f"Ranks that share a {unit}."
    return _option("--ranks-per-team", type=_count, default=1, help=help)


_lines = click.option(
    "--lines",
    type=GIVEN_PATH,
    help="Table of the lines, .ecsv or .csv.  [default: the iron lines at 630 nm]",
)


@lazy_command("cvzmpi.level2.commands.prepare:prepare", "Prepare Level 1 data for the inversion.")
@click.argument("datasets", type=GIVEN_PATH, nargs=-1, required=True)
@click.option("--output", type=GIVEN_PATH, required=True, help="Directory of the prepared maps.")
@click.option("--map", "map_number", type=int, help="One map only, from 0.  [default: all]")
@_option("--spectral-bin", type=_count, default=1, help="Wavelengths averaged.")
@_option("--slit-bin", type=_count, default=1, help="Pixels of the slit averaged.")
@_lines
def prepare() -> None:
    """Prepare Level 1 datasets of ViSP, directories with FITS and ASDF files, for the inversion."""


@lazy_command("cvzmpi.level2.commands.invert:invert", "Invert all prepared maps.", start=JOB)
@click.argument("prepared", type=GIVEN_PATH)
@click.option("--output", type=GIVEN_PATH, required=True, help="Directory of the inverted maps.")
@ranks_per_team("map")
@_option("--interval", type=_positive, default=5.0, help="Seconds between checkpoints.")
@_option("--noise", type=_positive, help="Noise of the profiles, in continua; else it is measured.")
@_lines
def invert() -> None:
    """Invert all prepared maps of a directory; with mpirun or srun, on all ranks.

    A Milne-Eddington inversion of Fe I 630.15 and 630.25 nm, or of the lines of a table. Start it
    again after any stop: only what is missing is done.
    """


@lazy_command("cvzmpi.level2.commands.write:write", "Write the Level 2 product of an inverted map.")
@click.argument("dataset", type=GIVEN_PATH)
@click.argument("prepared", type=GIVEN_PATH)
@click.argument("inverted", type=GIVEN_PATH)
@click.option("--output", type=GIVEN_PATH, required=True, help="Directory of the product.")
@click.option("--inversion-id", required=True, help="As inv.ABC123.")
@_option(
    "--disambiguation",
    type=click.Choice(["none", "acute", "minimum_energy"]),
    default="none",
    help="How the 180-degree ambiguity of the azimuth is resolved.",
)
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


MAP_COMMANDS = (prepare, invert, write, plot, simulate)
