"""`cvzmpi plot`: one figure of a sector file, done or not.

Above the light curve with the Gaussian process and the flares; below the largest flare, and how
many of the injected flares were recovered.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.quality.searched_curve import DEFAULT_SEARCH
from cvzmpi.cvz.results.pictures.light_curve import (
    Content,
    draw_flare,
    draw_light_curve,
    draw_probability,
    title_of,
)
from cvzmpi.cvz.results.pictures.recovery import draw_recovery
from cvzmpi.cvz.results.products.measured_flares import by_size
from cvzmpi.errors import ConfigError
from cvzmpi.pictures.style import check_suffix, picture, save, say


def plot_file(
    path: Path, output: Path, search: Search = DEFAULT_SEARCH, *, make_directory: bool = False
) -> Path:
    """Draw a sector file as PNG or PDF, seen by the search chosen.

    What is not in it yet is said in its panel. With `make_directory`, the directory of the output
    is made where it is missing, once the file is read.

    Returns
    -------
    Path
        `output`.

    Raises
    ------
    SectorFileError
        If there is no such file, or it is unreadable or not a sector file.
    ConfigError
        If the output is neither PNG nor PDF, or cannot be written.
    """
    check_suffix(output)
    content = Content.read(path, search)
    if make_directory:
        try:
            output.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"{output.parent}: cannot be made: {error.strerror}") from error
    return save(lambda: draw_overview(content), output)


def draw_overview(content: Content) -> Any:
    """The figure of `cvzmpi plot`."""
    figure = picture(8.0, 6.4)
    top, bottom = figure.subfigures(2, 1, height_ratios=(1, 1.15))
    left, right = bottom.subfigures(1, 2, width_ratios=(1.05, 1))
    draw_light_curve(top.subplots(), content, title_of(content))
    _draw_largest_flare(left, content)
    draw_recovery(right.subplots(), content.recovery)
    return figure


def _draw_largest_flare(figure: Any, content: Content) -> None:
    flares = content.measured_flares
    if not len(flares["peak"]):
        nothing = "No flares measured yet" if content.data.flares is None else "No flare detected"
        say(figure.subplots(), "Largest flare", nothing)
        return
    axes, below = figure.subplots(2, 1, sharex=True, height_ratios=(3.2, 1))
    largest = by_size(flares)[0]
    flare = {name: column[largest] for name, column in flares.items()}
    minutes, part = draw_flare(axes, content, flare, "Largest flare", with_peak=True)
    draw_probability(below, content, minutes, part)
    figure.align_ylabels()
