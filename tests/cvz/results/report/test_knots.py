"""Knots stand for all that lies between them."""

import numpy as np
import pytest

from cvzmpi.cvz.results.report.knots import knots


@pytest.mark.parametrize("tolerance", [0.3, 3.0])
def test_interpolation_between_knots_is_right_to_the_tolerance(tolerance):
    rng = np.random.default_rng(2)
    values = np.cumsum(rng.standard_normal(3000))
    values[1500:] += 80  # a jump
    values[[0, 7, 8, 9, 2999]] = np.nan
    chosen = knots(values, tolerance)
    known = np.isfinite(values)
    between = np.interp(np.arange(3000), chosen, values[chosen])
    assert np.abs(between - values)[known].max() <= tolerance * (1 + 1e-9)
    assert len(chosen) < {0.3: 2500, 3.0: 500}[tolerance]


def test_a_straight_line_has_two_knots():
    assert knots(2.0 * np.arange(1000) - 5, 1e-6).tolist() == [0, 999]
    assert knots(np.array([np.nan, 4.0, np.nan]), 0.1).tolist() == [1]
    assert knots(np.full(4, np.nan), 0.1).tolist() == []
