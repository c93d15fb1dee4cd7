"""Pictures of the recovered fraction of injected flares, by amplitude and FWHM or as a curve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.patheffects import Normal, Stroke

from cvzmpi.cvz.light_curves.exposure import MINUTES_PER_DAY
from cvzmpi.cvz.results.pictures.colours import FLARE, GP, NOT_SEARCHED
from cvzmpi.cvz.results.products.completeness import CompletenessCurve
from cvzmpi.cvz.results.products.recovered_fraction import (
    Counts,
    binned,
    binned_by_amplitude_and_fwhm,
    equal_edges,
    even_edges,
)
from cvzmpi.cvz.sector_file.data import Recovery
from cvzmpi.messages.wording import counted
from cvzmpi.pictures.style import DATA, label_decades, picture, say

_MIN_IN_CELL = 10
"""Repeats below which a cell of the recovery map is left empty: its fraction says little."""

_SIZES = (
    ("equivalent_duration", "Equivalent duration [s]", 1.0, "s"),
    ("amplitude", "Amplitude [% of median flux]", 100.0, "%"),
)
_MOST_BINS = 15


def draw_recovery(axes: Any, recovery: Recovery | None) -> None:
    """Many small cells, and the line at which half is recovered."""
    title = "Recovered fraction"
    if recovery is None or not recovery.n_placed:
        say(axes, title, _why_nothing(recovery))
        return
    # about 150 repeats in a cell, if they were spread evenly
    grid = _Grid.of(recovery, int(np.clip(np.sqrt(recovery.n_placed / 150), 4, 12)))
    fraction = np.where(grid.counts.n_placed >= _MIN_IN_CELL, grid.counts.fraction, np.nan)
    if np.all(np.isnan(fraction)):
        say(axes, title, f"Too few injections yet: {how_many(recovery)}")
        return
    bar = grid.draw(axes, fraction, ticks=np.linspace(0, 1, 6))
    _draw_half(axes, bar, grid.minutes, grid.percent, fraction)
    axes.set_title(title, loc="left")
    # on two lines, as one would meet the title on the left
    axes.set_title(how_many(recovery).replace(", ", ",\n"), loc="right", fontsize=7.5)


@dataclass(frozen=True)
class _Grid:
    """Recoveries in cells of FWHM and amplitude, with the edges of these.

    The 1 % shortest and the 1 % longest flares are in none of them.
    """

    minutes: np.ndarray
    percent: np.ndarray
    counts: Counts

    @classmethod
    def of(cls, recovery: Recovery, n_bins: int) -> _Grid:
        amplitude = even_edges(recovery.amplitude, n_bins)
        fwhm = even_edges(np.quantile(recovery.fwhm, [0.01, 0.99]), n_bins)
        counts = binned_by_amplitude_and_fwhm(recovery, amplitude, fwhm)
        return cls(fwhm * MINUTES_PER_DAY, amplitude * 100, counts)

    def draw(self, axes: Any, fraction: np.ndarray, **colorbar: Any) -> Any:
        """Draw the fractions as colours; the colour bar."""
        axes.set_facecolor(NOT_SEARCHED)
        mesh = axes.pcolormesh(self.minutes, self.percent, fraction, cmap="cividis", vmin=0, vmax=1)
        bar = axes.figure.colorbar(mesh, ax=axes, pad=0.02, aspect=30, **colorbar)
        axes.set(xscale="log", yscale="log", xlabel="FWHM [minutes]")
        axes.set_ylabel("Amplitude [% of median flux]")
        label_decades(axes.xaxis)
        label_decades(axes.yaxis)
        axes.tick_params(which="both", direction="out", top=False, right=False)
        return bar


def _draw_half(
    axes: Any, bar: Any, minutes: np.ndarray, percent: np.ndarray, fraction: np.ndarray
) -> None:
    """The line at which half is recovered, between the centres of the cells, and on the bar."""
    if min(fraction.shape) < 2 or not np.nanmin(fraction) < 0.5 < np.nanmax(fraction):
        return
    centres = [_middles(minutes), _middles(percent)]
    style = {"colors": "white", "linewidths": 1.6}
    line = axes.contour(*centres, np.ma.masked_invalid(fraction), [0.5], **style)
    bar.add_lines(line)
    line.set_path_effects([Stroke(linewidth=3, foreground="black"), Normal()])
    bar.set_label("white line: 50 %")


def how_many(recovery: Recovery) -> str:
    """The number of flares and places that the fractions are counted in, as a text.

    Where not all places count for the search, it tells how many do.
    """
    done = f"{recovery.n_done:,}"
    if recovery.n_done < recovery.n_inject:
        done += f" of {recovery.n_inject:,}"
    places = f"{done} flares × {counted(recovery.recovered.shape[1], 'place')}"
    every = recovery.n_placed == recovery.recovered.size
    return places if every else f"{places}, {recovery.n_placed:,} count"


def _why_nothing(recovery: Recovery | None) -> str:
    if recovery is None:
        return "No injections yet"
    return "No injection counts" if recovery.n_done else "No injection done yet"


def draw_completeness(recovery: Recovery, title: str) -> Any:
    """A figure with a panel for each size: fractions in bins, the fitted curve, and its limits.

    At least one repeat must count.
    """
    figure = picture(8.6, 3.6)
    panels = figure.subplots(1, 2, sharey=True)
    for axes, (name, label, factor, unit) in zip(panels, _SIZES, strict=True):
        _draw_panel(axes, getattr(recovery, name), recovery, factor, unit)
        axes.set_xlabel(label)
    panels[0].set_ylabel("Completeness")
    panels[0].set_title(title, loc="left", fontweight="bold")
    panels[1].legend(loc="upper left")
    return figure


def _draw_panel(axes: Any, size: np.ndarray, recovery: Recovery, factor: float, unit: str) -> None:
    edges = equal_edges(size, min(_MOST_BINS, max(1, len(size) // 10)))
    recovered, counted = recovery.recovered, recovery.counted
    counts = binned(size, recovered, edges, counted)
    middle, (low, high) = _middles(edges), counts.interval()
    below, above = counts.fraction - low, high - counts.fraction
    curve = CompletenessCurve.fit(size, recovered, counted)
    x = np.geomspace(size.min(), size.max(), 300)
    axes.fill_between(x * factor, *curve.interval(x), color=GP, alpha=0.25, linewidth=0)
    axes.plot(x * factor, curve(x), color=GP, lw=1.4, label="monotone curve, 68 %")
    style = {"fmt": "o", "color": DATA, "ms": 3.5, "lw": 0.9, "zorder": 3}
    label = "injected flares in bins, 68 %"
    axes.errorbar(middle * factor, counts.fraction, (below, above), label=label, **style)
    for level in (0.1, 0.5, 0.9):
        _mark(axes, curve, level, factor, unit)
    axes.set(xscale="log", ylim=(-0.03, 1.06))
    label_decades(axes.xaxis, (1, 2, 5) if size.max() < 1000 * size.min() else (1,))


def _mark(axes: Any, curve: CompletenessCurve, level: float, factor: float, unit: str) -> None:
    """The limit at which the curve reaches a level; none where it does not."""
    limit = curve.limit(level)
    if limit.relation != "=":
        return
    value = limit.value * factor
    axes.plot([value], [level], "D", color=FLARE, ms=5, zorder=4)
    style = {"xytext": (7, -3), "textcoords": "offset points", "color": FLARE, "va": "top"}
    axes.annotate(f"{level:.0%}: {value:.3g} {unit}", (value, level), **style)


def _middles(edges: np.ndarray) -> np.ndarray:
    return np.sqrt(edges[:-1] * edges[1:])
