"""The charts of one light curve: how complete its search is, by size of the injected flares."""

from __future__ import annotations

import numpy as np

from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.results.products.completeness import CompletenessCurve
from cvzmpi.cvz.results.products.recovered_fraction import binned, equal_edges
from cvzmpi.cvz.sector_file.data import Recovery
from cvzmpi.web.chart import Axis, Chart, Mark, Series

_SIZES = (
    ("equivalent_duration", Axis("Equivalent duration", "s", log=True), 1.0),
    ("amplitude", Axis("Amplitude", "% of median flux", log=True), 100.0),
)
_MOST_BINS = 15
_CURVE_POINTS = 80


def light_curve_charts(recovery: Recovery | None, light_curve: LightCurveId) -> list[Chart]:
    """Completeness of a light curve, by equivalent duration and by amplitude.

    Parameters
    ----------
    recovery : Recovery, optional
        What was found of the injected flares; None if none were injected.
    light_curve : LightCurveId
        Its sector is in the names of the charts.
    """
    return [_completeness(recovery, light_curve, *size) for size in _SIZES]


def _completeness(
    recovery: Recovery | None, light_curve: LightCurveId, name: str, axis: Axis, factor: float
) -> Chart:
    series: tuple[Series, ...] = ()
    marks: tuple[Mark, ...] = ()
    if recovery is not None and recovery.n_placed:
        size = getattr(recovery, name)
        curve = CompletenessCurve.fit(size, recovery.recovered, recovery.counted)
        x = np.geomspace(size.min(), size.max(), _CURVE_POINTS)
        low, high = curve.interval(x)
        fitted = Series(
            "monotone curve, 68 %", x * factor, curve(x), kind="band", low=low, high=high
        )
        series = (fitted, _in_bins(size, recovery, factor))
        half = curve.limit(0.5)
        if half.relation == "=":
            value = half.value * factor
            marks = (Mark(value, f"50 %: {value:.3g} {axis.unit.partition(' ')[0]}"),)
    words = name.replace("_", " ")
    return Chart(
        f"completeness-{light_curve.sector}-{name.replace('_', '-')}",
        f"Completeness by {words}",
        "The share of the injected flares that the search finds in "
        f"{light_curve.part}, by {words}.",
        axis,
        Axis("Completeness", covers=(0.0, 1.0)),
        series,
        marks=marks,
        nothing="No flares have been injected yet.",
    )


def _in_bins(size: np.ndarray, recovery: Recovery, factor: float) -> Series:
    edges = equal_edges(size, min(_MOST_BINS, max(1, len(size) // 10)))
    counts = binned(size, recovery.recovered, edges, recovery.counted)
    low, high = counts.interval()
    known = np.isfinite(counts.fraction)
    middle = np.sqrt(edges[:-1] * edges[1:]) * factor
    return Series(
        "injected flares in bins, 68 %",
        middle[known],
        counts.fraction[known],
        low=low[known],
        high=high[known],
        colour="injected",
    )
