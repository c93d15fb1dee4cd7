"""Estimates: their intervals, and how they are said."""

import pytest
from scipy.stats import chi2

from cvzmpi.estimates import Estimate, duration, poisson_interval, rate, time_left


@pytest.mark.parametrize("n", [0, 1, 2, 5, 13, 100, 20_000])
def test_poisson_intervals_are_near_the_exact_ones(n):
    low, high = poisson_interval(n)
    assert high == pytest.approx(chi2.ppf(0.975, 2 * n + 2) / 2, rel=0.015)
    if n >= 5:
        assert low == pytest.approx(chi2.ppf(0.025, 2 * n) / 2, rel=0.03)
    assert 0 <= low <= n <= high


@pytest.mark.parametrize(("n", "seconds"), [(0, 1000), (4, 1000), (1000, 9)])
def test_no_rate_comes_of_too_little(n, seconds):
    assert rate(n, seconds) is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        *((0, "0 s"), (41.4, "41 s"), (89, "89 s"), (90, "2 min"), (720, "12 min")),
        *((5369, "89 min"), (5370, "1 h 30 min"), (7230, "2 h 00 min"), (400_000, "4 d 15 h")),
    ],
)
def test_durations_are_said_as_a_person_would(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (1200, 4200, "20 to 70 min left"),
        (40, 180, "40 s to 3 min left"),
        (5000, 9000, "83 min to 2 h 30 min left"),
        (4000, 4010, "about 67 min left"),
    ],
)
def test_a_time_left_is_a_range(low, high, text):
    assert time_left(Estimate((low + high) / 2, low, high)) == text
