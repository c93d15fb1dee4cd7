"""Pictures of what was missed and of what was false: light curve, model and event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.detection.significance.images import Image
from cvzmpi.cvz.results.pictures.colours import FLARE, GP
from cvzmpi.cvz.sector_file.reading import SectorContent
from cvzmpi.pictures.style import DATA, picture, save
from tools.bench.detection.false_alarms import SEARCHES
from tools.bench.detection.known_flares import covering
from tools.bench.detection.measured import DEFAULT, RealLightCurves, Simulated
from tools.bench.detection.searched_light_curve import SearchedLightCurve

_MOST = 8
_COLUMNS = 4
_AROUND = 0.25  # days


@dataclass(frozen=True)
class Panel:
    """A piece of a light curve, around an event."""

    curve: SearchedLightCurve
    time: float
    title: str
    inverted: bool = False  # the flux is that of the inverted image


def missed(real: RealLightCurves, simulated: Simulated) -> list[Panel]:
    """Flares that the default search misses: all of the catalogue, then the largest simulated."""
    panels = []
    for curve in real.light_curves:
        for k in np.flatnonzero(~curve.found[:, DEFAULT]):
            reason = real.reason(curve, int(k))
            panels.append(Panel(curve, curve.known[k].time, f"TIC {curve.name}: {reason}"))
    candidates = []
    for campaign in simulated.campaigns:
        for path, truth in campaign.with_truth():
            curve = SearchedLightCurve(SectorContent.read(path), [])
            searched = curve.by_search[DEFAULT]
            truth = truth[searched.evaluated[truth["cadence"]]]
            assert searched.flares is not None
            covers = covering(searched.flares, truth["cadence"], searched.usable, curve.tolerance)
            for flare in truth[~covers.any(axis=0)]:
                size = flare["amplitude"] / curve.error
                title = (
                    f"{campaign.name}, simulated: {size:.0f} errors, {flare['fwhm'] * 1440:.0f} min"
                )
                snr = curve.highest(curve.file.data.significance, int(flare["cadence"]))
                candidates.append((np.nan_to_num(snr), Panel(curve, float(flare["time"]), title)))
    candidates.sort(key=lambda item: -item[0])
    return [*panels, *(panel for _, panel in candidates)][:_MOST]


def false(real: RealLightCurves, simulated: Simulated) -> list[Panel]:
    """Events of the default search that are none: simulated stars', then of inverted images."""
    panels = []
    for campaign in simulated.campaigns:
        for path, truth in campaign.with_truth():
            curve = SearchedLightCurve(SectorContent.read(path), [])
            searched = curve.by_search[DEFAULT]
            flares = searched.flares
            assert flares is not None
            covers = covering(flares, truth["cadence"], searched.usable, curve.tolerance)
            for k in np.flatnonzero(~covers.any(axis=1)):
                title = f"{campaign.name}, simulated: S/N {flares['snr'][k]:.1f}"
                panels.append(Panel(curve, float(flares["peak_time"][k]), title))
    of_images = []
    search: Search = SEARCHES[DEFAULT]
    for curve in real.light_curves:
        events = curve.file.data.mirror_events
        assert events is not None
        mine = search.flares(events["found_by"]) & (events["image"] == Image.INVERTED)
        for k in np.flatnonzero(mine):
            snr = float(events["snr"][k])
            title = f"TIC {curve.name}, inverted: S/N {snr:.1f}"
            of_images.append((snr, Panel(curve, float(events["peak_time"][k]), title, True)))
    of_images.sort(key=lambda item: -item[0])
    return [*panels, *(panel for _, panel in of_images)][:_MOST]


def draw_panels(panels: Sequence[Panel], path: Path) -> None:
    """Draw light curves around events."""

    def draw() -> Any:
        n_rows = max(1, -(-len(panels) // _COLUMNS))
        figure = picture(13, 2.5 * n_rows)
        axes = figure.subplots(n_rows, _COLUMNS, squeeze=False)
        for axis in axes.flat[len(panels) :]:
            axis.set_axis_off()
        for axis, panel in zip(axes.flat, panels, strict=False):
            _draw(axis, panel)
        for axis in axes[:, 0]:
            axis.set_ylabel("relative flux")
        figure.supxlabel("BTJD")
        return figure

    save(draw, path)


def _draw(axis: Any, panel: Panel) -> None:
    data, searched = panel.curve.file.data, panel.curve.by_search[DEFAULT]
    curve = data.light_curve
    assert data.gp_mu is not None
    assert data.event_model is not None
    rows = np.flatnonzero(searched.usable & (np.abs(curve.time - panel.time) < _AROUND))
    median = float(np.median(curve.flux[searched.usable]))
    quiet, event = data.gp_mu[rows] / median, data.event_model[rows] / median
    flux, time = curve.flux[rows] / median, curve.time[rows]
    if panel.inverted:
        flux, event = 2 * quiet + event - flux, np.zeros(len(rows))
    flaring = searched.flaring[rows] & (not panel.inverted)
    axis.plot(time, flux, ".", ms=2.5, color=DATA)
    axis.plot(time[flaring], flux[flaring], ".", ms=3.5, color=FLARE)
    axis.plot(time, quiet, color=GP, lw=1)
    axis.plot(time, quiet + event, color=FLARE, lw=0.7)
    axis.axvline(panel.time, color="0.6", lw=0.8, ls=":")
    low, high = np.quantile(flux, [0.002, 0.998])
    axis.set_ylim(low - 0.15 * (high - low), high + 0.3 * (high - low))
    axis.set_title(panel.title, fontsize=7.5)
    axis.locator_params(axis="x", nbins=4)
    axis.ticklabel_format(useOffset=False)
    axis.tick_params(labelsize=6.5)
