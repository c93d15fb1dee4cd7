"""The choice of searches: its flares, cadences and recoveries are all of the same searches."""

import numpy as np
import pytest

from cvzmpi.cvz.configuration import load
from cvzmpi.cvz.detection.search import Search

FOUND_BY = np.array([1, 2, 3], "i1")
FLARES = {
    "found_by": FOUND_BY,
    "start": np.array([10, 20, 40], "i4"),
    "stop": np.array([12, 24, 40], "i4"),
}
EXPECTED = {
    "stella": [True, False, True],
    "significance": [False, True, True],
    "either": [True, True, True],
    "both": [False, False, True],
}


@pytest.mark.parametrize("name", EXPECTED)
def test_the_flares_of_a_search_are_those_that_it_found(name):
    search = Search(load(None, [f"detect.search={name}"]).detect.search)
    assert search.flares(FOUND_BY).tolist() == EXPECTED[name]
    rows = {"stella": [10, 11, 12, 40], "significance": [20, 21, 22, 23, 24, 40], "both": [40]}
    rows["either"] = sorted({*rows["stella"], *rows["significance"]})
    assert np.flatnonzero(search.mask(FLARES, 50)).tolist() == rows[name]


@pytest.mark.parametrize("name", EXPECTED)
def test_where_it_looked_and_what_it_recovered_is_of_the_same_searches(name):
    """Three cadences, or repeats, with the answers of stella and of significance in turn."""
    probability, significance = np.array([0.1, np.nan, 0.9]), np.array([np.nan, -1.0, 7.0])
    assert Search(name).cadences(probability, significance).tolist() == EXPECTED[name]
    stella, other = np.array([True, False, True]), np.array([False, True, True])
    assert Search(name).recovered(stella, other).tolist() == EXPECTED[name]


@pytest.mark.parametrize(
    ("name", "is_stella"),
    [("stella", True), ("either", True), ("significance", False), ("both", False)],
)
def test_a_search_that_was_not_made_looked_nowhere_and_recovered_nothing(name, is_stella):
    probability = np.array([0.1, np.nan])
    assert Search(name).cadences(probability, None).tolist() == [is_stella, False]
    assert Search(name).recovered(np.array([[True, False]]), None).tolist() == [[is_stella, False]]
