"""`cvzmpi index`: the tables of a campaign."""

from __future__ import annotations

from pathlib import Path

import click

from cvzmpi.cvz.commands.settings import check_begun, results_directory, search_chosen
from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.results.index.build import describe, update_index
from cvzmpi.mpi.launch import World
from cvzmpi.runtime.all_ranks import DONE, SOME_FAILED


def index(world: World, results: Path | None, search: str | None) -> int:
    """Bring the tables up to date, and say what is in them."""
    directory = world.first(lambda: results_directory(results))
    world.first(lambda: check_begun(directory))
    chosen = world.first(lambda: Search(search_chosen(search)))
    report = update_index(directory, world, chosen)
    world.first(lambda: click.echo(describe(report)))
    return SOME_FAILED if report.left_out else DONE
