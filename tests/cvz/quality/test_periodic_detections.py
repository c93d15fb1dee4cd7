"""Detections that recur with a period are told from flares, which do not."""

import numpy as np
import pytest

from cvzmpi.cvz.quality.periodic_detections import recurrence
from cvzmpi.cvz.quality.quality_marks import MAX_CHANCE, MIN_RESULTANT

SPAN = 25.0


def recurs(times):
    found = recurrence(np.asarray(times))
    return found is not None and found.resultant >= MIN_RESULTANT and found.chance <= MAX_CHANCE


@pytest.mark.parametrize("period", [0.08, 0.187, 0.5, 1.48, 2.3])
def test_one_detection_in_each_period_is_found_with_its_period(period):
    rng = np.random.default_rng(1)
    times = 1500 + np.arange(0, SPAN, period)
    times += 0.03 * period * rng.standard_normal(len(times))
    assert recurs(rng.permutation(times))
    multiple = period / recurrence(times).period
    assert multiple == pytest.approx(round(multiple), abs=0.03)


def test_both_shoulders_of_most_eclipses_are_found():
    rng = np.random.default_rng(2)
    eclipses = np.arange(0, SPAN, 1.4826)
    times = np.concatenate([eclipses - 0.08, eclipses + 0.08])[rng.random(2 * len(eclipses)) < 0.8]
    assert recurs(times + 0.005 * rng.standard_normal(len(times)))


def test_random_times_show_a_period_as_rarely_as_is_said():
    """1,000 stars with 3 to 120 flares each, and a gap in the middle as real light curves have."""
    rng = np.random.default_rng(3)
    chances = []
    for _ in range(1000):
        times = rng.uniform(0, SPAN, rng.integers(3, 120))
        found = recurrence(times[np.abs(times - SPAN / 2) > 1])
        chances += [] if found is None else [found.chance]
    chances = np.array(chances)
    for level in (0.1, 0.01, MAX_CHANCE):
        assert np.mean(chances < level) < 1.2 * level + 0.002


def test_flares_that_prefer_one_side_of_a_rotating_star_do_not_recur():
    rng = np.random.default_rng(4)
    for period in (0.3, 0.9, 2.4):
        for _ in range(20):
            phase = rng.vonmises(0, 1.0, 80) / (2 * np.pi)  # e^2 = 7 times as often in front
            times = (rng.integers(0, int(SPAN / period), 80) + phase) * period
            assert not recurs(times)


def test_flares_in_quick_succession_are_one_event():
    rng = np.random.default_rng(5)
    outbursts = rng.uniform(0, SPAN, 6)
    together = np.concatenate([outbursts + minutes / 1440 for minutes in range(0, 55, 5)])
    assert recurrence(together).n == 6
    assert not recurs(together)


@pytest.mark.parametrize("times", [[], [1.0], [1.0, np.nan, 2.0], [1.0] * 50, [1.0, 1.1, 1.2, 9.0]])
def test_too_few_detections_say_nothing(times):
    assert recurrence(np.array(times)) is None
