"""A star whose light is diluted is searched as the star alone would be, where that is chosen."""

import numpy as np
import pytest
from astropy.table import QTable
from astropy.time import Time
from astropy.timeseries import TimeSeries

import cvzmpi
from cvzmpi.cvz.injection.flare_shape import mean_flare_shape

SHARE = 0.4
FLARES = ((800, 0.05), (2500, 0.1), (3300, 0.02))
SETTINGS = {"seed": 3, "inject.n_inject": 120, "inject.n_repeat": 2}
CORRECTED = {"light_curve.dilution": "corrected"}


def made(others):
    """A star of 1000 e-/s with flares, and the light of others in its aperture."""
    time = 2000 + np.arange(4000) / 720
    star = 1000 * (1 + 0.001 * np.random.default_rng(5).standard_normal(len(time)))
    for peak, amplitude in FLARES:
        star += 1000 * amplitude * mean_flare_shape(time - time[peak], 0.006, 1 / 720)
    flux = star + others * np.median(star)
    series = TimeSeries(
        QTable({"flux": flux, "flux_err": np.full(len(time), 1.0)}),
        time=Time(time + 2457000, format="jd", scale="tdb"),
    )
    facts = {"TICID": 7, "SECTOR": 3, "TEFF": 3300.0, "RADIUS": 0.3, "FLUX_ORIGIN": "sap_flux"}
    series.meta.update(facts | {"CROWDSAP": 1 / (1 + others)})
    return series


def searched(others, **settings):
    return cvzmpi.inject(made(others), settings=SETTINGS | settings)


@pytest.fixture(scope="module")
def alone():
    return searched(0.0)


@pytest.fixture(scope="module")
def corrected():
    return searched(1 / SHARE - 1, **CORRECTED)


@pytest.fixture(scope="module")
def diluted():
    return searched(1 / SHARE - 1)


def test_flares_and_completeness_are_those_of_the_star_alone(alone, corrected):
    ours, theirs = corrected.measured_flares, alone.measured_flares
    assert len(theirs["peak"]) >= len(FLARES)
    np.testing.assert_array_equal(ours["peak"], theirs["peak"])
    for name in ("amplitude", "equivalent_duration", "energy", "snr"):
        np.testing.assert_allclose(ours[name], theirs[name], rtol=5e-3, err_msg=name)
    np.testing.assert_allclose(
        corrected.recovery.equivalent_duration, alone.recovery.equivalent_duration, rtol=1e-4
    )
    # at other places, where the mask of stella differs by a cadence
    assert corrected.recovery.fraction == pytest.approx(alone.recovery.fraction, abs=0.05)
    rates = [file.ffd().meta["rate"].value for file in (corrected, alone)]
    assert rates[0] == pytest.approx(rates[1], rel=0.2)


def test_as_measured_flares_and_completeness_are_smaller_by_the_share(alone, diluted):
    ours, theirs = diluted.measured_flares, alone.measured_flares
    np.testing.assert_array_equal(ours["peak"], theirs["peak"])
    for name in ("amplitude", "equivalent_duration", "energy"):
        np.testing.assert_allclose(ours[name], SHARE * theirs[name], rtol=0.015, err_msg=name)
    np.testing.assert_allclose(
        diluted.recovery.equivalent_duration,
        SHARE * alone.recovery.equivalent_duration,
        rtol=1e-4,
    )
    assert diluted.recovery.fraction == pytest.approx(alone.recovery.fraction, abs=0.05)
    assert diluted.header.get("own_light") is None


def test_a_file_of_the_other_setting_is_not_gone_on_with(diluted):
    with pytest.raises(cvzmpi.errors.ConfigError, match=r"light_curve\.dilution"):
        cvzmpi.inject(diluted, settings=CORRECTED)
