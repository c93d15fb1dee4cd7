"""The charts of a star and of a light curve: the numbers of the products, and nothing else."""

import math

import numpy as np
import pytest

from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.results.products.ffd import StarFfd, cumulative_ffd
from cvzmpi.cvz.results.products.searched_file import SearchedFile
from cvzmpi.cvz.results.products.searched_sector import SearchedSector
from cvzmpi.cvz.results.products.tess_band import FlareEnergyScale
from cvzmpi.cvz.results.report.charts.light_curve_charts import light_curve_charts
from cvzmpi.cvz.results.report.charts.star_charts import star_charts
from cvzmpi.web.chart import charts_script
from tests.cvz.results.example_unit import write_unit


def star(tmp_path, *flares, **how):
    """A star with a light curve for each set of flares, of as many sectors."""
    paths = [
        write_unit(tmp_path, 1001, sector, flares=some, **how)
        for sector, some in enumerate(flares, 1)
    ]
    return StarFfd.of([SearchedSector.read(path) for path in paths])


def charts_of(ffd):
    charts = star_charts(ffd)
    charts_script(charts)
    return {chart.name: chart for chart in charts}


def test_the_distribution_has_each_flare_raw_and_corrected(tmp_path):
    one = star(tmp_path, (400, 1900))
    points = cumulative_ffd(one)
    found, corrected, *_ = charts_of(one)["distribution"].series
    assert np.array_equal(found.x, points["ed"])
    assert np.array_equal(found.y, points["raw_rate"])
    known = np.isfinite(points["rate"])
    assert np.array_equal(corrected.y, points["rate"][known])
    assert np.array_equal(corrected.low, points["rate_low"][known])
    assert np.array_equal(corrected.high, points["rate_high"][known])


def test_the_second_axis_has_the_energies_of_the_star(tmp_path):
    one = star(tmp_path, (400, 1900))
    scale = FlareEnergyScale.of_star(one.facts["radius"], one.facts["temperature"])
    axis = charts_of(one)["distribution"].second_x
    assert (axis is None) == math.isnan(scale.power)
    if axis is not None:
        assert axis.factor == scale.power


def test_a_star_without_flares_has_its_upper_limit_in_words(tmp_path):
    quiet = star(tmp_path, ())
    chart = charts_of(quiet)["distribution"]
    assert chart.empty
    assert f"fewer than {quiet.upper_limit:.3g} a day" in chart.nothing


def test_sectors_have_charts_where_there_is_more_than_one(tmp_path):
    two = star(tmp_path, (400, 1900), ())
    charts = charts_of(two)
    rates = two.sector_rates()
    assert charts["sector-rates"].x.words == ("1", "2")
    together, each = charts["sector-rates"].series
    assert list(together.y) == [two.rate] * 2
    assert np.array_equal(each.y, [rate.rate for rate in rates])
    found, counting = charts["sector-flares"].series
    assert list(found.y) == [sector.n_flares for sector in two.sectors]
    assert list(counting.y) == [rate.n_flares for rate in rates]
    energies = charts["sector-energies"].series[0]
    assert np.array_equal(energies.y, [rate.flare_energy for rate in rates])
    assert charts_of(star(tmp_path, (400, 1900))).keys() == {"distribution", "completeness"}


def test_the_completeness_is_that_of_all_searches_and_of_each(tmp_path):
    two = star(tmp_path, (400, 1900), ())
    each, together = charts_of(two)["completeness"].series
    assert np.allclose(together.y, two.time.at(together.x) / two.time.searched)
    assert np.all(np.array(together.low) <= together.y)
    assert np.all(together.y <= np.array(together.high))
    assert np.isnan(each.y).sum() == 2  # a line for each, that ends
    first = slice(0, list(np.isnan(each.y)).index(True))
    assert np.allclose(each.y[first], two.sectors[0].completeness(np.array(each.x[first])))


def test_a_light_curve_has_its_completeness_by_duration_and_amplitude(tmp_path):
    recovery = SearchedFile.read(write_unit(tmp_path, 1001, 1)).recovery
    for chart in light_curve_charts(recovery, LightCurveId(1, 1)):
        curve, bins = chart.series
        assert np.all(np.diff(curve.y) >= 0)
        assert 0 <= min(bins.y) <= max(bins.y) <= 1
        assert max(curve.x) >= max(bins.x)
    duration, amplitude = light_curve_charts(recovery, LightCurveId(1, 1))
    assert max(duration.series[0].x) == pytest.approx(recovery.equivalent_duration.max())
    assert max(amplitude.series[0].x) == pytest.approx(100 * recovery.amplitude.max())
    assert all(chart.empty for chart in light_curve_charts(None, LightCurveId(1, 1)))
