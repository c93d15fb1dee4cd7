"""The picture of one star: its flare frequency distribution."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from cvzmpi.cvz.light_curves.identity import PARTS
from cvzmpi.cvz.results.pictures.colours import FLARE, GP, NOT_SEARCHED
from cvzmpi.cvz.results.products.ffd import StarFfd, cumulative_ffd
from cvzmpi.messages.wording import counted
from cvzmpi.pictures.style import DATA, label_decades, picture, say


def draw_ffd(star: StarFfd) -> Any:
    """A figure of the cumulative flare frequency distribution, raw and corrected, with the fit."""
    figure = picture(6.2, 4.6)
    axes = figure.subplots()
    ffd = cumulative_ffd(star)
    ffd = {name: values[ffd["ed"] > 0] for name, values in ffd.items()}
    if not len(ffd["ed"]) or star.little_searched:
        nothing = _no_flares(star) if not len(ffd["ed"]) else _no_rate(star)
        say(axes, _title(star), nothing)
        return figure
    style = {"mfc": "none", "color": DATA, "ms": 5.5, "zorder": 4, "label": "as found"}
    axes.plot(ffd["ed"], ffd["raw_rate"], "o", **style)
    known = np.isfinite(ffd["rate"])
    rate, low, high = (ffd[name][known] for name in ("rate", "rate_low", "rate_high"))
    style = {"fmt": "s", "color": FLARE, "ms": 3.5, "elinewidth": 0.5}
    label = "corrected for completeness, 68 %"
    axes.errorbar(ffd["ed"][known], rate, (rate - low, high - rate), label=label, **style)
    largest = float(ffd["ed"].max())
    if star.power_law is not None and star.power_law.lower < largest:
        _draw_fit(axes, star, largest)
    axes.set(xscale="log", yscale="log", xlabel="Equivalent duration [s]")
    low, high = axes.get_xlim()
    if math.isfinite(star.lower):
        axes.axvspan(low, star.lower, color=NOT_SEARCHED, lw=0, zorder=0, label=_BELOW)
    axes.set_xlim(low, high)
    axes.set_ylabel("Flares per day at least as large")
    label_decades(axes.xaxis)
    label_decades(axes.yaxis)
    axes.set_title(_title(star), loc="left", fontweight="bold")
    axes.legend(loc="lower left")
    return figure


_BELOW = "less complete, not fitted"


def _draw_fit(axes: Any, star: StarFfd, largest: float) -> None:
    law = star.power_law
    assert law is not None
    x = np.geomspace(law.lower, min(law.upper, largest * 1.5), 100)
    low, high = law.index_interval
    label = (
        rf"$\alpha$ = {law.index:.2f} ({low:.2f} to {high:.2f}), {counted(law.n_flares, 'flare')}"
    )
    axes.plot(x, law.rate_above(x), color=GP, lw=1.4, label=label, zorder=3)


def _title(star: StarFfd) -> str:
    light_curve = star.sectors[-1].id
    n = counted(len(star.sectors), PARTS[light_curve.catalogue])
    return f"{light_curve.star}, {star.time.searched:.1f} d in {n}"


def _no_rate(star: StarFfd) -> str:
    if star.little_searched:
        return "No rate: too little was searched"
    return "No rate: the searches are never complete enough"


def _no_flares(star: StarFfd) -> str:
    if math.isnan(star.lower):
        return "No flare detected"
    return (
        "No flare detected\n\n"
        f"fewer than {star.upper_limit:.3g} a day above {star.lower:.3g} s (95 %)"
    )
