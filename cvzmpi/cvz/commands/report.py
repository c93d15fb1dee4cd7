"""`cvzmpi report`: a campaign as a web site."""

from __future__ import annotations

from pathlib import Path

import click

from cvzmpi.cvz.commands.settings import check_begun, results_directory, search_chosen
from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.results.report.site import write_named_stars, write_site
from cvzmpi.messages.wording import counted
from cvzmpi.mpi.launch import World
from cvzmpi.runtime.all_ranks import DONE, SOME_FAILED


def report(
    world: World,
    results: Path | None,
    output: Path,
    light_curves: int,
    pictures: int | None,
    stars: tuple[int, ...],
    include_marked: bool,
    search: str | None,
    energy: float,
) -> int:
    """Write the site; on rank 0, say what is in it."""
    directory = world.first(lambda: results_directory(results))
    world.first(lambda: check_begun(directory))
    chosen = world.first(lambda: Search(search_chosen(search)))
    if stars:
        site = write_named_stars(directory, output, world, stars, chosen, energy)
    else:
        n_stars = light_curves if pictures is None else pictures
        site = write_site(directory, output, world, n_stars, include_marked, chosen, energy)

    def tell() -> int:
        assert site is not None, "rank 0 has one"
        if site.alone:
            click.echo(f"{directory}: an index without sector files: no light curves are drawn")
        for line in site.left_out:
            click.echo(f"left out: {line}", err=True)
        if site.left_out:
            n_files = len({line.partition(": ")[0] for line in site.left_out})
            click.echo(f"{counted(n_files, 'light curve')} left out", err=True)
        click.echo(f"{counted(site.n_stars, 'star')}, {counted(site.n_drawn, 'page')} made anew")
        click.echo(site.page)
        return SOME_FAILED if site.left_out else DONE

    return world.first(tell)
