"""The charts of a star: its flare frequency distribution, completeness, and flares by sector."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from cvzmpi.cvz.light_curves.identity import PARTS
from cvzmpi.cvz.results.products.ffd import SectorRate, StarFfd, cumulative_ffd
from cvzmpi.cvz.results.products.recovered_fraction import CONFIDENCE
from cvzmpi.messages.wording import counted
from cvzmpi.web.chart import Axis, Chart, Fact, Mark, SecondAxis, Series

_CURVE_POINTS = 60
"""Of a curve of completeness, evenly spread over the logarithm of the size."""


def star_charts(star: StarFfd) -> list[Chart]:
    """All charts of a star; those by sector where there is more than one."""
    charts = [distribution(star), completeness(star)]
    if len(star.sectors) == 1:
        return charts
    rates = star.sector_rates()
    return [
        *charts,
        _sector_rates(star, rates),
        _sector_flares(star, rates),
        _sector_energies(star, rates),
    ]


def distribution(star: StarFfd) -> Chart:
    """The cumulative flare frequency distribution, as found and corrected, with the power law."""
    ffd = cumulative_ffd(star)
    ffd = {name: values[ffd["ed"] > 0] for name, values in ffd.items()}
    series: list[Series] = []
    marks: tuple[Mark, ...] = ()
    if len(ffd["ed"]) and not star.little_searched:
        series = _distribution_series(star, ffd)
        if math.isfinite(star.lower):
            marks = (Mark(-math.inf, "less complete, not fitted", until=star.lower),)
    return Chart(
        "distribution",
        "Flare frequency distribution",
        "How often flares at least as large happen, as they were found and corrected for "
        "completeness and reliability.",
        Axis("Equivalent duration", "s", log=True),
        Axis("Rate of flares at least as large", "1/d", log=True),
        tuple(series),
        second_x=_energy_axis(star),
        marks=marks,
        nothing=_no_rate(star) if star.little_searched else _no_flares(star),
    )


def _distribution_series(star: StarFfd, ffd: dict[str, np.ndarray]) -> list[Series]:
    series = [
        Series("as found", ffd["ed"], ffd["raw_rate"], colour="data", facts=_flare_facts(star, ffd))
    ]
    known = np.isfinite(ffd["rate"])
    if known.any():
        counting = {name: values[known] for name, values in ffd.items()}
        series.append(
            Series(
                "corrected, 68 %",
                counting["ed"],
                counting["rate"],
                low=counting["rate_low"],
                high=counting["rate_high"],
                colour="flare",
                facts=_flare_facts(star, counting),
            )
        )
    law, largest = star.power_law, float(ffd["ed"].max())
    if law is not None and law.lower < largest:
        x = np.geomspace(law.lower, min(law.upper, largest * 1.5), _CURVE_POINTS)
        low, high = law.index_interval
        name = f"α = {law.index:.2f} ({low:.2f} to {high:.2f}), {counted(law.n_flares, 'flare')}"
        series.append(Series(name, x, law.rate_above(x), kind="line", colour="model"))
    return series


def _flare_facts(star: StarFfd, ffd: dict[str, np.ndarray]) -> tuple[Fact, ...]:
    return (
        Fact(PARTS[star.sectors[-1].id.catalogue], [str(sector) for sector in ffd["sector"]]),
        Fact("peak", ffd["peak_time"], "BTJD d", exact=True),
    )


def _energy_axis(star: StarFfd) -> SecondAxis | None:
    """The equivalent durations as energies; None where the star is not known well enough."""
    power = star.sectors[-1].energy_scale.power
    return SecondAxis("Bolometric energy", "erg", power) if math.isfinite(power) else None


def completeness(star: StarFfd) -> Chart:
    """Which share of the flares of a size the searches find: together, and each alone."""
    curves = [sector.completeness for sector in star.sectors]
    known = [curve for curve in curves if len(curve.log_size)]
    series: list[Series] = []
    marks: tuple[Mark, ...] = ()
    if known and star.time.searched > 0:
        ends = min(c.smallest for c in known), max(c.largest for c in known)
        x = np.geomspace(*ends, _CURVE_POINTS)
        if len(star.sectors) > 1:
            series.append(_each_light_curve(star, x))
        series.append(_together(star, x))
        if math.isfinite(star.lower):
            marks = (Mark(star.lower, f"rates from {star.lower:.3g} s on"),)
    return Chart(
        "completeness",
        "Completeness",
        "The share of injected flares of an equivalent duration that the searches find.",
        Axis("Equivalent duration", "s", log=True),
        Axis("Completeness", covers=(0.0, 1.0)),
        tuple(series),
        second_x=_energy_axis(star),
        marks=marks,
        nothing="No flares have been injected into its light curves yet.",
    )


def _each_light_curve(star: StarFfd, x: np.ndarray) -> Series:
    """A thin line for each light curve, with NaN between them."""
    places: list[float] = []
    shares: list[float] = []
    labels: list[str] = []
    for sector in star.sectors:
        if len(sector.completeness.log_size):
            places += [*x, math.nan]
            shares += [*sector.completeness(x), math.nan]
            labels += [sector.id.part] * (len(x) + 1)
    name = "each light curve"
    return Series(name, places, shares, kind="line", colour="left-out", faint=True, labels=labels)


def _together(star: StarFfd, x: np.ndarray) -> Series:
    share = star.time.at(x) / star.time.searched
    draws = star.time.draws_at(x) / star.time.searched
    if not len(draws):
        return Series("all light curves", x, share, kind="line")
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(draws, [tail, 1 - tail], axis=0)
    edges = {"low": np.minimum(low, share), "high": np.maximum(high, share)}
    return Series("all light curves, 68 %", x, share, kind="band", **edges)


_AXES = {"TIC": "TESS sector", "KIC": "Kepler quarter", "EPIC": "K2 campaign"}


def _sector_axis(star: StarFfd) -> Axis:
    return Axis(
        _AXES[star.sectors[-1].id.catalogue],
        words=tuple(str(sector.sector) for sector in star.sectors),
    )


def _sector_rates(star: StarFfd, rates: Sequence[SectorRate]) -> Chart:
    part = PARTS[star.sectors[-1].id.catalogue]
    value = np.array([rate.rate for rate in rates])
    low, high = np.array([rate.interval for rate in rates]).T
    positions = np.arange(len(rates))
    known = np.isfinite(value)
    series: tuple[Series, ...] = ()
    if math.isfinite(star.lower) and known.any():
        ends = [-0.5, len(rates) - 0.5]
        together = Series(
            f"all {part}s, 68 %",
            ends,
            [star.rate] * 2,
            kind="band",
            low=[star.interval[0]] * 2,
            high=[star.interval[1]] * 2,
        )
        each = Series(
            f"{part}, 68 %",
            positions[known],
            value[known],
            low=low[known],
            high=high[known],
            colour="flare",
        )
        series = (together, each)
    above = f"above {star.lower:.3g} s" if math.isfinite(star.lower) else f"by {part}"
    return Chart(
        "sector-rates",
        f"Flare rate by {part}",
        f"Rate of flares {above}, corrected for completeness.",
        _sector_axis(star),
        Axis("Flare rate", "1/d", covers=(0.0,)),
        series,
        nothing=_no_rate(star),
    )


def _sector_flares(star: StarFfd, rates: Sequence[SectorRate]) -> Chart:
    positions = list(range(len(rates)))
    found = [sector.n_flares for sector in star.sectors]
    counting = [rate.n_flares for rate in rates]
    return Chart(
        "sector-flares",
        f"Flares by {PARTS[star.sectors[-1].id.catalogue]}",
        "Flares that were found, and those of them that count for the rate.",
        _sector_axis(star),
        Axis("Flares", whole=True, covers=(0.0, 1.0)),
        (
            Series("all", positions, found, kind="bars", colour="left-out"),
            Series("that count for the rate", positions, counting, kind="bars", colour="flare"),
        ),
    )


def _sector_energies(star: StarFfd, rates: Sequence[SectorRate]) -> Chart:
    part = PARTS[star.sectors[-1].id.catalogue]
    energy = np.array([rate.flare_energy for rate in rates])
    error = np.array([rate.flare_energy_error for rate in rates])
    known = np.isfinite(energy)
    series = Series(
        part,
        np.arange(len(rates))[known],
        energy[known],
        low=(energy - error)[known],
        high=(energy + error)[known],
        colour="flare",
    )
    return Chart(
        "sector-energies",
        f"Fractional flare energy by {part}",
        "The share of its quiescent light that the star emits in flares, not corrected for "
        "completeness.",
        _sector_axis(star),
        Axis("Fractional flare energy", covers=(0.0,)),
        (series,) if known.any() else (),
        nothing="No light curve of it was searched.",
    )


def _no_rate(star: StarFfd) -> str:
    if star.little_searched:
        return "No rate: too little was searched."
    return "No rate: the searches are never complete enough."


def _no_flares(star: StarFfd) -> str:
    if math.isnan(star.lower):
        return "No flare was found."
    return (
        f"No flare was found: fewer than {star.upper_limit:.3g} a day above "
        f"{star.lower:.3g} s (95 %)."
    )
