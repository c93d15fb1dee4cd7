"""The figure of docs/benchmark.md: cost against size, with a line of slope one beside it."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter, NullLocator

from tools.bench.growth import Growth

# Okabe and Ito's colours, which everybody can tell apart; the markers differ as well.
_COLOURS, _MARKERS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7"), "os^D"


def draw(growths: list[Growth], path: Path) -> None:
    """One panel for each kind of size, logarithmic axes."""
    kinds = list(dict.fromkeys(growth.size for growth in growths))
    figure, panels = plt.subplots(2, -(-len(kinds) // 2), figsize=(9, 7), layout="constrained")
    for panel, kind in zip(panels.flat, kinds, strict=False):
        _draw_panel(panel, [growth for growth in growths if growth.size == kind])
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130, metadata={"Software": None})
    plt.close(figure)


def _draw_panel(panel: Axes, growths: list[Growth]) -> None:
    for growth, colour, marker in zip(growths, _COLOURS, _MARKERS, strict=False):
        label = growth.what
        if len(growth.sizes) > 1:
            label += f" (slope {growth.exponent:.2f})"
        panel.plot(growth.sizes, growth.values, marker, color=colour, label=label)
        ends = np.array([min(growth.sizes), max(growth.sizes)])
        # through the last point: fixed costs show as points above the line on the left
        panel.plot(ends, growth.values[-1] * ends / growth.sizes[-1], "-", color=colour, lw=1)
    panel.set_xscale("log")
    panel.set_yscale("log")
    sizes = max((growth.sizes for growth in growths), key=len)
    panel.set_xticks(sizes, [f"{size:,.0f}" for size in sizes], fontsize=8)
    panel.xaxis.set_minor_locator(NullLocator())
    values = [value for growth in growths for value in growth.values]
    panel.set_ylim(10 ** np.floor(np.log10(min(values))), 10 ** np.ceil(np.log10(max(values))))
    panel.yaxis.set_minor_formatter(NullFormatter())
    panel.set_xlabel(f"number of {growths[0].size}")
    panel.set_ylabel("time (s)" if growths[0].unit == "s" else f"rate ({growths[0].unit})")
    panel.grid(alpha=0.3)
    panel.legend(fontsize=8, title="lines: exactly linear", title_fontsize=8)
