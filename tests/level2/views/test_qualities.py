"""Histograms of the qualities of the data."""

import pytest

from cvzmpi.level2.metadata_store.rows import read_datasets
from cvzmpi.level2.programs.program import group
from cvzmpi.level2.views.qualities import QUALITIES, qualities, quality_charts
from tests.level2.example_rows import OP, calcium, context, real_rows, row


def programs(*rows):
    return group(dataset for dataset, _ in read_datasets(rows).datasets).values()


def light(value):
    return {"med": value}


def test_a_program_has_the_median_of_its_spectropolarimetric_datasets():
    found = qualities(
        programs(
            row(lightLevel=light(1.0)),
            calcium(lightLevel=light(3.0)),
            row("THIRD", lightLevel=light(7.0)),
            context(lightLevel=light(100.0)),
        )
    )
    assert found["light_level"] == {OP: 3.0}
    assert found["fried_parameter"] == {OP: 0.03}
    assert found["polarimetric_accuracy"] == {}


def test_each_program_is_counted_once_and_its_own_value_marked():
    values = {f"program {n}": 100.0 + n for n in range(50)}
    found = {quality.name: values for quality in QUALITIES}
    chart, *_ = quality_charts(found, "program 7")
    (series,) = chart.series
    assert sum(series.y) == 50
    assert len(series.x) == len(series.y) + 1
    assert [mark.words for mark in chart.marks] == ["median 124.5", "this program 107"]
    assert [len(chart.marks) for chart in quality_charts(found)] == [1, 1, 1]


def test_a_quality_without_values_says_so():
    charts = quality_charts({quality.name: {} for quality in QUALITIES}, OP)
    assert all(chart.empty and "gives no value" in chart.nothing for chart in charts)


def test_what_is_far_from_all_others_is_told_and_not_drawn():
    values = {f"program {n}": 0.05 + n / 1000 for n in range(50)} | {"far": 24.0}
    found = {quality.name: values for quality in QUALITIES}
    _, fried, _ = quality_charts(found)
    assert sum(fried.series[0].y) == 50
    assert max(fried.series[0].x) < 1
    assert "Not drawn: 1 far from the others, from 24 m to 24 m" in fried.caption
    _, own, _ = quality_charts(found, "far")
    assert own.x.covers == (24.0,)


@pytest.mark.parametrize("values", [[1.0], [1.0] * 9, [0.0, 0.0], [-1e308, 1e308, 0.0, 1.0]])
def test_all_values_of_the_store_have_a_bin(values):
    named = {str(n): value for n, value in enumerate(values)}
    charts = quality_charts({quality.name: named for quality in QUALITIES})
    assert all(sum(chart.series[0].y) == len(values) for chart in charts)
    assert all(chart.script() for chart in charts)


@pytest.mark.shared_data
def test_the_real_programs_have_light_levels_and_fried_parameters(shared_data):
    found = qualities(programs(*real_rows(shared_data)))
    assert len(found["light_level"]) > 100
    _, fried, accuracy = quality_charts(found)
    assert max(fried.series[0].x) < 0.5  # a few rows say 5 m and more
    assert accuracy.empty
