"""Pictures of a campaign: how deep the searches went, how often stars flare, where they are."""

from __future__ import annotations

from typing import Any

import numpy as np

from cvzmpi.cvz.results.pictures.colours import FLARE, GP
from cvzmpi.messages.wording import counted
from cvzmpi.pictures.style import DATA, PALETTE, label_decades, picture, say

_BINS = 25


def draw_limits(duration_50: np.ndarray, magnitude: np.ndarray) -> Any:
    """A figure of the 50 % completeness limits of all light curves, and against the magnitude.

    Parameters
    ----------
    duration_50 : float64, shape (n,)
        Equivalent durations in s; NaN where there is no limit.
    magnitude : float64, shape (n,)
        TESS magnitudes; NaN where unknown.
    """
    figure = picture(8.6, 3.5)
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(1, 1.4))
    known = np.isfinite(duration_50)
    if not known.any():
        say(left, "Completeness limits", "None yet")
        right.set_axis_off()
        return figure
    values = duration_50[known]
    edges = np.geomspace(values.min() * 0.95, values.max() * 1.05, _BINS + 1)
    left.hist(values, edges, orientation="horizontal", color=GP, alpha=0.8)
    middle = float(np.median(values))
    left.axhline(middle, color=FLARE, lw=1.4, label=f"median {middle:.3g} s")
    left.set(yscale="log", xlabel="Light curves")
    left.set_ylabel("Equivalent duration of\n50 % completeness [s]")
    left.legend(loc="upper right")
    left.set_title("Completeness limits", loc="left", fontweight="bold")
    label_decades(left.yaxis)
    right.plot(magnitude[known], values, "o", color=GP, ms=_dot(len(values)), mew=0, alpha=0.6)
    right.set_xlabel("TESS magnitude [mag]")
    return figure


def draw_rates(rate: np.ndarray, limit: np.ndarray, index: np.ndarray, days: np.ndarray) -> Any:
    """A figure of the flare rates of all stars, and of their power-law indices.

    Parameters
    ----------
    rate : float64, shape (n,)
        Flares a day above each star's own bound; 0 or NaN for stars without.
    limit : float64, shape (n,)
        Upper limits of the same.
    index : float64, shape (n,)
        NaN where there are too few flares for one.
    days : float64, shape (n,)
        Searched.
    """
    figure = picture(8.6, 3.5)
    left, right = figure.subplots(1, 2, width_ratios=(1.4, 1))
    flares = rate > 0
    size = _dot(len(rate)) + 1
    none = ~flares & np.isfinite(limit)
    left.plot(days[flares], rate[flares], "o", color=FLARE, ms=size, mew=0, label="rate")
    left.plot(
        days[none], limit[none], "v", color=DATA, ms=size, mew=0, label="no flare: 95 % limit"
    )
    left.set(yscale="log", xlabel="Searched [d]", ylabel="Flares per day above the star's bound")
    label_decades(left.yaxis)
    left.set_title("Flare rates", loc="left", fontweight="bold")
    if flares.any() or none.any():
        left.legend(loc="best")
    known = np.isfinite(index)
    if known.any():
        right.hist(index[known], min(_BINS, max(5, known.sum() // 3)), color=GP, alpha=0.8)
        right.axvline(np.median(index[known]), color=FLARE, lw=1.4)
        right.set(xlabel=r"Power-law index $\alpha$", ylabel="Stars")
        right.yaxis.get_major_locator().set_params(integer=True)
        right.set_title(f"median {np.median(index[known]):.2f}", loc="left")
    else:
        say(right, "Power-law indices", "No star has enough flares")
    return figure


def draw_sky(
    right_ascension: np.ndarray, declination: np.ndarray, done: np.ndarray, known: np.ndarray
) -> Any:
    """A figure of where the targets are, and how many of their light curves are done.

    Parameters
    ----------
    right_ascension, declination : float64, shape (n,)
        Degrees; one entry for each star. NaN where unknown.
    done, known : int, shape (n,)
        Light curves that are done, and all that are there.
    """
    figure = picture(8.6, 4.4)
    axes = figure.add_subplot(projection="mollweide")
    x = -np.radians((right_ascension + 180) % 360 - 180)  # east is to the left
    y = np.radians(declination)
    share = done / np.maximum(known, 1)
    states = (
        ("all light curves done", share == 1, "o", PALETTE[2]),
        ("some done", (share > 0) & (share < 1), "D", PALETTE[4]),
        ("none done", share == 0, "x", PALETTE[1]),
    )
    size = _dot(len(x)) + 1.5
    for label, chosen, marker, colour in states:
        if chosen.any():
            text = f"{label}: {counted(int(chosen.sum()), 'star')}"
            axes.plot(x[chosen], y[chosen], marker, color=colour, ms=size, mew=0.8, label=text)
    hours = np.arange(150, -151, -30)
    axes.set_xticks(np.radians(-hours), [f"{hour % 360}°" for hour in hours], fontsize=7)
    axes.grid(alpha=0.4, lw=0.5)
    axes.set(xlabel="Right ascension [deg]", ylabel="Declination [deg]")
    axes.set_title("Targets", loc="left", fontweight="bold")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=3, frameon=False)
    return figure


def _dot(n: int) -> float:
    """Size of a marker: smaller where there are many."""
    return 4.0 if n < 300 else 2.5 if n < 5000 else 1.2
