"""Charts of how often the stars of a campaign flare: distributions, rates, and a diagram."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from cvzmpi.cvz.results.products.ffd_tables import FLARES, Rows
from cvzmpi.cvz.results.products.tess_band import FlareEnergyScale
from cvzmpi.cvz.results.report.charts.histogram import histogram_chart
from cvzmpi.cvz.results.report.energy_in_words import energy_in_words
from cvzmpi.web.chart import Axis, Chart, Series

SUN_TEMPERATURE = 5772.0
"""In K; nominal, IAU 2015 resolution B3."""

_MOST_LINES = 60
"""Distributions that are drawn together, those of the stars with the most flares."""

_MOST_POINTS = 60
"""Of a distribution: more could not be told apart."""

Row = dict[str, Any]


def numbers(rows: Sequence[Row], name: str) -> np.ndarray:
    """A column of rows; float64, NaN where there is nothing."""
    return np.array([math.nan if row.get(name) is None else row[name] for row in rows], float)


def _name(star: Row) -> str:
    return f"{star['catalogue']} {star['tic']}"


def star_points(stars: Sequence[Row], rows: np.ndarray) -> dict[str, Any]:
    """Labels and links of stars that are points of a series: fields of `Series`."""
    chosen = [stars[row] for row in rows.tolist()]
    return {
        "labels": [_name(star) for star in chosen],
        "links": [star["page"] for star in chosen],
    }


def drawn_distribution(rows: Rows) -> tuple[list[float], list[float]]:
    """Durations and rates of the cumulative distribution of a star, of many flares some.

    `rows` are its rows of the tables of distributions.
    """
    columns = list(FLARES)
    duration, rate = columns.index("ed"), columns.index("rate")
    known = [(row[duration], row[rate]) for row in rows["flares"] if math.isfinite(row[rate])]
    if not known:
        return [], []
    chosen = np.unique(np.geomspace(1, len(known), _MOST_POINTS).round().astype(int) - 1)
    durations, rates = zip(*(known[row] for row in chosen), strict=True)
    return list(durations), list(rates)


def distributions(stars: Sequence[Row]) -> Chart:
    """The cumulative distributions of the stars with a rate, over the energy."""
    drawn = [star for star in stars if len(star["ffd_duration"]) > 1]
    drawn = sorted(drawn, key=lambda star: -star["n_flares"])
    known = [star for star in drawn if math.isfinite(_energy_of_a_second(star))][:_MOST_LINES]
    caption = "How often flares of at least an energy happen, corrected for completeness"
    if len(drawn) > _MOST_LINES:
        caption += f", of the {_MOST_LINES} stars with the most flares"
    energy: list[float] = []
    rate: list[float] = []
    temperature: list[float] = []
    labels: list[str] = []
    links: list[str] = []
    for star in known:
        n_points = len(star["ffd_rate"])
        energy += [duration * _energy_of_a_second(star) for duration in star["ffd_duration"]]
        rate += star["ffd_rate"]
        temperature += [star["temperature"]] * n_points
        labels += [_name(star)] * n_points
        links += [star["page"]] * n_points
        for values in (energy, rate, temperature):
            values.append(math.nan)  # ends the line of this star
        labels.append("")
        links.append("")
    series = Series(
        "stars",
        energy,
        rate,
        kind="line",
        faint=True,
        labels=labels,
        links=links,
        value=temperature,
        value_title="temperature [K]",
    )
    return Chart(
        "distributions",
        "Flare frequency distributions",
        f"{caption}: a line for each star.",
        Axis("Bolometric energy", "erg", log=True),
        Axis("Rate of flares at least as large", "1/d", log=True),
        (series,) if known else (),
        nothing="No star of known radius and temperature has two flares above its bound.",
    )


def _energy_of_a_second(star: Row) -> float:
    """Energy in erg of a flare of an equivalent duration of 1 s; NaN where that is not known."""
    return FlareEnergyScale.of_star(star["radius"], star["temperature"], star["catalogue"]).power


def rate_charts(stars: Sequence[Row], energy: float) -> list[Chart]:
    """The rates of the stars against rotation period, temperature and magnitude.

    They are those above an `energy` in erg, which are the same measure for all stars, where most
    stars with a rate have one; else those above each star's own bound.
    """
    own, common = numbers(stars, "rate_limit"), numbers(stars, "energy_rate_limit")
    if np.isfinite(common).sum() * 2 > np.isfinite(own).sum():
        prefix, what = "energy_rate", f"Flares of at least {energy_in_words(energy)} a day"
    else:
        prefix, what = "rate", "Flares a day above each star's bound of 50 % completeness"
    axes = (
        (
            "period",
            "Flare rate and rotation",
            Axis("Period of the Gaussian process", "d", log=True),
            "period",
        ),
        ("temperature", "Flare rate and temperature", Axis("Temperature", "K"), "temperature"),
        ("tess_magnitude", "Flare rate and magnitude", Axis("TESS magnitude", "mag"), "magnitude"),
    )
    caption = f"{what}, with 68 % intervals; arrows are upper limits (95 %) of stars without"
    return [
        Chart(
            f"rate-{word}",
            title,
            f"{caption}.",
            axis,
            Axis("Flare rate", "1/d", log=True),
            _rates(stars, key, prefix),
            nothing=f"No star has a flare rate and a known {word}.",
        )
        for key, title, axis, word in axes
    ]


def _rates(stars: Sequence[Row], key: str, prefix: str) -> tuple[Series, ...]:
    x = numbers(stars, key)
    rate, low, high, limit = (
        numbers(stars, f"{prefix}{end}") for end in ("", "_low", "_high", "_limit")
    )
    # an interval that begins at zero is a limit
    measured = np.isfinite(x) & (rate > 0) & (low > 0)
    limited = np.isfinite(x) & (limit > 0) & ~measured
    series = []
    if limited.any():
        rows = np.flatnonzero(limited)
        points = star_points(stars, rows)
        series.append(
            Series("upper limit", x[rows], limit[rows], limit="upper", colour="left-out", **points)
        )
    if measured.any():
        rows = np.flatnonzero(measured)
        points = star_points(stars, rows)
        series.append(Series("rate", x[rows], rate[rows], low=low[rows], high=high[rows], **points))
    return tuple(series)


def hertzsprung_russell(stars: Sequence[Row]) -> Chart:
    """Temperature and luminosity of the stars, coloured by their rates.

    The luminosity in that of the Sun is that of a blackbody, L = R^2 (T / 5772 K)^4.
    """
    temperature, radius, rate = (numbers(stars, name) for name in ("temperature", "radius", "rate"))
    luminosity = radius**2 * (temperature / SUN_TEMPERATURE) ** 4
    series = []
    for name, chosen, colour in (
        ("no flare rate", ~(rate > 0), "left-out"),
        ("flaring", rate > 0, "series-1"),
    ):
        rows = np.flatnonzero(chosen & np.isfinite(luminosity))
        if len(rows):
            active: dict[str, Any] = {
                "value": rate[rows],
                "value_title": "flares a day",
                "value_log": True,
            }
            series.append(
                Series(
                    name,
                    temperature[rows],
                    luminosity[rows],
                    colour=colour,
                    faint=name != "flaring",
                    **star_points(stars, rows),
                    **(active if name == "flaring" else {}),
                )
            )
    return Chart(
        "hertzsprung-russell",
        "Hertzsprung-Russell diagram",
        "Temperature and luminosity of the stars, coloured by their flare rates.",
        Axis("Temperature", "K", reversed=True),
        Axis("Luminosity", "L☉", log=True),
        tuple(series),
        nothing="No star has a known radius and temperature.",
    )


def power_law_indices(stars: Sequence[Row]) -> Chart:
    """How steep the distributions are."""
    index = numbers(stars, "index")
    return histogram_chart(
        "power-law-indices",
        "Power-law indices",
        "Stars by the index α of their flares, dN/dED ∝ ED^(−α): the larger, the more small ones.",
        Axis("Power-law index α"),
        "stars",
        index[np.isfinite(index)],
        "No star has enough flares for a power law.",
        "series-3",
        "median {:.2f}",
    )
