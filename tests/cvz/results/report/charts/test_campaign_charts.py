"""The charts of a campaign: what they show of its stars, for one star and for many."""

import math

import numpy as np
import pyarrow as pa
import pytest

from cvzmpi.cvz.results.index.columns import POOLED_LIGHT_CURVES, schema
from cvzmpi.cvz.results.products.tess_band import FlareEnergyScale
from cvzmpi.cvz.results.report.charts.campaign_charts import campaign_charts
from cvzmpi.web.chart import charts_script

ENERGY = 1e33


def star(tic, **facts):
    """A row of the table of stars: a flaring one, of which all is known."""
    return {
        "tic": tic,
        "catalogue": "TIC",
        "page": f"stars/{tic}/index.html",
        "marks": "",
        "n_light_curves": 2,
        "n_done": 2,
        "n_flares": 3,
        "rate": 0.2,
        "rate_low": 0.1,
        "rate_high": 0.4,
        "rate_limit": 0.5,
        "energy_rate": math.nan,
        "energy_rate_low": math.nan,
        "energy_rate_high": math.nan,
        "energy_rate_limit": math.nan,
        "index": 1.8,
        "equivalent_duration_50": 2.0,
        "period": 3.5,
        "temperature": 3500.0,
        "radius": 0.5,
        "tess_magnitude": 10.5,
        "right_ascension": 90.0,
        "declination": -66.5,
        "ffd_duration": [30.0, 10.0, 3.0],
        "ffd_rate": [0.05, 0.1, 0.2],
    } | facts


def quiet_star(tic, **facts):
    quiet = {"n_flares": 0, "rate": 0.0, "rate_low": 0.0, "rate_high": 0.08, "rate_limit": 0.1}
    quiet |= {"index": math.nan, "ffd_duration": [], "ffd_rate": []}
    return star(tic, **(quiet | facts))


def light_curve(tic, **facts):
    known = {"equivalent_duration_50": 2.0, "tess_magnitude": 10.5, "recovered_fraction": 0.5}
    known |= {"n_flares": 2, "n_true": 1.5, "seconds_detect": 1.0, "seconds_inject": 30.0}
    return {"tic": tic, "sector": 1, "marks": ""} | known | facts


def light_curves(*rows):
    return pa.Table.from_pylist(list(rows), schema(POOLED_LIGHT_CURVES))


def drawn(stars, curves, **how):
    charts = campaign_charts(light_curves(*curves), stars, ENERGY, **how)
    assert len({chart.name for chart in charts}) == len(charts)
    charts_script(charts)
    return {chart.name: chart for chart in charts}


def test_one_star_fills_every_chart():
    charts = drawn([star(1)], [light_curve(1)])
    assert [name for name, chart in charts.items() if chart.empty] == []


@pytest.mark.parametrize("n", [0, 1, 300])
def test_stars_of_which_nothing_is_known_leave_charts_that_say_why(n):
    kept = {"tic", "page", "marks", "n_light_curves", "n_done", "n_flares"}
    kept |= {"ffd_duration", "ffd_rate"}
    nothing = dict.fromkeys(star(1).keys() - kept)
    stars = [quiet_star(tic, **nothing) for tic in range(n)]
    empty = {"equivalent_duration_50": None, "tess_magnitude": None, "recovered_fraction": None}
    curves = [
        light_curve(tic, seconds_detect=None, seconds_inject=None, **empty) for tic in range(n)
    ]
    for chart in drawn(stars, curves).values():
        assert chart.empty
        assert chart.nothing.startswith(("No star", "No light curve"))


def test_the_distributions_are_over_the_energies_of_each_star():
    stars = [star(1), star(2, radius=1.0), quiet_star(3)]
    (series,) = drawn(stars, [])["distributions"].series
    for tic, radius in ((1, 0.5), (2, 1.0)):
        rows = [i for i, label in enumerate(series.labels) if label == f"TIC {tic}"]
        power = FlareEnergyScale.of_star(radius, 3500.0).power
        assert np.array(series.x)[rows] == pytest.approx(np.array([30.0, 10.0, 3.0]) * power)
        assert np.array(series.y)[rows].tolist() == [0.05, 0.1, 0.2]
        assert math.isnan(series.y[rows[-1] + 1])  # the line ends
    assert "TIC 3" not in series.labels


