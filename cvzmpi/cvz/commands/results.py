"""Commands about the results of a `cvz` campaign: sector files, and what is made of them."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cvzmpi.errors import ConfigError
from cvzmpi.given_path import GIVEN_PATH
from cvzmpi.runtime.all_ranks import DONE, SOME_FAILED, on_all_ranks

if TYPE_CHECKING:
    from cvzmpi.cvz.results.report.site import SiteReport
    from cvzmpi.mpi.launch import World


@click.command()
@click.argument("files", type=GIVEN_PATH, nargs=-1, required=True)
def show(files: tuple[Path, ...]) -> int:
    """Print what is in sector files: a table of several, the details of one."""
    from cvzmpi.cvz.results.show import show_file
    from cvzmpi.cvz.results.show_table import show_table

    if len(files) == 1:
        show_file(files[0])
        return DONE
    return DONE if show_table(files) else SOME_FAILED


@click.command()
@click.argument("files", metavar="FILE...", type=GIVEN_PATH, nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    type=GIVEN_PATH,
    help="PNG or PDF to write, of one file.  [default: a PNG beside each]",
)
def plot(files: tuple[Path, ...], output: Path | None) -> int:
    """Draw sector files: light curve and flares, the largest flare, what was recovered."""
    from cvzmpi.cvz.results.pictures.overview import plot_file
    from cvzmpi.cvz.results.products.isolated import LeftOut, isolated, or_refused

    def draw(file: Path) -> Path:
        return plot_file(file, output or file.with_suffix(".png"))

    if len(files) == 1:
        click.echo(or_refused(files[0], lambda: draw(files[0])))
        return DONE
    if output is not None:
        raise click.UsageError("--output is for one FILE")
    n_left_out = 0
    for file in files:
        drawn = isolated(file, partial(draw, file))
        if isinstance(drawn, LeftOut):
            click.echo(f"left out: {drawn.line}", err=True)
            n_left_out += 1
        else:
            click.echo(drawn)
    return SOME_FAILED if n_left_out else DONE


@click.command()
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

    Light curves that are half-done or cannot be used are named and left out; the exit status is 1
    if there are any that cannot be used.
    """
    from cvzmpi.mpi.launch import pin_to_one_core

    if bool(tics) == all_stars:
        raise click.UsageError("give TIC numbers, or --all")
    pin_to_one_core()
    from cvzmpi.cvz.results.products.ffd_command import FfdSettings, make_tables

    settings = FfdSettings(min_completeness, float("inf") if ed_max is None else ed_max)
    directory = _results_directory(results)
    all_in = make_tables(directory, tics or None, settings, output, kind, processes)
    return DONE if all_in else SOME_FAILED


@click.command()
@click.argument("results", type=GIVEN_PATH, required=False)
def index(results: Path | None) -> int:
    """Sum the sector files of a campaign up in tables, with mpirun or srun on all ranks.

    RESULTS is the directory of the sector files, by default that of ./cvzmpi.toml; the tables are
    in its directory `index`. Only what changed since the last time is read; jobs may be writing.
    Sector files that cannot be in it are named, and the exit status is 1.
    """

    def work(world: World) -> int:
        from cvzmpi.cvz.results.index.build import describe, update_index

        directory = world.first(lambda: _results_directory(results))
        report = update_index(directory, world)
        world.first(lambda: click.echo(describe(report)))
        return SOME_FAILED if report.left_out else DONE

    return on_all_ranks(work)


@click.command()
@click.argument("results", type=GIVEN_PATH, required=False)
@click.option(
    "-o",
    "--output",
    type=GIVEN_PATH,
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
@click.option(
    "--include-marked",
    is_flag=True,
    help="Let the pictures of the campaign have stars with quality marks as well.",
)
def report(results: Path | None, output: Path, pictures: int, include_marked: bool) -> int:
    """Write a campaign as a web site that needs no server; with mpirun or srun, on all ranks.

    RESULTS is the directory of the sector files, by default that of ./cvzmpi.toml. Its index is
    brought up to date first, and only pages of stars that changed are made anew. Light curves that
    cannot be in it are named, and the exit status is 1.
    """

    def work(world: World) -> int:
        from cvzmpi.cvz.results.report.site import write_site

        directory = world.first(lambda: _results_directory(results))
        site = write_site(directory, output, world, pictures, include_marked)
        return world.first(lambda: tell(site))

    def tell(site: SiteReport | None) -> int:
        assert site is not None, "rank 0 has one"
        for line in site.left_out:
            click.echo(f"left out: {line}", err=True)
        if site.left_out:
            n_files = len({line.partition(": ")[0] for line in site.left_out})
            click.echo(f"{n_files:,} light curves left out", err=True)
        click.echo(f"{site.n_stars:,} stars, {site.n_drawn:,} pages made anew")
        click.echo(site.page)
        return SOME_FAILED if site.left_out else DONE

    return on_all_ranks(work)


COMMANDS = (show, plot, ffd, index, report)


def _results_directory(given: Path | None) -> Path:
    """The directory of the sector files: that given, or that of the configuration that is here."""
    from cvzmpi.config import DEFAULT_FILE, named_or_default
    from cvzmpi.cvz.configuration import load

    if given is not None:
        return given
    file = named_or_default(None)
    if file is None:
        raise ConfigError(f"no {DEFAULT_FILE} here: name the directory of the sector files")
    return load(file).output.directory
