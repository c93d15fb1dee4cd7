"""A picture of the maps of all quantities, side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import MaxNLocator

from cvzmpi.level2.pictures.categories import FAILED, GOOD, categories_of
from cvzmpi.level2.pictures.opened_map import NOT_BEGUN, STATUSES, OpenedMap
from cvzmpi.level2.pictures.quantities import DRAWN, Quantity
from cvzmpi.level2.pixels.inverted_pixels import CONVERGED, NOT_CONVERGED, UNUSABLE
from cvzmpi.pictures.style import picture, save

_STATUS_COLOURS = {CONVERGED: GOOD, NOT_CONVERGED: "#E69F00", UNUSABLE: FAILED}
_LACKING: dict[str, Any] = {
    "facecolor": "0.9",
    "edgecolor": "0.7",
    "hatch": "////",
    "linewidth": 0,
}
_MOST_COLUMNS = 4
_MOST_WIDTH, _MOST_HEIGHT, _LEAST = 2.7, 3.4, 0.45  # of a map, in inches


def plot_maps(opened: OpenedMap, output: Path, names: Sequence[str] = ()) -> Path:
    """Draw maps, and write them as PNG or PDF; `output` is returned.

    Parameters
    ----------
    names : sequence of str
        The quantities; by default those of `quantities.DRAWN` that the map has.

    Raises
    ------
    MapFileError
        If the map lacks a quantity.
    ConfigError
        If the output is neither PNG nor PDF, or cannot be written.
    """
    chosen = opened.chosen(tuple(names) or tuple(n for n in DRAWN if n in opened.quantities))
    return save(lambda: draw_maps(opened, chosen, with_status=not names), output)


def draw_maps(opened: OpenedMap, quantities: Sequence[Quantity], with_status: bool) -> Any:
    """A figure with a panel for each quantity, and one for the status of the pixels."""
    with_status = with_status and opened.status is not None
    frame = _Frame(opened)
    layout = _Layout.of(frame, len(quantities) + with_status, len(opened.notes))
    figure = picture(*layout.size)
    figure.set_layout_engine("none")  # the panels have the shape of the map, and equal places
    for number, quantity in enumerate(quantities):
        frame.draw_quantity(layout.panel(figure, number), layout.bar(figure, number), quantity)
    if with_status:
        frame.draw_status(layout.panel(figure, len(quantities)))
    lines = [f"{opened.path.name}: {opened.kind}", opened.size_in_words(), *opened.notes]
    if frame.stretched:
        lines[1] += "; drawn wider or higher than they are"
    top = 1 - 0.08 / layout.size[1]
    figure.text(0.12 / layout.size[0], top, "\n".join(lines), va="top", linespacing=1.4)
    return figure


@dataclass(frozen=True)
class _Layout:
    """The places of the panels, in inches."""

    size: tuple[float, float]  # of the figure
    panel_size: tuple[float, float]
    column: float  # from a panel to the one beside it
    row: float  # from a panel to the one below it
    head: float  # above the first panel
    n_columns: int

    @classmethod
    def of(cls, frame: _Frame, n_panels: int, n_notes: int) -> _Layout:
        width, height = frame.panel_size
        n_columns = min(n_panels, _MOST_COLUMNS if n_panels != 6 else 3)
        n_rows = math.ceil(n_panels / n_columns)
        above = 0.45 if frame.in_pixels else 0.8  # title, limits and the axis in Mm
        column = max(width + 1.25, 2.6)  # with room for a legend
        row = height + above + 0.5
        head = 0.45 + 0.17 * n_notes + above
        size = (0.65 + n_columns * column + 0.55, head - above + n_rows * row)
        return cls(size, (width, height), column, row, head, n_columns)

    def panel(self, figure: Any, number: int) -> Any:
        """The axes of a map."""
        return self._axes(figure, number, 0.0, self.panel_size[0])

    def bar(self, figure: Any, number: int) -> Any:
        """The axes of a colour bar."""
        return self._axes(figure, number, self.panel_size[0] + 0.08, 0.1)

    def _axes(self, figure: Any, number: int, shift: float, width: float) -> Any:
        row, column = divmod(number, self.n_columns)
        left = 0.65 + column * self.column + shift
        bottom = self.size[1] - self.head - row * self.row - self.panel_size[1]
        total_width, total_height = self.size
        place = (left / total_width, bottom / total_height)
        return figure.add_axes((*place, width / total_width, self.panel_size[1] / total_height))


class _Frame:
    """The look of all panels: in arcsec, with Mm above and beside, or in pixels."""

    def __init__(self, opened: OpenedMap) -> None:
        self._opened = opened
        self._scale = opened.scale
        self.in_pixels = self._scale is None
        steps, slit, first = 1.0, 1.0, -0.5  # in pixels, the middle of the first one is at 0
        if self._scale is not None:
            steps, slit, first = self._scale.scan_arcsec, self._scale.slit_arcsec, 0.0
        width, height = opened.shape[0] * steps, opened.shape[1] * slit
        self._extent = (first, first + width, first, first + height)
        inches = min(_MOST_WIDTH / width, _MOST_HEIGHT / height)
        self.panel_size = (max(width * inches, _LEAST), max(height * inches, _LEAST))
        self.stretched = min(width * inches, height * inches) < _LEAST

    def draw_quantity(self, axes: Any, bar_axes: Any, quantity: Quantity) -> None:
        """Draw the map of a quantity, with its colour bar or its legend."""
        if quantity.is_categorical:
            bar_axes.remove()
            self._draw_categories(axes, quantity)
            return
        lowest, highest = quantity.limits()
        colours = {"cmap": quantity.look.colours, "vmin": lowest, "vmax": highest}
        self._background(axes)
        image = self._image(axes, quantity.values, **colours)
        status = self._opened.status
        if status is not None:
            failed = np.where(status.values == UNUSABLE, 1.0, np.nan)
            self._image(axes, failed, cmap=ListedColormap([FAILED]))
        extend = "neither" if quantity.look.range == "angle" else "both"
        bar = axes.figure.colorbar(image, cax=bar_axes, extend=extend, extendfrac=0.04)
        bar.ax.tick_params(labelsize=7.5, direction="out")
        bar.locator = MaxNLocator(5) if extend == "both" else MaxNLocator(steps=[3, 6, 9])
        bar.update_ticks()
        self._label(axes, quantity.title, quantity.limits_in_words())

    def draw_status(self, axes: Any) -> None:
        """Draw what became of each pixel, with its legend."""
        status = self._opened.status
        assert status is not None
        codes = status.values
        self._codes(axes, np.where(codes == NOT_BEGUN, np.nan, codes), _STATUS_COLOURS)
        handles = []
        for code, words in STATUSES.items():
            if n := int((codes == code).sum()):
                look = {"color": _STATUS_COLOURS[code]} if code in _STATUS_COLOURS else _LACKING
                handles.append(Patch(label=f"{words.partition(':')[0]}\n{n:,}", **look))
        self._label(axes, "Status of the pixels", f"{codes.size:,} pixels")
        _legend(axes, handles)

    def _draw_categories(self, axes: Any, quantity: Quantity) -> None:
        """Draw the gravest bit of each pixel; the legend counts all pixels that have a bit."""
        shown, categories = categories_of(quantity.values)
        self._codes(axes, shown, dict(enumerate(one.colour for one in categories)))
        self._label(axes, quantity.title, quantity.limits_in_words())
        _legend(
            axes,
            [Patch(label=f"{one.name}\n{one.n_pixels:,}", color=one.colour) for one in categories],
        )

    def _codes(self, axes: Any, codes: np.ndarray, colours: dict[int, str]) -> None:
        """Draw whole numbers, each in its colour; they follow each other."""
        self._background(axes)
        if not colours:
            return
        edges = [code - 0.5 for code in (*colours, max(colours) + 1)]
        norm = BoundaryNorm(edges, len(colours))
        self._image(axes, codes, cmap=ListedColormap(list(colours.values())), norm=norm)

    def _label(self, axes: Any, title: str, below: str) -> None:
        """The title and a line below it, and the axes; the title is above the axis in Mm."""
        above = 0 if self.in_pixels else 25
        axes.set_title(title, loc="left", pad=above + 15)
        place = {"xycoords": "axes fraction", "textcoords": "offset points"}
        axes.annotate(below, (0, 1), (0, above + 5), **place, fontsize=7, color="0.35")
        unit = "pixels" if self.in_pixels else "arcsec"
        axes.set_xlabel(f"Scan [{unit}]", labelpad=2)
        axes.set_ylabel(f"Along the slit [{unit}]", labelpad=2)
        axes.tick_params(top=False, right=False, direction="out", labelsize=7.5)
        for axis, inches in zip((axes.xaxis, axes.yaxis), self.panel_size, strict=True):
            axis.set_major_locator(_ticks(inches, self.in_pixels))
        if self._scale is not None:
            factor = self._scale.mm_per_arcsec
            convert = (lambda arcsec: arcsec * factor, lambda mm: mm / factor)
            mm = axes.secondary_xaxis("top", functions=convert)
            mm.xaxis.set_major_locator(_ticks(self.panel_size[0]))
            mm.tick_params(direction="out", labelsize=7.5)
            mm.set_xlabel("Mm", fontsize=7.5, labelpad=1)

    def _background(self, axes: Any) -> None:
        """The look of pixels that have no value: it is seen where the images are transparent."""
        left, right, bottom, top = self._extent
        axes.add_patch(Rectangle((left, bottom), right - left, top - bottom, zorder=0, **_LACKING))

    def _image(self, axes: Any, values: np.ndarray, **colours: Any) -> Any:
        return axes.imshow(
            np.ma.masked_invalid(values.T),
            origin="lower",
            extent=self._extent,
            aspect="auto",
            interpolation="nearest",
            **colours,
        )


def _legend(axes: Any, handles: list[Patch]) -> None:
    """A legend beside a map."""
    axes.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(1.0, 1.0),
        borderaxespad=0.8,
        frameon=False,
        fontsize=7,
        handlelength=1,
        handleheight=1.5,
    )


def _ticks(inches: float, whole: bool = False) -> MaxNLocator:
    """Ticks that have room on an axis of that length."""
    return MaxNLocator(max(1, min(6, int(2 * inches))), integer=whole)
