"""The completeness of the search in one light curve, by equivalent duration and by amplitude."""

from __future__ import annotations

from typing import Any

import numpy as np

from cvzmpi.cvz.results.pictures.style import DATA, FLARE, GP, label_decades, picture
from cvzmpi.cvz.results.products.completeness import CompletenessCurve
from cvzmpi.cvz.results.products.recovered_fraction import binned, equal_edges
from cvzmpi.cvz.sector_file.data import Recovery

_SIZES = (
    ("equivalent_duration", "Equivalent duration [s]", 1.0, "s"),
    ("amplitude", "Amplitude [% of median flux]", 100.0, "%"),
)
_BINS = 15


def draw_completeness(recovery: Recovery, title: str) -> Any:
    """A figure with a panel for each size: fractions in bins, the fitted curve, and its limits.

    Parameters
    ----------
    recovery : Recovery
        With at least one injected flare that is done.
    title : str
    """
    figure = picture(8.6, 3.6)
    panels = figure.subplots(1, 2, sharey=True)
    for axes, (name, label, factor, unit) in zip(panels, _SIZES, strict=True):
        _draw_panel(axes, getattr(recovery, name), recovery.recovered, factor, unit)
        axes.set_xlabel(label)
    panels[0].set_ylabel("Completeness")
    panels[0].set_title(title, loc="left", fontweight="bold")
    panels[1].legend(loc="upper left")
    return figure


def _draw_panel(
    axes: Any, size: np.ndarray, recovered: np.ndarray, factor: float, unit: str
) -> None:
    edges = equal_edges(size, min(_BINS, max(1, len(size) // 10)))
    counts = binned(size, recovered, edges)
    middle, (low, high) = np.sqrt(edges[:-1] * edges[1:]), counts.interval()
    below, above = counts.fraction - low, high - counts.fraction
    curve = CompletenessCurve.fit(size, recovered)
    x = np.geomspace(size.min(), size.max(), 300)
    axes.fill_between(x * factor, *curve.interval(x), color=GP, alpha=0.25, linewidth=0)
    axes.plot(x * factor, curve(x), color=GP, lw=1.4, label="monotone curve, 68 %")
    axes.errorbar(
        middle * factor,
        counts.fraction,
        (below, above),
        fmt="o",
        color=DATA,
        ms=3.5,
        lw=0.9,
        label="injected flares in bins, 68 %",
        zorder=3,
    )
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
    axes.annotate(
        f"{level:.0%}: {value:.3g} {unit}",
        (value, level),
        xytext=(7, -3),
        textcoords="offset points",
        color=FLARE,
        va="top",
    )
