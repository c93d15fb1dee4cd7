"""The mask rule against the same rule spelled out, on thousands of random probability curves."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from cvzmpi.cvz.detection.flare_mask import MaskRule, covered, flare_mask, in_runs, widened

DEFAULT = MaskRule(threshold=0.5, min_cadences=3, merge_gap=20)


def plain_flares(probability, rule):
    """The rule, word for word."""
    runs = []
    start = None
    for i, p in enumerate([*probability, 0.0]):
        if p > rule.threshold and start is None:
            start = i
        elif not p > rule.threshold and start is not None:
            if i - start >= rule.min_cadences:
                runs.append([start, i - 1])
            start = None
    flares = runs[:1]
    for run in runs[1:]:
        cadences_between = run[0] - flares[-1][1] - 1
        if cadences_between < rule.merge_gap:
            flares[-1][1] = run[1]
        else:
            flares.append(run)
    return flares


def plain_covered(probability, rule, peak, tolerance):
    return any(
        first - tolerance <= peak <= last + tolerance
        for first, last in plain_flares(probability, rule)
    )


def random_rule(rng):
    return MaskRule(
        threshold=rng.choice([0.1, 0.5, 0.93]),
        min_cadences=int(rng.integers(1, 6)),
        merge_gap=int(rng.integers(1, 15)),
    )


def random_probability(rng, n):
    """Runs and gaps of all lengths around those that matter, values around the threshold, NaN."""
    lengths = rng.integers(1, rng.integers(3, 18), n)
    levels = rng.choice([0.0, 0.1, 0.3, 0.5, 0.7, 0.93, 0.95, 1.0, np.nan], n)
    return np.repeat(levels, lengths)[:n]


def runs(*bounds, n=200):
    """A probability curve that is high from first to last of each pair."""
    probability = np.full(n, 0.01, np.float32)
    for first, last in bounds:
        probability[first : last + 1] = 0.9
    return probability


def test_flares_are_those_of_the_rule_spelled_out():
    rng = np.random.default_rng(1)
    n_flares = []
    for _ in range(2000):
        rule = random_rule(rng)
        probability = random_probability(rng, int(rng.integers(0, 150)))
        expected = plain_flares(probability, rule)
        got = rule.flares(probability)
        assert got.shape == (len(expected), 2)
        assert got.tolist() == expected
        n_flares.append(len(expected))
    assert set(range(6)) <= set(n_flares)  # none, one, and many


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ([], []),
        ([(50, 52)], [[50, 52]]),
        ([(50, 51)], []),  # one cadence short
        ([(0, 2)], [[0, 2]]),
        ([(197, 199)], [[197, 199]]),
        ([(0, 199)], [[0, 199]]),
        ([(10, 12), (32, 34)], [[10, 34]]),  # 19 cadences between
        ([(10, 12), (33, 35)], [[10, 12], [33, 35]]),  # 20
        ([(10, 12), (30, 32), (50, 52)], [[10, 52]]),  # a chain
        ([(10, 12), (20, 21), (33, 35)], [[10, 12], [33, 35]]),  # too short to be a bridge
    ],
)
def test_default_rule_on_known_runs(bounds, expected):
    assert DEFAULT.flares(runs(*bounds)).tolist() == expected


def test_a_cadence_at_the_threshold_is_not_flaring():
    assert DEFAULT.flaring(np.array([0.5, np.nextafter(0.5, 1), 0.4])).tolist() == [
        False,
        True,
        False,
    ]


def test_cadences_that_are_not_evaluated_never_flare():
    assert DEFAULT.flares(np.full(50, np.nan)).tolist() == []
    probability = runs((50, 60))
    probability[52] = np.nan  # leaves a run of two, which is none, and one of eight
    assert DEFAULT.flares(probability).tolist() == [[53, 60]]


def test_a_flare_may_end_at_the_last_evaluated_cadence():
    probability = runs((90, 99))
    probability[:20] = probability[100:] = np.nan
    assert DEFAULT.flares(probability).tolist() == [[90, 99]]


def test_the_mask_is_true_from_first_to_last():
    mask = flare_mask(np.array([[0, 2], [5, 5], [8, 9]]), 10)
    assert mask.dtype == bool
    assert np.flatnonzero(mask).tolist() == [0, 1, 2, 5, 8, 9]
    assert not flare_mask(np.empty((0, 2), int), 10).any()


def test_in_runs_keeps_the_runs_that_are_long_enough():
    rng = np.random.default_rng(2)
    for _ in range(300):
        rule = random_rule(rng)
        flaring = rng.random((4, int(rng.integers(1, 40)))) < 0.6
        expected = np.zeros_like(flaring)
        no_merging = MaskRule(0.5, rule.min_cadences, 1)
        for row, result in zip(flaring, expected, strict=True):
            for first, last in plain_flares(row.astype(float), no_merging):
                result[first : last + 1] = True
        np.testing.assert_array_equal(in_runs(flaring, rule.min_cadences), expected)


def test_what_is_within_reach_decides_whether_a_flare_covers_a_peak():
    """Of the curve around the peak, no more than `reach` cadences on either side are looked at."""
    rng = np.random.default_rng(3)
    n, answers = 160, []
    for _ in range(4000):
        rule = random_rule(rng)
        tolerance = int(rng.integers(0, 6))
        probability = random_probability(rng, n)
        reach = rule.reach(tolerance)
        peak = int(rng.integers(reach, n - reach))
        around = rule.flaring(probability[peak - reach : peak + reach + 1])[None]
        (got,) = covered(in_runs(around, rule.min_cadences), reach, tolerance, rule.merge_gap)
        assert got == plain_covered(probability, rule, peak, tolerance)
        answers.append(got)
    assert 0.2 < np.mean(answers) < 0.8


def test_all_patterns_around_a_peak_are_decided_by_the_rule():
    """No chance: every curve of 13 cadences, as a batch."""
    n, peak = 13, 6
    flaring = (np.arange(2**n)[:, None] >> np.arange(n)) % 2 == 1
    for min_cadences, merge_gap, tolerance in [(1, 1, 0), (2, 4, 1), (3, 4, 0), (1, 5, 2)]:
        rule = MaskRule(0.5, min_cadences, merge_gap)
        assert rule.reach(tolerance) <= peak
        got = covered(in_runs(flaring, min_cadences), peak, tolerance, merge_gap)
        expected = [plain_covered(row, rule, peak, tolerance) for row in flaring.astype(float)]
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ([(100, 103)], True),
        ([(97, 99)], True),
        ([(94, 97)], True),  # ends three cadences before the peak, the tolerance
        ([(93, 96)], False),
        ([(103, 105)], True),
        ([(104, 106)], False),
        ([(88, 90), (110, 112)], True),  # merged over the peak: 19 cadences between
        ([(88, 90), (111, 113)], False),
        ([(88, 90), (110, 111)], False),  # the second is no run
    ],
)
def test_default_rule_covers_a_peak_at_100(bounds, expected):
    probability = runs(*bounds)
    assert plain_covered(probability, DEFAULT, 100, 3) == expected
    in_run = in_runs(DEFAULT.flaring(probability)[None], DEFAULT.min_cadences)
    assert covered(in_run, 100, 3, DEFAULT.merge_gap).tolist() == [expected]


@pytest.mark.parametrize("step", [1, 4])
def test_the_cadences_around_a_peak_are_all_that_decide(step):
    """As far as the rule reaches on both sides of the peak, and the core where a run is near."""
    for min_cadences, merge_gap, tolerance in product([1, 3, 20], [1, 2, 19, 20, 100], range(8)):
        rule = MaskRule(0.5, min_cadences, merge_gap)
        around = rule.around_peak(tolerance, step)
        reach = rule.reach(tolerance)
        assert around.first == -around.peak <= -reach
        assert around.first + around.length - 1 >= reach
        beside = tolerance + min_cadences - 1
        left, core, right = around.left_core_right
        assert around.first + core.start <= -beside
        assert around.first + core.stop - 1 >= beside
        assert (left.start, left.stop, right.start) == (0, core.start, core.stop)
        assert right.stop == around.length < 2 * reach + 1 + 4 * step  # and hardly more
        assert all(edge % step == 0 for edge in (core.start, core.stop, right.stop))


@pytest.mark.parametrize(("before", "after"), [(0, 0), (0, 20), (3, 3), (5, 1)])
def test_what_lies_around_flares_is_counted_in_usable_rows(before, after):
    """Flares begin and end at usable rows, and there may be unusable ones in and beside them."""
    rng = np.random.default_rng(2)
    for _ in range(50):
        usable = rng.random(120) < 0.8
        rows = np.flatnonzero(usable)
        flares = np.sort(rng.choice(rows, (3, 2)), axis=1)
        expected = flare_mask(flares, 120)
        place = {row: number for number, row in enumerate(rows.tolist())}
        for row in rows.tolist():
            for first, last in flares.tolist():
                expected[row] |= place[first] - before <= place[row] <= place[last] + after
        mask = flare_mask(flares, 120)
        assert np.array_equal(widened(mask, usable, before, after), expected)
        assert np.array_equal(mask, flare_mask(flares, 120)), "it stays as it was"


@pytest.mark.parametrize("step", [1, 4])
def test_a_run_over_the_middle_covers_the_peak_and_broken_runs_near_it_do_not(step):
    """What the injections ask first, for all kinds of rules."""
    for min_cadences in (1, 2, 3, 4, 20):
        for merge_gap in (1, 2, 7, 20, 100):
            for tolerance in (0, 3, 20):
                rule = MaskRule(0.5, min_cadences, merge_gap)
                around = rule.around_peak(tolerance, step)

                def is_covered(flaring, rule=rule, around=around, tolerance=tolerance):
                    runs = in_runs(flaring[None], rule.min_cadences)
                    return covered(runs, around.peak, tolerance, rule.merge_gap)[0]

                for stretch in (around.middle, around.near):
                    assert 0 <= stretch.start < stretch.stop <= around.length
                    assert stretch.start % step == 0
                assert around.near.stop % step == 0
                above = np.zeros(around.length, bool)
                above[around.middle] = True
                assert is_covered(above)
                broken = np.ones(around.length, bool)
                broken[around.near.start : around.near.stop : 2 if min_cadences > 1 else 1] = False
                assert not is_covered(broken)


def test_three_cadences_that_hold_the_peak_are_asked_first_and_otherwise_whole_steps():
    for tolerance, min_cadences, length in ((3, 3, 3), (1, 3, 4), (3, 2, 4), (3, 5, 8)):
        around = MaskRule(0.5, min_cadences, 20).around_peak(tolerance, step=4)
        assert around.middle.stop - around.middle.start == length
    assert MaskRule(0.5, 3, 20).around_peak(3, step=4).middle == slice(20, 23)
