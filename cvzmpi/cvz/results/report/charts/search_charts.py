"""Charts of how well a campaign searched: completeness, reliability, and what it cost."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from cvzmpi.cvz.light_curves.stage import Stage
from cvzmpi.cvz.results.report.charts.histogram import histogram_chart
from cvzmpi.cvz.results.report.charts.rate_charts import Row, numbers, star_points
from cvzmpi.web.chart import Axis, Chart, Fact, Series

_INSIDE = (15.87, 84.13)
"""Percentiles between which 68 % lie."""

_UNITS = (("core-seconds", 1.0), ("core-minutes", 60.0), ("core-hours", 3600.0))


def column(table: pa.Table, name: str) -> np.ndarray:
    """A column of the index; float64, NaN where there is nothing."""
    return table[name].to_numpy().astype(float)


def completeness_limits(light_curves: pa.Table) -> Chart:
    """How deep the searches went, by light curve."""
    limits = column(light_curves, "equivalent_duration_50")
    return histogram_chart(
        "completeness-limits",
        "Completeness limits",
        "Light curves by the equivalent duration at which half of the injected flares are found.",
        Axis("Equivalent duration of 50 % completeness", "s", log=True),
        "light curves",
        limits[limits > 0],
        "No light curve has a completeness limit yet.",
    )


def limits_and_magnitude(stars: Sequence[Row]) -> Chart:
    """How deep the searches went, by the brightness of the star."""
    magnitude = numbers(stars, "tess_magnitude")
    limit = numbers(stars, "equivalent_duration_50")
    rows = np.flatnonzero(np.isfinite(magnitude) & (limit > 0))
    points = star_points(stars, rows)
    series = Series("stars", magnitude[rows], limit[rows], **points)
    return Chart(
        "limits-magnitude",
        "Completeness limits and magnitude",
        "The equivalent duration at which half of the injected flares are found: "
        "of each star, the median of its light curves.",
        Axis("TESS magnitude", "mag"),
        Axis("ED of 50 % completeness", "s", log=True),
        (series,) if len(rows) else (),
        nothing="No star of known magnitude has a completeness limit yet.",
    )


def completeness_and_reliability(light_curves: pa.Table) -> Chart:
    """Which share of injected flares is found, and of found ones real, by magnitude."""
    magnitude = column(light_curves, "tess_magnitude")
    found, n_flares, n_true = (
        column(light_curves, name) for name in ("recovered_fraction", "n_flares", "n_true")
    )
    searched = np.isfinite(magnitude) & np.isfinite(found)
    trusted = np.isfinite(magnitude) & np.isfinite(n_true) & (n_flares > 0)
    series = []
    edges = np.empty(0)
    if (searched | trusted).any():
        edges = _magnitude_edges(magnitude[searched | trusted])
        if searched.any():
            series.append(_completeness(magnitude[searched], found[searched], edges))
        if trusted.any():
            series.append(
                _reliability(magnitude[trusted], n_true[trusted], n_flares[trusted], edges)
            )
    return Chart(
        "completeness-reliability",
        "Completeness and reliability",
        "The share of the injected flares that the search finds (median of light curves, 68 % of "
        "them inside the bars), and of its flares that are expected to be real.",
        Axis("TESS magnitude", "mag", covers=tuple(edges[[0, -1]].tolist()) if len(edges) else ()),
        Axis("Share", covers=(0.0, 1.0)),
        tuple(series),
        nothing="No light curve of known magnitude has been searched for injected flares yet.",
    )


def _magnitude_edges(magnitude: np.ndarray) -> np.ndarray:
    """Bins of one magnitude; of half of one where light curves are many."""
    width = 0.5 if len(magnitude) > 1000 else 1.0
    low, high = np.floor(magnitude.min() / width), np.floor(magnitude.max() / width) + 1
    return np.arange(low, high + 1) * width


def _by_bin(magnitude: np.ndarray, edges: np.ndarray) -> list[tuple[float, np.ndarray]]:
    """Middle and rows of each bin that is not empty."""
    bins = np.digitize(magnitude, edges) - 1
    return [
        (float(edges[number] + edges[number + 1]) / 2, np.flatnonzero(bins == number))
        for number in np.unique(bins)
    ]


def _completeness(magnitude: np.ndarray, found: np.ndarray, edges: np.ndarray) -> Series:
    bins = _by_bin(magnitude, edges)
    low, middle, high = np.array(
        [np.percentile(found[rows], (_INSIDE[0], 50, _INSIDE[1])) for _, rows in bins]
    ).T
    counts = Fact("light curves", [float(len(rows)) for _, rows in bins])
    place = [at - 0.04 for at, _ in bins]  # beside the reliability, whose bars would hide it
    name = "completeness: injected flares that are found"
    return Series(name, place, middle, low=low, high=high, facts=(counts,))


def _reliability(
    magnitude: np.ndarray, n_true: np.ndarray, n_flares: np.ndarray, edges: np.ndarray
) -> Series:
    bins = _by_bin(magnitude, edges)
    share = [float(n_true[rows].sum() / n_flares[rows].sum()) for _, rows in bins]
    counts = Fact("flares", [float(n_flares[rows].sum()) for _, rows in bins])
    name = "reliability: flares that are expected to be real"
    return Series(name, [at + 0.04 for at, _ in bins], share, colour="series-2", facts=(counts,))


def cost_by_stage(light_curves: pa.Table) -> Chart:
    """The time that each stage took, of all light curves together."""
    seconds = {str(stage): column(light_curves, f"seconds_{stage}") for stage in Stage}
    seconds = {stage: values[np.isfinite(values)] for stage, values in seconds.items()}
    totals = {stage: float(values.sum()) for stage, values in seconds.items() if len(values)}
    unit, divisor = _unit(max(totals.values(), default=0.0))
    series = Series(
        "all light curves",
        list(range(len(totals))),
        [total / divisor for total in totals.values()],
        kind="bars",
        facts=(
            Fact("median of a light curve", [float(np.median(seconds[s])) for s in totals], "s"),
        ),
    )
    return Chart(
        "cost-by-stage",
        "What the campaign cost",
        "Time of one core in each stage of the work, of all light curves together.",
        Axis("Stage", words=tuple(totals)),
        Axis("Time", unit, covers=(0.0,)),
        (series,) if any(totals.values()) else (),
        nothing="No light curve says how long the work on it took.",
    )


def cost_by_light_curve(light_curves: pa.Table) -> Chart:
    """How long a light curve takes."""
    stages = np.array([column(light_curves, f"seconds_{stage}") for stage in Stage])
    seconds = np.nansum(stages, axis=0)
    return histogram_chart(
        "cost-by-light-curve",
        "Time of a light curve",
        "Light curves by the time of one core that all stages together took.",
        Axis("Time", "core-seconds", log=True),
        "light curves",
        seconds[seconds > 0],
        "No light curve says how long the work on it took.",
        "series-5",
    )


def _unit(seconds: float) -> tuple[str, float]:
    """The largest unit in which it is at least 1, and its seconds."""
    return next((unit for unit in reversed(_UNITS) if seconds >= unit[1]), _UNITS[0])
