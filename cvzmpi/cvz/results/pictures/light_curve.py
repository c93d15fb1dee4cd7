"""The light curve with the Gaussian process and the flares, and its flares from near."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from cvzmpi.cvz.detection.search import found_by_in_words
from cvzmpi.cvz.light_curves.exposure import MINUTES_PER_DAY
from cvzmpi.cvz.results.pictures.colours import FLARE, GP, NOT_SEARCHED
from cvzmpi.cvz.results.products.measured_flares import by_size
from cvzmpi.cvz.results.products.searched_file import SearchedFile
from cvzmpi.cvz.sector_file.star_facts import star_facts
from cvzmpi.messages.wording import counted
from cvzmpi.pictures.style import DATA, picture, say, with_error

MAX_FLARES = 9
_COLUMNS = 3  # of their panels


class Content(SearchedFile):
    """A sector file with, for each usable cadence, what the panels draw."""

    @cached_property
    def rows(self) -> np.ndarray:
        """Rows of the light curve; int, shape (n,)."""
        return np.flatnonzero(self.data.light_curve.usable(self.quality_bitmask))

    @cached_property
    def time(self) -> np.ndarray:
        """BTJD; float64, shape (n,)."""
        return self.data.light_curve.time[self.rows]

    @cached_property
    def _flux(self) -> np.ndarray:
        return self.data.light_curve.flux[self.rows].astype(np.float64)

    @cached_property
    def _median(self) -> np.floating:
        return np.median(self._flux)

    @cached_property
    def flux(self) -> np.ndarray:
        """Relative to the median flux; float64, shape (n,)."""
        return self._flux / self._median

    @cached_property
    def flux_err(self) -> np.ndarray:
        """Relative to the median flux; shape (n,)."""
        return self.data.light_curve.flux_err[self.rows] / self._median

    @cached_property
    def process(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Mean and standard deviation of the Gaussian process, likewise; None before `model`."""
        if self.data.gp_mu is None or self.data.gp_sigma is None:
            return None
        mean, sd = self.data.gp_mu[self.rows], self.data.gp_sigma[self.rows]
        return mean / self._median, sd / self._median


def title_of(content: Content) -> str:
    """The title of a picture: which light curve it is, and whether it is done."""
    title = content.name
    magnitude = star_facts(content.header)["tess_magnitude"]
    if not content.done and content.path is not None:
        return f"{title}, unfinished"
    return title if magnitude is None else f"{title}, $T$ = {magnitude:.2f} mag"


def draw_light_curve(axes: Any, content: Content, title: str) -> None:
    """All of it; grey where nothing was searched, a tick for each flare."""
    time = content.time
    axes.set_title(title, loc="left", fontweight="bold")
    for start, stop in not_searched(content):
        axes.axvspan(start, stop, color=NOT_SEARCHED, linewidth=0, zorder=0)
    axes.plot(time, content.flux, ".", color=DATA, ms=1.6, mew=0, rasterized=True)
    flaring = content.searched.flaring[content.rows]
    if flaring.any():
        style = {"color": FLARE, "ms": 3, "mew": 0, "zorder": 4, "rasterized": True}
        axes.plot(time[flaring], content.flux[flaring], ".", **style)
    draw_model(axes, content, time, slice(None))
    _mark_flares(axes, content)
    axes.set_xlim(time[0] - 0.3, time[-1] + 0.3)
    axes.set_xlabel("Time [BTJD d]")
    axes.set_ylabel("Flux / median flux")
    _draw_legend(axes, content)


def _draw_legend(axes: Any, content: Content) -> None:
    """Above the axes, where no data can be beneath."""
    handles = [
        Patch(color=NOT_SEARCHED, label="not searched"),
        Line2D([], [], color=DATA, marker=".", ls="", label="flux"),
    ]
    if content.process is None:
        handles.append(Line2D([], [], ls="", label="no Gaussian process yet"))
    else:
        handles.append(Line2D([], [], color=GP, label="Gaussian process"))
    n_flares = content.searched.n_flares
    what = counted(n_flares, "flare") if n_flares else "no flare"
    what += f" in {content.search_time().searched:.2f} d"
    marker = "|" if n_flares else ""
    handles.append(Line2D([], [], color=FLARE, marker=marker, ls="", mew=1.1, label=what))
    place = {"loc": "lower right", "bbox_to_anchor": (1.0, 1.0), "ncols": 4, "frameon": False}
    tight = {"borderaxespad": 0.1, "borderpad": 0.2, "handletextpad": 0.5, "columnspacing": 1.3}
    axes.legend(handles=handles, handlelength=1.4, **place, **tight)


