"""The figures of docs/detection.md, but for the panels of single events (`panels`)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from cvzmpi.pictures.style import PALETTE, picture, save
from tools.bench.detection.false_alarms import IMAGES, PER_DAYS, SEARCHES
from tools.bench.detection.low_limits import LowLimit
from tools.bench.detection.measured import (
    AMPLITUDES,
    DEFAULT,
    INJECTED,
    SNRS,
    RealLightCurves,
    Simulated,
    completeness,
)

_STYLES = dict(zip(SEARCHES, zip(PALETTE, "osD^", strict=False), strict=True))
_COLUMNS = 5


def draw_recall(real: RealLightCurves, path: Path) -> None:
    """The found share of the catalogue's flares by amplitude and by S/N."""

    def draw() -> Any:
        figure = picture(10, 3.4)
        left, right = figure.subplots(1, 2, sharey=True)
        _bars(left, real.recall_by_amplitude, AMPLITUDES)
        _bars(right, real.recall_by_snr, SNRS)
        left.set(xlabel="amplitude in median errors", ylabel="found share", ylim=(0, 1.12))
        right.set(xlabel="S/N by the search by significance")
        left.legend(loc="lower center", ncols=4)
        return figure

    save(draw, path)


def draw_completeness(real: RealLightCurves, path: Path) -> None:
    """The found share of injected flares by amplitude, of each light curve."""

    def draw() -> Any:
        n_rows = -(-len(real.light_curves) // _COLUMNS)
        figure = picture(11, 2 * n_rows + 0.6)
        panels = figure.subplots(n_rows, _COLUMNS, sharex=True, sharey=True, squeeze=False)
        middle = np.sqrt(np.multiply(INJECTED[1:], INJECTED[:-1]))
        for panel in panels.flat[len(real.light_curves) :]:
            panel.set_axis_off()
        for panel, curve in zip(panels.flat, real.light_curves, strict=False):
            for search, counts in zip(SEARCHES, completeness(curve), strict=True):
                colour, marker = _STYLES[search]
                style = {"color": colour, "marker": marker, "label": str(search)}
                panel.plot(middle, counts.fraction, ms=3, lw=1, **style)
            panel.set_title(f"TIC {curve.name}", fontsize=8)
        panels[0, 0].set(xscale="log", ylim=(-0.03, 1.03))
        panels[0, 0].legend(fontsize=6.5)
        figure.supxlabel("injected amplitude in median errors")
        figure.supylabel("found share")
        return figure

    save(draw, path)


def draw_false_alarms(real: RealLightCurves, path: Path) -> None:
    """Events in mirror images in 25 days, of each light curve and search."""

    def draw() -> Any:
        figure = picture(11, 3.6)
        panels = figure.subplots(1, 2, sharey=True)
        place = np.arange(len(real.light_curves))
        for panel, image in zip(panels, IMAGES, strict=True):
            rates = np.array([[a.rate for a in c.false_alarms(image)] for c in real.light_curves])
            for number, search in enumerate(SEARCHES):
                colour, marker = _STYLES[search]
                at = place + 0.16 * (number - 1.5)
                style = {"color": colour, "marker": marker, "label": str(search)}
                panel.plot(at, rates[:, number], linestyle="none", ms=4, **style)
            panel.set_yscale("symlog", linthresh=1)
            panel.set_title(f"{image.name.lower()} image")
            names = [c.name + ("*" if c.known else "") for c in real.light_curves]
            panel.set_xticks(place, names, rotation=60, ha="right", fontsize=7)
            panel.grid(axis="x", color="0.9", lw=0.6)
        panels[0].set(ylabel=f"events in {PER_DAYS:.0f} days", ylim=(-0.2, None))
        panels[0].legend(loc="upper left")
        return figure

    save(draw, path)


def draw_truth(simulated: Simulated, path: Path) -> None:
    """Reliability, completeness and rates against the truth of simulated campaigns."""

    def draw() -> Any:
        figure = picture(12, 3.8)
        first, second, third = figure.subplots(1, 3)
        first.plot([0, 1], [0, 1], color="0.7", lw=1)
        for number, search in enumerate(SEARCHES):
            colour, marker = _STYLES[search]
            n, mean, share = np.array(simulated.reliability(number)).T
            error = np.sqrt(
                np.maximum(share * (1 - share), 0.25 / np.maximum(n, 1)) / np.maximum(n, 1)
            )
            style = {"color": colour, "marker": marker, "label": str(search)}
            first.errorbar(mean, share, error, ms=4, lw=1, capsize=2, **style)
            _found_of_truth(second, simulated, number, **style)
        first.set(xlabel="reliability", ylabel="true share", xlim=(0, 1.02), ylim=(-0.02, 1.05))
        first.legend()
        second.set(xscale="log", xlabel="true ED / 50 % limit", ylabel="found share")
        _rates(third, simulated)
        return figure

    save(draw, path)


def draw_low_limit(found: LowLimit, path: Path) -> None:
    """The true share against the reliability with the low limit."""

    def draw() -> Any:
        figure = picture(5.2, 4.4)
        panel = figure.subplots()
        panel.fill_between([0, 1], [-0.05, 0.95], [0.05, 1.05], color="0.92", lw=0)
        panel.plot([0, 1], [0, 1], color="0.7", lw=1)
        names = [None, *dict.fromkeys(found.campaign.tolist())]
        for name, colour in zip(names, ("black", *PALETTE), strict=False):
            bins = [one for one in found.bins(name) if one.n]
            x, y, error = np.array([(b.reliability, b.true, b.error) for b in bins]).T
            wide = {"ms": 6, "lw": 1.6} if name is None else {"ms": 3, "lw": 0.7}
            style = {"color": colour, "marker": "o", "label": name or "all"}
            panel.errorbar(x, y, error, capsize=2, **wide, **style)
        panel.set(xlabel="reliability", ylabel="true share", xlim=(0, 1.02), ylim=(-0.05, 1.05))
        panel.legend()
        return figure

    save(draw, path)


def _bars(panel: Any, bins: Sequence[tuple[int, np.ndarray]], edges: Sequence[float]) -> None:
    place = np.arange(len(bins))
    for number, search in enumerate(SEARCHES):
        share = [found[number] / n if n else np.nan for n, found in bins]
        at = place + 0.2 * (number - 1.5)
        panel.bar(at, share, 0.18, color=_STYLES[search][0], label=str(search))
    names = [f"{a:g}-{b:g}" if np.isfinite(b) else f"> {a:g}" for a, b in pairwise(edges)]
    labels = [f"{name}\n{n} flares" for name, (n, _) in zip(names, bins, strict=True)]
    panel.set_xticks(place, labels)


def _found_of_truth(panel: Any, simulated: Simulated, search: int, **style: str) -> None:
    size = np.concatenate([found.simulated_duration for found in simulated.found[search]])
    was_found = np.concatenate([found.was_found for found in simulated.found[search]])
    edges = np.geomspace(0.15, 20, 11)
    number = np.searchsorted(edges, size) - 1
    share = [
        was_found[number == k].mean() if np.any(number == k) else np.nan
        for k in range(len(edges) - 1)
    ]
    panel.plot(np.sqrt(edges[1:] * edges[:-1]), share, ms=4, lw=1, **style)


def _rates(panel: Any, simulated: Simulated) -> None:
    """Rates of the default search with their intervals, against the true ones."""
    names = [campaign.name for campaign in simulated.campaigns]
    for name, colour in zip(names, PALETTE, strict=False):
        rates = [r for r in simulated.estimated[DEFAULT].rates if r.campaign == name]
        rate, truth = np.array([r.rate for r in rates]), np.array([r.truth for r in rates])
        errors = np.abs(np.array([r.interval for r in rates]).T - rate)
        style = {"color": colour, "marker": "o", "label": name, "linestyle": "none"}
        panel.errorbar(truth, rate, errors, ms=3, lw=0.8, **style)
    low, high = panel.get_xlim()
    panel.plot([low, high], [low, high], color="0.7", lw=1)
    panel.set(xlabel="true rate per day", ylabel=f"rate per day, {SEARCHES[DEFAULT]}")
    panel.legend()
