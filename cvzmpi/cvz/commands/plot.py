"""`cvzmpi plot`: pictures of sector files."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from cvzmpi.cvz.commands.settings import files_meant, search_chosen
from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.results.pictures.overview import plot_file
from cvzmpi.cvz.results.products.isolated import LeftOut, isolated, or_refused
from cvzmpi.runtime.all_ranks import DONE, SOME_FAILED

_DIRECTORY = Path("plots")
"""Directory of the pictures, in the working directory: where results are, are only results."""


def plot(files: tuple[Path, ...], output: Path | None, search: str | None) -> int:
    """Draw each file, and print the paths of the pictures; of several, bad ones are left out."""
    chosen = Search(search_chosen(search))
    meant = files_meant(files)
    names_file = output is not None and bool(output.suffix) and not output.is_dir()
    pictures = _pictures(meant, output, names_file)

    def draw(file: Path) -> Path:
        return plot_file(file, pictures[file], chosen, make_directory=not names_file)

    if len(meant) == 1:
        click.echo(or_refused(meant[0], lambda: draw(meant[0])))
        return DONE
    n_left_out = 0
    for file in meant:
        drawn = isolated(file, partial(draw, file))
        if isinstance(drawn, LeftOut):
            click.echo(f"left out: {drawn.line}", err=True)
            n_left_out += 1
        else:
            click.echo(drawn)
    return SOME_FAILED if n_left_out else DONE


def _pictures(files: list[Path], output: Path | None, names_file: bool) -> dict[Path, Path]:
    """The picture of each sector file, given the option, which may be the name of one picture."""
    if output is not None and names_file:
        if len(files) > 1:
            raise click.UsageError("--output is for one FILE, or a directory")
        return {files[0]: output}
    directory = output or _DIRECTORY
    pictures = {file: directory / f"{file.stem}.png" for file in files}
    if len(set(pictures.values())) < len(pictures):
        raise click.UsageError("two of the files have the same name: draw them one after the other")
    return pictures
