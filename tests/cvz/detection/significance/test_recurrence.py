"""Events that recur with a period are told from those that do not."""

import numpy as np
import pytest

from cvzmpi.cvz.detection.significance.recurrence import (
    _observed_cycles,
    recurrences,
    recurring,
    strongest_near,
)

OBSERVED = np.concatenate([np.arange(0, 13, 1 / 720), np.arange(14, 27, 1 / 720)])


def test_events_of_one_period_recur_and_others_do_not():
    periodic = np.arange(0.4, 27, 3.1)
    periodic = periodic[(periodic < 13) | (periodic > 14)]
    others = np.array([2.2, 9.05, 20.7])
    time = np.concatenate([periodic, others])
    recurs = recurring(time, np.full(len(time), 8.0), OBSERVED)
    assert recurs.tolist() == [True] * len(periodic) + [False] * len(others)


def test_three_do_not_make_a_period_and_five_do():
    for n, expected in ((3, False), (5, True)):
        time = 1.0 + 4.9 * np.arange(n)
        assert recurring(time, np.full(n, 8.0), OBSERVED).all() == expected


def test_those_of_another_strength_are_not_of_their_kind():
    time = np.append(1.0 + 3.3 * np.arange(7), 1.0 + 3.3 * 7)
    strength = np.append(np.full(7, 8.0), 30.0)
    recurs = recurring(time, strength, np.arange(0, 27, 1 / 720))
    assert recurs.tolist() == [True] * 7 + [False]


def test_in_less_than_half_of_the_cycles_they_do_not_recur():
    time = 0.5 + 1.3 * np.array([0, 1, 5, 11, 18])
    assert not recurring(time, np.full(5, 8.0), OBSERVED).any()


@pytest.mark.parametrize("n", [0, 1, 4, 12, 30])
def test_events_at_random_seldom_recur(n):
    rng = np.random.default_rng(n)
    draws = [recurring(rng.choice(OBSERVED, n), np.full(n, 8.0), OBSERVED) for _ in range(15)]
    assert sum(recurs.any() for recurs in draws) <= 1


def test_parts_of_one_event_are_grouped_by_the_strongest():
    time = np.array([1.0, 1.05, 1.2, 5.0])
    assert strongest_near(time, np.array([5, 9, 6, 7])).tolist() == [1, 1, 2, 3]
    # and count once: four parts of two events are no period
    time = np.array([1.0, 1.01, 4.0, 4.01])
    assert not recurring(time, np.full(4, 8.0), OBSERVED).any()


def test_the_other_cycles_are_those_without_an_event():
    time = 0.4 + 3.1 * np.array([0, 1, 3, 6, 8])
    found, _ = recurrences(time, np.full(5, 8.0), OBSERVED)
    assert len(found) == 1
    assert found[0].period == pytest.approx(3.1)
    expected = 0.4 + 3.1 * np.array([2, 4, 5, 7])
    np.testing.assert_allclose(found[0].other_cycles(OBSERVED), expected)


def test_the_cycles_that_were_observed_are_those_with_a_cadence_near():
    periods = np.random.default_rng(1).uniform(0.25, 30, 200)
    start = 3.3
    observed = []
    for period in periods:
        epochs = start + period * np.arange(-200, 200)
        epochs = epochs[(epochs >= OBSERVED[0]) & (epochs <= OBSERVED[-1])]
        observed.append(sum(np.min(np.abs(OBSERVED - epoch)) < 0.02 for epoch in epochs))
    assert _observed_cycles(start, periods, OBSERVED).tolist() == observed
    assert len(_observed_cycles(start, periods[:0], OBSERVED)) == 0
