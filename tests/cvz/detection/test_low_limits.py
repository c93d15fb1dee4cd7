"""`make bench-detection`: reliabilities against truth in bins, and when they agree."""

import numpy as np
import pytest

from tools.bench.detection.low_limits import Bin, LowLimit


@pytest.mark.parametrize(
    ("n", "reliability", "true", "met"),
    [
        (1000, 0.5, 0.57, True),  # 5 points and two errors of 1.6
        (1000, 0.5, 0.60, False),
        (50, 0.5, 0.9, True),  # too few flares to say
        (150, 0.95, 0.80, False),
        (0, np.nan, np.nan, True),
    ],
)
def test_a_bin_with_enough_flares_is_met_within_five_points_and_chance(n, reliability, true, met):
    assert Bin(n, reliability, true).met is met


def test_flares_are_counted_in_the_bin_of_their_reliability():
    found = LowLimit(
        campaign=np.array(["a", "a", "b", "b"]),
        reliability=np.array([0.1, 0.5, 0.5, 1.0]),
        is_true=np.array([False, True, False, True]),
    )
    assert [one.n for one in found.bins()] == [1, 0, 2, 0, 1]
    assert found.bins()[2].true == 0.5
    assert [one.n for one in found.bins("b")] == [0, 0, 1, 0, 1]
