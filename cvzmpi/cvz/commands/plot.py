"""`cvzmpi plot`: pictures of sector files."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from cvzmpi.cvz.commands.settings import search_chosen
from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.results.pictures.overview import plot_file
from cvzmpi.cvz.results.products.isolated import LeftOut, isolated, or_refused
from cvzmpi.runtime.all_ranks import DONE, SOME_FAILED


def plot(files: tuple[Path, ...], output: Path | None, search: str | None) -> int:
    """Draw each file, and print the paths of the pictures; of several, bad ones are left out."""
    chosen = Search(search_chosen(search))

    def draw(file: Path) -> Path:
        return plot_file(file, output or file.with_suffix(".png"), chosen)

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