def _mark_flares(axes: Any, content: Content) -> None:
    """A tick for each flare on a line above the data, and the range that shows the data.

    The range is that of the searched cadences; what is brighter elsewhere has an arrow.
    """
    searched = content.searched.evaluated[content.rows]
    lowest, highest = np.min(content.flux[searched]), np.max(content.flux[searched])
    span = highest - lowest
    axes.set_ylim(lowest - 0.05 * span, highest + 0.16 * span)
    times = _flare_times(content)
    level = highest + 0.09 * span
    axes.plot(times, np.full(len(times), level), "|", color=FLARE, ms=7, mew=1.1)
    outside = content.time[content.flux > highest + 0.16 * span]
    axes.plot(outside, np.full(len(outside), level), "^", color=DATA, ms=4, mew=0)


def _flare_times(content: Content) -> np.ndarray:
    """Peaks of the flares; their beginnings, as long as they are not measured."""
    if content.searched.flares is not None:
        return content.searched.flares["peak_time"]
    mask = content.searched.flaring.astype(np.int8)
    return content.data.light_curve.time[np.diff(mask, prepend=0) == 1]


def draw_model(axes: Any, content: Content, x: np.ndarray, part: slice) -> None:
    """Mean and standard deviation of the Gaussian process, broken where the light curve is."""
    if content.process is None:
        return
    time, (mean, sd) = content.time[part], (values[part] for values in content.process)
    cuts = np.flatnonzero(np.diff(time) > 0.1) + 1
    for piece in np.split(np.arange(len(time)), cuts):
        band = (mean[piece] - sd[piece], mean[piece] + sd[piece])
        axes.fill_between(x[piece], *band, color=GP, alpha=0.3, linewidth=0, zorder=2.5)
        axes.plot(x[piece], mean[piece], color=GP, lw=0.9, zorder=3)


def not_searched(content: Content) -> list[tuple[float, float]]:
    """Stretches of time without an evaluated cadence."""
    searched = content.searched.evaluated[content.rows]
    half = content.data.light_curve.exposure / 2
    edges = content.time[searched]
    # A stretch shorter than this could not be seen: single missing cadences are everywhere.
    ends = np.flatnonzero(np.diff(edges) > 20 * content.data.light_curve.exposure)
    inner = [(edges[i] + half, edges[i + 1] - half) for i in ends]
    return [(edges[0] - 30, edges[0] - half), *inner, (edges[-1] + half, edges[-1] + 30)]


def draw_flare(
    axes: Any, content: Content, flare: dict[str, Any], title: str, with_peak: bool
) -> tuple[np.ndarray, slice]:
    """A flare from near, its cadences shaded: `flare` is a row of the measured flares.

    Its measures are in the upper right corner, the time of the peak only if `with_peak`.

    Returns
    -------
    minutes : float64, shape (n,)
        Time from the peak of the cadences that are drawn.
    part : slice
        These cadences: those of the flare, and a stretch before and after.
    """
    exposure, span = content.data.light_curve.exposure, flare["stop_time"] - flare["start_time"]
    start = flare["start_time"] - max(25 * exposure, span / 2)
    stop = flare["stop_time"] + max(40 * exposure, span)
    part = slice(*np.searchsorted(content.time, [start, stop]))  # in time, for a gap may be near
    minutes = (content.time[part] - flare["peak_time"]) * MINUTES_PER_DAY
    flux, error, rows = content.flux[part], content.flux_err[part], content.rows[part]
    inside = (rows >= flare["start"]) & (rows <= flare["stop"])
    style = {"fmt": ".", "ms": 4, "mew": 0, "elinewidth": 0.5}
    for chosen, colour in ((~inside, DATA), (inside, FLARE)):
        axes.errorbar(minutes[chosen], flux[chosen], error[chosen], color=colour, **style)
    assert content.process is not None
    mean = content.process[0][part]
    shade = {"color": FLARE, "alpha": 0.18, "linewidth": 0}
    axes.fill_between(minutes[inside], mean[inside], flux[inside], **shade)
    draw_model(axes, content, minutes, part)
    axes.set_title(title, loc="left")
    axes.set_ylabel("Flux / median flux")
    axes.margins(x=0.02)
    text = f"amplitude {flare['amplitude'] * 100:.3g} %\n{trust_in(flare)}\n{size_of(flare)}"
    if with_peak:
        text = f"peak {flare['peak_time']:.4f} BTJD\n{text}"
    before, after = axes.get_xlim()
    late = -before > after  # the star is quiet before the peak: there is room
    x, side = (0.02, "left") if late else (0.98, "right")
    axes.text(x, 0.96, text, transform=axes.transAxes, ha=side, va="top", fontsize=8)
    return minutes, part


