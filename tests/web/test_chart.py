"""The description of a chart: what is checked, and what the script hands over."""

import base64
import json
import math
import re
import zlib

import numpy as np
import pytest

from cvzmpi.web.assets import ASSETS
from cvzmpi.web.chart import (
    SCRIPTS,
    STYLES,
    Axis,
    Chart,
    Fact,
    Mark,
    SecondAxis,
    Series,
    charts_script,
)

X, Y = Axis("Equivalent duration", "s", log=True), Axis("Rate", "1/d")


def chart(*series, name="chart", **more):
    return Chart(name, "Title", "What it shows.", X, Y, series, **more)


def described(script):
    """The charts of a script by name, and its arrays by key."""
    charts = re.findall(r'^cvzmpi\.chart\("([\w-]+)", (.*)\);$', script, re.M)
    arrays = re.findall(r'^cvzmpi\.array\("(\w+)", "(.*)"\);$', script, re.M)
    unpacked = {key: zlib.decompress(base64.b64decode(text), -15) for key, text in arrays}
    return {name: json.loads(content) for name, content in charts}, unpacked


def test_numbers_are_handed_over_with_ten_digits_and_what_is_none_as_null():
    one = Series("s", [1.0, np.float32(2.5), 1 / 3], [math.nan, None, math.inf])
    (series,) = described(chart(one).script())[0]["chart"]["series"]
    assert series["x"] == [1.0, 2.5, 0.3333333333]
    assert series["y"] == [None, None, None]


def test_long_arrays_are_packed_and_written_once_for_all_charts():
    x = np.random.default_rng(1).normal(size=1000)
    labels = [f"TIC {number} <é>" for number in range(1000)]
    charts = [chart(Series("s", x, x, labels=labels), name=name) for name in ("a", "b")]
    script = charts_script(charts)
    found, arrays = described(script)
    assert len(arrays) == 2
    for name in ("a", "b"):
        (series,) = found[name]["series"]
        numbers = arrays[series["x"]["numbers"]]
        assert np.array_equal(np.frombuffer(numbers, "<f4"), x.astype(np.float32))
        assert series["y"] == series["x"]
        assert arrays[series["labels"]["strings"]].decode().split("\n") == labels
    assert script.isascii()


def test_times_keep_all_their_digits():
    times = [2459000.0 + number / 720 for number in range(1000)]
    exact = Fact("peak", times, "BTJD d", exact=True)
    found, arrays = described(chart(Series("s", times, times, facts=(exact,))).script())
    (fact,) = found["chart"]["series"][0]["facts"]
    assert fact["exact"]
    assert np.frombuffer(arrays[fact["values"]["numbers"]], "<f8").tolist() == times


def test_no_text_can_end_the_script_that_it_is_in():
    script = chart(Series("</script><b>", [1], [1], labels=["</script>"])).script()
    assert "<" not in script
    assert described(script)[0]["chart"]["series"][0]["name"] == "</script><b>"


@pytest.mark.parametrize(
    "series",
    [
        {"x": [1, 2], "y": [1]},
        {"x": [1], "y": [1], "low": [1]},
        {"x": [1], "y": [1], "low": [1], "high": [1, 2]},
        {"x": [1], "y": [1], "labels": ["a", "b"]},
        {"x": [1], "y": [1], "value": [1]},
        {"x": [1], "y": [1], "facts": (Fact("sector", [1, 2]),)},
        {"x": [1, 2], "y": [1], "kind": "line"},
        {"x": [1, 2], "kind": "band"},
    ],
)
def test_a_series_whose_columns_do_not_fit_is_refused(series):
    with pytest.raises(ValueError, match="series 's'"):
        Series("s", **series)


def test_bars_have_positions_or_edges_and_a_band_needs_no_line():
    Series("s", [1, 2], [1, 1], kind="bars")
    Series("s", [1, 2, 3], [1, 1], kind="steps")
    Series("s", [1, 2], kind="band", low=[0, 0], high=[1, 1])


def test_a_chart_needs_a_name_that_an_element_and_a_file_can_have():
    with pytest.raises(ValueError, match="no name for a chart"):
        chart(name="a b")


def test_a_chart_without_a_point_says_why():
    for series in ((), (Series("s", [-1, 0, math.nan], [1, 1, 1]),)):  # the x axis is logarithmic
        empty = chart(*series, nothing="No star flares.")
        assert empty.empty
        assert described(empty.script())[0]["chart"]["nothing"] == "No star flares."
    full = chart(Series("s", [1], [1]), nothing="No star flares.")
    assert described(full.script())[0]["chart"]["nothing"] == ""


def test_an_open_end_of_a_mark_is_null():
    marks = (Mark(-math.inf, "less complete", until=2.0), Mark(3.0, "median"))
    content = described(chart(marks=marks, second_x=SecondAxis("Energy", "erg", 3e31)).script())[0]
    stretch, line = content["chart"]["marks"]
    assert stretch == {"axis": "x", "words": "less complete", "value": None, "until": 2.0}
    assert line == {"axis": "x", "words": "median", "value": 3.0}
    assert content["chart"]["second"] == {"title": "Energy", "unit": "erg", "factor": 3e31}


def test_every_file_that_a_page_loads_is_there():
    for file in (*SCRIPTS, *STYLES):
        assert (ASSETS / file).is_file(), file
