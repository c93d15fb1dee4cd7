"""Pictures of one star: its flare frequency distribution, and its flares sector by sector."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from cvzmpi.cvz.results.pictures.colours import FLARE, GP, NOT_SEARCHED
from cvzmpi.cvz.results.products.ffd import SectorRate, StarFfd, cumulative_ffd
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


def draw_sectors(star: StarFfd) -> Any:
    """A figure of rates, numbers of flares and flare energies, sector by sector."""
    rates = star.sector_rates()
    positions = np.arange(len(star.sectors))
    figure = picture(max(5.0, 2.2 + 0.42 * len(positions)), 6.0)
    top, middle, bottom = figure.subplots(3, 1, sharex=True, height_ratios=(1.3, 1, 1))
    _draw_rates(top, star, rates, positions)
    found = [sector.n_flares for sector in star.sectors]
    counted = [rate.n_flares for rate in rates]
    middle.bar(positions, found, color=NOT_SEARCHED, edgecolor=DATA, label="all")
    middle.bar(positions, counted, color=FLARE, width=0.5, label="that count for the rate")
    middle.set_ylabel("Flares found")
    middle.set_ylim(0, max([1, *found]) * 1.35)
    middle.yaxis.get_major_locator().set_params(integer=True)
    middle.legend(loc="upper right", ncols=2)
    energy = [rate.flare_energy for rate in rates]
    error = [rate.flare_energy_error for rate in rates]
    bottom.errorbar(positions, energy, error, fmt="s", color=FLARE, ms=4, elinewidth=0.9)
    bottom.axhline(0, color=DATA, lw=0.6)
    bottom.set_ylabel("Fractional flare\nenergy")
    bottom.ticklabel_format(axis="y", style="sci", scilimits=(-2, 2))
    bottom.set_xlabel("TESS sector")
    bottom.set_xticks(positions, [str(sector.sector) for sector in star.sectors])
    bottom.set_xlim(-0.7, len(positions) - 0.3)
    bottom.tick_params(axis="x", length=0, rotation=90 if len(positions) > 20 else 0)
    top.set_title(_title(star), loc="left", fontweight="bold")
    figure.align_ylabels()
    return figure


def _draw_rates(
    axes: Any, star: StarFfd, rates: Sequence[SectorRate], positions: np.ndarray
) -> None:
    if math.isnan(star.lower):
        say(axes, "", _no_rate(star))
        return
    value = np.array([rate.rate for rate in rates])
    low, high = np.array([rate.interval for rate in rates]).T
    axes.axhline(star.rate, color=GP, lw=1.2, label="all sectors, 68 %")
    axes.axhspan(*star.interval, color=GP, alpha=0.2, lw=0)
    axes.errorbar(
        positions, value, (value - low, high - value), fmt="o", color=FLARE, ms=4, elinewidth=0.9
    )
    axes.set_ylabel(f"Flares per day\nabove {star.lower:.3g} s")
    axes.set_ylim(0, np.nanmax([*high, star.interval[1]]) * 1.25)
    axes.legend(loc="upper right")


def _title(star: StarFfd) -> str:
    n = len(star.sectors)
    return f"TIC {star.tic}, {star.time.searched:.1f} d in {counted(n, 'sector')}"


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
