"""`cvzmpi level2 plot`: pictures of maps, and of the profiles of a pixel."""

from __future__ import annotations

from pathlib import Path

import click

from cvzmpi.errors import ConfigError
from cvzmpi.level2.pictures.map_picture import plot_maps
from cvzmpi.level2.pictures.open_map import open_map
from cvzmpi.level2.pictures.pixel_picture import plot_pixel
from cvzmpi.pictures.style import check_suffix
from cvzmpi.runtime.all_ranks import DONE

_DIRECTORY = Path("plots")


def plot(
    file: Path,
    output: Path | None,
    quantities: tuple[str, ...],
    pixel: tuple[int, int] | None,
    prepared: Path | None,
) -> int:
    """Draw the picture, and print its path."""
    if pixel is not None and quantities:
        raise click.UsageError("--quantity is for maps, not for --pixel")
    if output is not None:
        check_suffix(output)
    opened = open_map(file, prepared)
    name = file.resolve().name if file.is_dir() else file.stem
    if output is None:
        ending = "" if pixel is None else f"_{pixel[0]}_{pixel[1]}"
        output = _DIRECTORY / f"{name}{ending}.png"
        _make_directory(output.parent)
    if pixel is None:
        click.echo(plot_maps(opened, output, quantities))
    else:
        click.echo(plot_pixel(opened, *pixel, output))
    return DONE


def _make_directory(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{directory}: cannot be made: {error.strerror}") from error
