"""The largest flares of a light curve, each from near."""

from __future__ import annotations

from typing import Any

import numpy as np

from cvzmpi.cvz.light_curves.exposure import MINUTES_PER_DAY
from cvzmpi.cvz.results.pictures.content import Content
from cvzmpi.cvz.results.pictures.light_curve import around, draw_flare, note_measures, title_of
from cvzmpi.cvz.results.pictures.style import picture, say

MAX_FLARES = 9
_COLUMNS = 3


def draw_zooms(content: Content) -> Any:
    """A figure with a panel for each of the largest flares, by equivalent duration."""
    flares = content.data.flares
    n_flares = 0 if flares is None else len(flares["peak"])
    title = f"{title_of(content)}: "
    if flares is None or not n_flares:
        figure = picture(8.0, 1.6)
        nothing = "No flares measured yet" if flares is None else "No flare detected"
        say(figure.subplots(), f"{title}flares", nothing)
        return figure
    order = np.argsort(-flares["equivalent_duration"], kind="stable")[:MAX_FLARES]
    n_rows = -(-len(order) // _COLUMNS)
    figure = picture(9.0, 0.5 + 2.5 * n_rows)
    figure.suptitle(
        f"{title}the {len(order)} largest of {n_flares} flares", fontsize=9, fontweight="bold"
    )
    panels = figure.subplots(n_rows, _COLUMNS, squeeze=False).ravel()
    for rank, (axes, number) in enumerate(zip(panels, order, strict=False)):
        flare = {name: column[number] for name, column in flares.items()}
        part = around(content, flare)
        minutes = (content.time[part] - flare["peak_time"]) * MINUTES_PER_DAY
        draw_flare(axes, content, flare, minutes, part)
        note_measures(axes, flare, with_peak=False)
        axes.set_title(f"flare {number}, peak {flare['peak_time']:.4f} BTJD d", loc="left")
        axes.set_ylabel("Flux / median flux" if rank % _COLUMNS == 0 else "")
        axes.set_xlabel("Time from the peak [minutes]")
    for axes in panels[len(order) :]:
        axes.set_axis_off()
    return figure