def size_of(flare: dict[str, Any]) -> str:
    """Equivalent duration and energy of a flare, as text."""
    duration, error = flare["equivalent_duration"], flare["equivalent_duration_error"]
    text = f"ED {with_error(duration, error)} s"
    if not flare["template_fitted"]:
        text += " (sum)"
    if not np.isfinite(flare["energy"]):
        return text
    exponent = int(np.floor(np.log10(abs(flare["energy"])))) if flare["energy"] else 0
    energy, error = (flare[name] / 10.0**exponent for name in ("energy", "energy_error"))
    return f"{text}\n$E$ = ({with_error(energy, error)}) $10^{{{exponent}}}$ erg"


def trust_in(flare: dict[str, Any]) -> str:
    """The searches that found a flare, and its reliability where that is known, as text."""
    text = f"found by {found_by_in_words(flare['found_by'])}"
    known = np.isfinite(flare["reliability"])
    return f"{text}\nreliability {flare['reliability']:.3f}" if known else text


def draw_probability(axes: Any, content: Content, minutes: np.ndarray, part: slice) -> None:
    """Draw the flare probability around a flare."""
    probability = content.data.probability[content.rows[part]]
    axes.plot(minutes, probability, "-", color="black", lw=0.9, drawstyle="steps-mid")
    axes.axhline(content.config["detect.threshold"], color=DATA, lw=0.8, ls="--")
    axes.set_ylim(-0.05, 1.08)
    axes.set_yticks([0, 0.5, 1])
    axes.set_ylabel("Flare\nprobability")
    axes.set_xlabel("Time from the peak [minutes]")


def draw_zooms(content: Content) -> Any:
    """A figure with a panel for each of the largest flares, by equivalent duration."""
    flares, n_flares = content.measured_flares, content.searched.n_flares
    title = f"{title_of(content)}: "
    if content.data.flares is None or not n_flares:
        figure = picture(8.0, 1.6)
        nothing = "No flares measured yet" if content.data.flares is None else "No flare detected"
        say(figure.subplots(), f"{title}flares", nothing)
        return figure
    order = by_size(flares)[:MAX_FLARES]
    n_rows = -(-len(order) // _COLUMNS)
    figure = picture(9.0, 0.5 + 2.5 * n_rows)
    figure.suptitle(
        f"{title}the {len(order)} largest of {n_flares} flares", fontsize=9, fontweight="bold"
    )
    panels = figure.subplots(n_rows, _COLUMNS, squeeze=False).ravel()
    for rank, (axes, number) in enumerate(zip(panels, order, strict=False)):
        flare = {name: column[number] for name, column in flares.items()}
        about = f"flare {number}, peak {flare['peak_time']:.4f} BTJD d"
        draw_flare(axes, content, flare, about, with_peak=False)
        if rank % _COLUMNS:
            axes.set_ylabel("")
        axes.set_xlabel("Time from the peak [minutes]")
    for axes in panels[len(order) :]:
        axes.set_axis_off()
    return figure