def test_of_many_stars_those_with_the_most_flares_have_a_line():
    stars = [star(tic, n_flares=tic) for tic in range(100)]
    chart = drawn(stars, [])["distributions"]
    assert set(chart.series[0].labels) - {""} == {f"TIC {tic}" for tic in range(40, 100)}
    assert "60 stars with the most flares" in chart.caption


def test_a_star_without_a_flare_is_an_upper_limit():
    charts = drawn([star(1), quiet_star(2)], [])
    for name in ("rate-period", "rate-temperature", "rate-magnitude"):
        limit, rate = charts[name].series
        assert (limit.limit, list(limit.y), limit.labels) == ("upper", [0.1], ["TIC 2"])
        assert (list(rate.y), list(rate.low), list(rate.high)) == ([0.2], [0.1], [0.4])
        assert rate.links == ["stars/1/index.html"]


def test_rates_above_one_energy_are_drawn_where_most_stars_have_them():
    common = {"energy_rate": 0.01, "energy_rate_low": 0.005, "energy_rate_high": 0.02}
    few = [star(1, energy_rate_limit=0.03, **common), star(2), star(3)]
    most = [star(tic, energy_rate_limit=0.03, **common) for tic in (1, 2)] + [star(3)]
    assert list(drawn(few, [])["rate-period"].series[0].y) == [0.2] * 3
    chart = drawn(most, [])["rate-period"]
    assert list(chart.series[0].y) == [0.01] * 2
    assert chart.caption.startswith("Flares of at least 10³³ erg a day")


def test_the_diagram_has_the_luminosity_of_a_blackbody_and_the_sun_at_one():
    sun = star(1, radius=1.0, temperature=5772.0)
    chart = drawn([sun, quiet_star(2, radius=2.0, temperature=5772.0)], [])["hertzsprung-russell"]
    quiet, flaring = chart.series
    assert (list(flaring.y), list(flaring.value)) == ([1.0], [0.2])
    assert list(quiet.y) == [4.0]
    assert chart.x.reversed


def test_shares_over_the_magnitude_are_those_of_each_bin():
    curves = [light_curve(1, recovered_fraction=share) for share in (0.2, 0.5, 0.9)]
    curves += [light_curve(2, tess_magnitude=12.5, n_flares=4, n_true=1.0)]
    completeness, reliability = drawn([], curves)["completeness-reliability"].series
    assert list(completeness.y) == [0.5, 0.5]
    assert list(reliability.y) == [0.75, 0.25]
    assert reliability.x == pytest.approx([10.5, 12.5], abs=0.1)  # the middles of the bins


def test_every_light_curve_is_in_a_bin_of_the_histograms():
    rng = np.random.default_rng(1)
    limits = rng.lognormal(1, 0.5, 500)
    charts = drawn([], [light_curve(1, equivalent_duration_50=limit) for limit in limits])
    assert sum(charts["completeness-limits"].series[0].y) == 500
    assert sum(charts["cost-by-light-curve"].series[0].y) == 500


def test_one_value_is_in_the_middle_of_its_bar():
    (bars,) = drawn([], [light_curve(1)])["completeness-limits"].series
    (number,) = np.flatnonzero(bars.y)
    assert np.sqrt(bars.x[number] * bars.x[number + 1]) == pytest.approx(2.0)


def test_the_cost_is_the_sum_of_each_stage_in_a_fitting_unit():
    charts = drawn([], [light_curve(1), light_curve(2)])
    chart = charts["cost-by-stage"]
    assert (chart.x.words, chart.y.unit) == (("detect", "inject"), "core-minutes")
    assert list(chart.series[0].y) == pytest.approx([2 / 60, 1.0])


def test_marked_stars_are_in_the_charts_of_positions_and_cost_only():
    stars = [star(1), star(2, marks="crowded")]
    curves = [light_curve(1), light_curve(2, marks="crowded", tess_magnitude=5.5)]
    charts = drawn(stars, curves)
    assert len(charts["rate-period"].series[0].x) == 1
    assert len(charts["completeness-reliability"].series[0].x) == 1
    assert len(charts["sky-south"].series[-1].x) == 2
    assert sum(charts["cost-by-light-curve"].series[0].y) == 2
    assert len(drawn(stars, curves, include_marked=True)["rate-period"].series[0].x) == 2
