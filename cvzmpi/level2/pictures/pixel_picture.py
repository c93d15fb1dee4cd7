"""A picture of the Stokes profiles of a pixel: observed, fitted, residuals and parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from cvzmpi.level2.pictures.opened_map import STOKES, OpenedMap, Profiles, Value
from cvzmpi.pictures.style import DATA, PALETTE, picture, save, with_error

_FIT = PALETTE[1]


def plot_pixel(opened: OpenedMap, x: int, y: int, output: Path) -> Path:
    """Draw the profiles of a pixel, and write them as PNG or PDF; `output` is returned.

    Parameters
    ----------
    x, y : int
        The scan position, and the pixel along the slit.

    Raises
    ------
    MapFileError
        If there is no such pixel, or the profiles cannot be read.
    ConfigError
        If the output is neither PNG nor PDF, or cannot be written.
    """
    profiles = opened.profiles(x, y)
    return save(lambda: draw_pixel(opened, x, y, profiles), output)


def draw_pixel(opened: OpenedMap, x: int, y: int, profiles: Profiles) -> Any:
    """A figure with a column for each Stokes parameter, and the parameters beside them."""
    values = opened.values(x, y)
    figure = picture(12.5, 3.6 if profiles.fitted is None else 4.4)
    n_rows = 1 if profiles.fitted is None else 2
    ratios = {"width_ratios": [1, 1, 1, 1, 1.6], "height_ratios": [3, 1][:n_rows]}
    grid = figure.add_gridspec(n_rows, 5, **ratios)
    for column, name in enumerate(STOKES):
        above = figure.add_subplot(grid[0, column])
        _draw_profile(above, profiles, column)
        above.set_title(f"Stokes {name}", loc="left")
        lowest = above
        if profiles.fitted is not None:
            lowest = figure.add_subplot(grid[1, column], sharex=above)
            above.tick_params(labelbottom=False)
            _draw_residual(lowest, profiles, column)
            if column == 0:
                lowest.set_ylabel("observed - fit")
        if column == 0:
            above.set_ylabel("in continua of the quiet Sun")
        lowest.set_xlabel("Wavelength in air [nm]")
        lowest.xaxis.set_major_locator(MaxNLocator(3))
        lowest.xaxis.get_major_formatter().set_useOffset(False)
    beside = figure.add_subplot(grid[:, 4])
    beside.axis("off")
    _write_values(beside, values)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    beside.legend(handles, labels, loc="lower left", fontsize=7.5, frameon=False, ncols=2)
    status = opened.status_in_words(x, y)
    title = f"{opened.path.name}: scan position {x}, pixel {y} along the slit"
    figure.suptitle(f"{title}; {status}" if status else title, ha="left", x=0.01, fontsize=9)
    return figure


def _draw_profile(axes: Any, profiles: Profiles, stokes: int) -> None:
    _shade_left_out(axes, profiles)
    observed = profiles.observed[stokes]
    axes.plot(profiles.wavelength, observed, ".", ms=2.5, color=DATA, label="observed")
    if profiles.fitted is not None:
        axes.plot(profiles.wavelength, profiles.fitted[stokes], lw=1.2, color=_FIT, label="fit")


def _draw_residual(axes: Any, profiles: Profiles, stokes: int) -> None:
    assert profiles.fitted is not None
    _shade_left_out(axes, profiles)
    residual = profiles.observed[stokes] - profiles.fitted[stokes]
    axes.axhline(0, color=_FIT, lw=0.8)
    axes.plot(profiles.wavelength, residual, ".", ms=2, color=DATA)
    axes.yaxis.set_major_locator(MaxNLocator(3))


def _shade_left_out(axes: Any, profiles: Profiles) -> None:
    """Grey where the fit takes no account of the profiles."""
    if profiles.left_out is None or not profiles.left_out.any():
        return
    edges = np.flatnonzero(np.diff(np.concatenate(([0], profiles.left_out, [0]))))
    half = float(np.mean(np.diff(profiles.wavelength))) / 2
    for number, (first, end) in enumerate(edges.reshape(-1, 2)):
        label = None if number else "not fitted"
        ends = profiles.wavelength[first] - half, profiles.wavelength[end - 1] + half
        axes.axvspan(*ends, color="0.92", lw=0, label=label)


def _write_values(axes: Any, values: list[Value]) -> None:
    step = min(0.07, 0.9 / max(len(values), 1))  # the legend is below them
    for row, value in enumerate(values):
        height = 1 - step * row
        place = {"transform": axes.transAxes, "va": "top", "fontsize": 7.5}
        axes.text(0.0, height, value.title, color="0.35", **place)
        axes.text(1.0, height, value_in_words(value), ha="right", **place)


def value_in_words(value: Value) -> str:
    """The value with its error and unit: "1523 ± 12 G"."""
    if value.words:
        return value.words
    if value.uncertainty is None:
        words = f"{value.value:.4g}"
    elif not np.isfinite(value.uncertainty):
        words = f"{value.value:.4g}, not determined"
    elif value.uncertainty == 0:
        words = f"{value.value:.4g}, not fitted"
    else:
        words = with_error(value.value, value.uncertainty)
    return f"{words} {value.unit}".rstrip()
