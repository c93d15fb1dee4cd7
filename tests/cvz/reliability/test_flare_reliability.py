"""What rates take from reliabilities, and which events a choice of searches counts."""

import numpy as np
import pytest

from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.reliability.flare_reliability import FlareReliability, Origin
from cvzmpi.cvz.reliability.statistic import BOTH, SIGNIFICANCE, STELLA, counted_families


@pytest.mark.parametrize(
    ("search", "families"),
    [
        ("stella", (STELLA, BOTH)),
        ("significance", (SIGNIFICANCE, BOTH)),
        ("either", (STELLA, SIGNIFICANCE, BOTH)),
        ("both", (BOTH,)),
    ],
)
def test_a_search_counts_the_events_that_it_found(search, families):
    assert counted_families(Search(search)) == families


def test_flares_without_a_reliability_are_certain():
    known = FlareReliability.alone(np.array([0.5, np.nan], np.float32))
    assert known.origin is Origin.CERTAIN
    assert known.reliability.tolist() == [1, 1]
    assert known.background.tolist() == [0, 0]
    assert known.background_error == 0


def test_a_light_curve_alone_gives_the_backgrounds_of_its_own_number_of_flares():
    known = FlareReliability.alone(np.array([0.5, 1.0, 0.0], np.float32))
    assert known.origin is Origin.ALONE
    assert known.background.tolist() == [1.5, 0, np.inf]  # r = A / (A + background), A = 1.5


@pytest.mark.parametrize(("n", "low", "high"), [(0, 0.99, 1), (4, 0.25, 0.5), (400, 0.02, 0.06)])
def test_the_more_false_flares_the_better_is_their_number_known(n, low, high):
    error = FlareReliability.alone(np.full(n, 0.5)).background_error
    assert low <= error <= high
