"""The observation: which cadences are used, in which units, and which light curves are refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cvzmpi.cvz.configuration import Config, DetectConfig, LightCurveConfig
from cvzmpi.cvz.light_curves.light_curve import LightCurve
from cvzmpi.cvz.light_curves.observation import Observation, Window
from cvzmpi.cvz.simulation.simulate import FIRST_TIC, simulate_light_curve
from cvzmpi.errors import LightCurveError

WINDOW = Window(before=100, after=100)

EXPOSURE = 120 / 86400
LEAST = Config(light_curve=LightCurveConfig(min_usable_cadences=200))


def light_curve(n, **changes):
    """Constant but for a slope, without gaps or flags."""
    index = np.arange(n)
    values = {
        "time": 1400 + EXPOSURE * index,
        "flux": (1000 + index).astype(np.float32),
        "flux_err": np.full(n, 2, np.float32),
        "quality": np.zeros(n, np.int32),
    }
    return LightCurve(tic=12, sector=3, exposure=EXPOSURE, **(values | changes))


def test_everything_is_relative_to_the_median_of_the_usable_cadences():
    curve = light_curve(401)
    curve.quality[300:] = 4  # among them would be the median of all
    observation = Observation.prepare(curve, LEAST, WINDOW)
    assert observation.median_flux == 1149.5
    assert np.median(observation.flux) == 1
    np.testing.assert_allclose(observation.flux, (1000 + np.arange(300)) / 1149.5, rtol=1e-7)
    np.testing.assert_allclose(observation.flux_err, 2 / 1149.5, rtol=1e-7)
    assert observation.flux_error == pytest.approx(2 / 1149.5)
    assert observation.flux.dtype == observation.flux_err.dtype == np.float64


@pytest.mark.parametrize("column", ["time", "flux", "flux_err"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_cadences_without_time_flux_or_error_are_not_used(column, value):
    curve = light_curve(300)
    getattr(curve, column)[[0, 17, 299]] = value
    observation = Observation.prepare(curve, LEAST, WINDOW)
    expected = np.delete(np.arange(300), [0, 17, 299])
    np.testing.assert_array_equal(observation.rows, expected)
    for values in (observation.time, observation.flux, observation.flux_err, observation.evaluated):
        assert len(values) == 297
    np.testing.assert_array_equal(observation.time, curve.time[expected])


def test_flagged_cadences_are_not_used_but_impulsive_outliers_are():
    """Bit 512 removes the brightest cadence of real flares."""
    curve = light_curve(316)
    curve.quality[:] = [1 << bit for bit in range(16)] + [0] * 300
    used = np.setdiff1d(np.arange(316), Observation.prepare(curve, LEAST, WINDOW).rows)
    bits = [bit for bit in range(16) if 16575 & (1 << bit)]
    assert used.tolist() == bits
    assert 9 not in bits
    everything = Config(light_curve=LightCurveConfig(quality_bitmask=0, min_usable_cadences=200))
    assert len(Observation.prepare(curve, everything, WINDOW).rows) == 316


def test_windows_are_counted_in_usable_cadences_and_do_not_cross_long_gaps():
    curve = light_curve(1000)
    curve.flux[50:60] = np.nan  # a short gap: bridged
    curve.flux[400:431] = np.nan  # 31 cadences: a new segment
    observation = Observation.prepare(curve, LEAST, WINDOW)
    looked_at = observation.rows[observation.evaluated]
    # 390 usable cadences before the gap, 569 after it
    expected = [*range(110, 301), *range(531, 901)]
    assert looked_at.tolist() == expected
    wider = Config(
        light_curve=LightCurveConfig(min_usable_cadences=200), detect=DetectConfig(max_gap=31)
    )
    assert Observation.prepare(curve, wider, WINDOW).evaluated.sum() == 1000 - 41 - 199


def test_spread_brings_values_to_their_rows():
    curve = light_curve(250)
    curve.quality[[0, 100]] = 4
    observation = Observation.prepare(curve, LEAST, WINDOW)
    spread = observation.spread(observation.flux, np.float32, np.nan)
    assert spread.dtype == np.float32
    assert len(spread) == 250
    assert np.flatnonzero(np.isnan(spread)).tolist() == [0, 100]
    np.testing.assert_allclose(spread[observation.rows], observation.flux, rtol=1e-6)
    flags = observation.spread(np.ones(248), bool, False)
    assert flags.dtype == bool
    assert np.flatnonzero(~flags).tolist() == [0, 100]


def test_a_simulated_light_curve_is_normalised_and_partly_evaluated():
    curve, _ = simulate_light_curve(FIRST_TIC, 1, 5, n_cadences=3000)
    observation = Observation.prepare(curve, Config(), WINDOW)
    assert np.median(observation.flux) == pytest.approx(1, abs=1e-12)
    assert (np.diff(observation.time) > 0).all()
    assert 0.5 < observation.evaluated.mean() < 1
    assert 1e-4 < observation.flux_error < 1e-2


def test_too_few_usable_cadences_are_refused_with_both_numbers():
    curve = light_curve(1500)
    curve.quality[:501] = 128
    message = r"TIC 12 sector 3: 999 usable cadences of 1,500, expected at least 1,000"
    with pytest.raises(LightCurveError, match=message):
        Observation.prepare(curve, Config(), WINDOW)
    curve.quality[0] = 0
    assert len(Observation.prepare(curve, Config(), WINDOW).rows) == 1000


def test_a_light_curve_of_nans_is_refused():
    curve = replace(light_curve(1500), flux=np.full(1500, np.nan, np.float32))
    with pytest.raises(LightCurveError, match="TIC 12 sector 3: 0 usable cadences of 1,500"):
        Observation.prepare(curve, Config(), WINDOW)


@pytest.mark.parametrize("level", [0, -5])
def test_a_median_flux_that_is_not_above_zero_is_refused(level):
    curve = replace(light_curve(300), flux=np.full(300, level, np.float32))
    with pytest.raises(LightCurveError, match=rf"median flux is {level} e-/s, expected above 0"):
        Observation.prepare(curve, LEAST, WINDOW)


def test_a_light_curve_in_pieces_shorter_than_a_window_is_refused():
    """Of 1000 cadences, 180 at a time."""
    n = np.arange(1000)
    curve = light_curve(1000, time=1400 + EXPOSURE * (n + 50 * (n // 180)))
    message = r"TIC 12 sector 3: no stretch of 200 usable cadences .* more than 30 \(detect.max_gap"
    with pytest.raises(LightCurveError, match=message):
        Observation.prepare(curve, Config(), WINDOW)
