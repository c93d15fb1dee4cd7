"""Segments, and which cadences the detector can look at, against the rule spelled out."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from cvzmpi.cvz.light_curves.observation import Window, evaluated_cadences, segments

EXPOSURE = 120 / 86400
MAX_GAP = 30
WINDOW = Window(before=100, after=100)


def times(*lengths, missing):
    """A curve of stretches without any gap, and so many missing cadences between them."""
    missing = np.broadcast_to(missing, len(lengths) - 1)
    starts = np.cumsum([0, *(n + m for n, m in zip(lengths, missing, strict=False))])
    index = np.concatenate([s + np.arange(n) for s, n in zip(starts, lengths, strict=True)])
    return 1325.3 + EXPOSURE * index


def plain_evaluated(time, max_gap):
    """The 200 cadences from i - 100 on exist, and nowhere among them are too many missing."""
    evaluated = np.zeros(len(time), bool)
    for i in range(len(time)):
        if i - 100 >= 0 and i + 100 <= len(time):
            steps = np.diff(time[i - 100 : i + 100])
            evaluated[i] = np.max(np.rint(steps / EXPOSURE)) - 1 <= max_gap
    return evaluated


def bounds(time, max_gap=MAX_GAP):
    return [(s.start, s.stop) for s in segments(time, EXPOSURE, max_gap)]


def test_a_curve_without_gaps_is_one_segment():
    """Where stella's own rule breaks."""
    time = times(500, missing=0)
    assert bounds(time) == [(0, 500)]
    evaluated = evaluated_cadences(time, EXPOSURE, MAX_GAP, WINDOW)
    assert np.flatnonzero(evaluated).tolist() == list(range(100, 401))


def test_a_gap_of_max_gap_is_bridged_and_one_more_is_not():
    assert bounds(times(300, 400, missing=MAX_GAP)) == [(0, 700)]
    assert bounds(times(300, 400, missing=MAX_GAP + 1)) == [(0, 300), (300, 700)]


def test_a_small_gap_is_seen_beside_a_large_one():
    """Which stella's rule misses, as it depends on the scatter of the time steps."""
    time = times(300, 300, 300, missing=[MAX_GAP + 1, 3000])
    assert bounds(time) == [(0, 300), (300, 600), (600, 900)]


@pytest.mark.parametrize(("length", "n_evaluated"), [(0, 0), (1, 0), (199, 0), (200, 1), (201, 2)])
def test_segments_need_200_cadences_for_a_window(length, n_evaluated):
    time = times(250, length, 300, missing=500)
    evaluated = evaluated_cadences(time, EXPOSURE, MAX_GAP, WINDOW)
    assert evaluated[:250].sum() == 51
    assert evaluated[250 : 250 + length].sum() == n_evaluated
    assert evaluated[250 + length :].sum() == 101


@pytest.mark.parametrize("n", [0, 1, 2])
def test_hardly_any_cadences_are_no_error(n):
    time = times(n, missing=0)
    assert bounds(time) == ([(0, n)] if n else [])
    assert evaluated_cadences(time, EXPOSURE, MAX_GAP, WINDOW).tolist() == [False] * n


def test_segments_are_the_curve_cut_in_order():
    rng = np.random.default_rng(4)
    for _ in range(50):
        time = EXPOSURE * np.cumsum(rng.choice([1, 2, 31, 32, 33, 500], 100, p=[0.9, *[0.02] * 5]))
        pieces = [time[s] for s in segments(time, EXPOSURE, MAX_GAP)]
        np.testing.assert_array_equal(np.concatenate(pieces), time)
        for piece in pieces:
            assert (np.rint(np.diff(piece) / EXPOSURE) - 1 <= MAX_GAP).all()
        for left, right in pairwise(pieces):
            assert round((right[0] - left[-1]) / EXPOSURE) - 1 > MAX_GAP


def test_no_evaluated_window_crosses_a_long_gap_or_an_end_and_all_others_are_evaluated():
    rng = np.random.default_rng(5)
    shares = []
    for max_gap in (1, 30, 100):
        for _ in range(5):
            often = rng.uniform(0, 0.012)
            steps = 1 + np.where(
                rng.random(900) < often, rng.choice([1, 2, 29, 30, 31, 99, 100, 101], 900), 0
            )
            # barycentric times are not quite regular
            time = 1325.3 + EXPOSURE * (np.cumsum(steps) + rng.uniform(-0.05, 0.05, 900))
            got = evaluated_cadences(time, EXPOSURE, max_gap, WINDOW)
            np.testing.assert_array_equal(got, plain_evaluated(time, max_gap))
            shares.append(got.mean())
    assert min(shares) < 0.2
    assert max(shares) > 0.5
