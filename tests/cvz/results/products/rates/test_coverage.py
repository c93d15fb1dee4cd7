"""Intervals of rates, corrected for completeness and reliability, cover the truth.

Stars of known rates go through all the statistics: pools, reliabilities, completeness, power law.
"""

import math

import pytest

from tools.calibration.rates import REGIMES, Regime, coverage


@pytest.mark.parametrize(
    "name", ["3 flares, 30% false", "10 flares, 0% false", "10 flares, 50% false"]
)
def test_rates_are_without_bias_and_intervals_cover(name):
    result = coverage(REGIMES[name], 3)
    chance = 2 * math.sqrt(0.68 * 0.32 / result.n)
    assert 0.60 - chance < result.rate < 0.76 + chance
    assert 0.60 - chance < result.index < 0.76 + chance
    assert 0.95 - chance / 2 < result.rate_95
    assert 0.95 - chance / 2 < result.index_95
    assert 0.95 - chance / 2 < result.upper_limit
    assert result.ratio == pytest.approx(1, abs=0.15)


def test_few_injections_are_allowed_for():
    """Of a star of 150 flares, the completeness is no longer what is known best."""
    result = coverage(Regime(150.0, spread=0.2, n_inject=100), 2)
    assert 0.6 < result.rate < 0.8
    assert result.rate_95 > 0.9
