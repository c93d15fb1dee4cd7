"""Power laws and cumulative distributions beside those of AltaiPony, on the same lists of flares.

AltaiPony estimates the index with the modified maximum likelihood of Maschberger & Kroupa (2009)
between the smallest and the largest flare, and its error with a jack-knife. For few flares that is
biased (of 20, by most of a standard error; of 100, by half of one), and ours is not, so the two
agree within a part of their common error.
"""

import sys

import numpy as np
import pandas as pd
import pytest

from cvzmpi.cvz.results.products.completeness import CompletenessCurve
from cvzmpi.cvz.results.products.ffd import StarFfd, cumulative_ffd
from cvzmpi.cvz.results.products.rates.effective_time import EffectiveTime
from cvzmpi.cvz.results.products.rates.power_law import fit_power_law
from tests.cvz.results.products.made_sector import made_sector

LOWER, DAYS, N_FLARES, N_LISTS = 10.0, 100.0, 100, 5
HALF_FOUND_BELOW = 20.0
BLINK = 1e-6  # a step is steep, since curves are continuous

HALF = CompletenessCurve(
    np.log(HALF_FOUND_BELOW) + np.array([-BLINK, BLINK]),
    np.array([0.5, 1.0]),
    np.empty((0, 2)),
    1.0,
    1000.0,
)


@pytest.fixture(scope="module")
def altaipony_ffd(altaipony_wheel):
    """Its class FFD: straight from the wheel, since its other modules need k2sc and more."""
    sys.path.insert(0, str(altaipony_wheel))
    try:
        from altaipony.ffd import FFD
    finally:
        sys.path.remove(str(altaipony_wheel))
    return FFD


def flares(rng, index, time):
    duration = LOWER * rng.random(N_FLARES) ** (1 / (1 - index))
    return duration[rng.random(N_FLARES) < time.at(duration) / DAYS]


def theirs(ffd_class, duration, fraction=None):
    """AltaiPony's index, its error, and its rate of flares above `LOWER`."""
    table = pd.DataFrame({"ed_rec": duration, "ed_corr": duration, "star": 1})
    table["recovery_probability"] = 1.0 if fraction is None else fraction
    ffd = ffd_class(f=table, tot_obs_time=DAYS, ID="star")
    corrected = fraction is not None
    ffd.ed_and_freq(corrected, corrected, multiple_stars=corrected)
    index, error = ffd.fit_mmle_powerlaw()
    ffd.fit_beta_to_powerlaw()
    return index, error, ffd.beta / (index - 1) * LOWER ** (1 - index)


@pytest.mark.parametrize(
    ("index", "corrected"), [(1.5, False), (2.0, False), (2.5, False), (2.0, True)]
)
def test_index_error_and_rate_agree(altaipony_ffd, index, corrected):
    time = EffectiveTime.perfect(DAYS)
    if corrected:
        time = EffectiveTime.of_light_curves([HALF], [DAYS])
    rng = np.random.default_rng(7)
    apart, errors, rates = [], [], []
    for _ in range(N_LISTS):
        duration = flares(rng, index, time)
        ours = fit_power_law(duration, time, LOWER)
        fraction = HALF(duration) if corrected else None
        their_index, their_error, their_rate = theirs(altaipony_ffd, duration, fraction)
        error = (ours.index_interval[1] - ours.index_interval[0]) / 2
        apart.append((ours.index - their_index) / error)
        errors.append(error / their_error)
        rates.append(ours.rate / their_rate)
    assert np.abs(np.mean(apart)) < 1
    assert np.abs(apart).max() < 3
    assert np.mean(rates) == pytest.approx(1, abs=0.1)
    if not corrected:  # with the correction, its jack-knife takes each flare twice for two
        assert np.mean(errors) == pytest.approx(0.9, abs=0.15)


def test_cumulative_rates_are_the_same_with_and_without_correction(altaipony_ffd):
    duration = flares(np.random.default_rng(1), 2.0, EffectiveTime.perfect(DAYS))
    duration = duration[duration > 1.001 * LOWER]
    star = StarFfd.of([made_sector(1, HALF, duration, DAYS)])
    table = pd.DataFrame({"ed_rec": duration, "ed_corr": duration})
    table = table.sort_values("ed_corr", ascending=False)
    table["recovery_probability"] = HALF(table["ed_corr"].to_numpy())
    ffd = altaipony_ffd(f=table, tot_obs_time=DAYS)
    ours = cumulative_ffd(star)
    raw_duration, raw_rate, _ = ffd.ed_and_freq()
    _, rate, _ = ffd.ed_and_freq(True, True)
    assert np.array_equal(raw_duration, ours["ed"])
    assert raw_rate == pytest.approx(ours["raw_rate"])
    known = ours["ed"] >= star.lower
    assert np.sum(known) > 20
    assert rate[known] == pytest.approx(ours["rate"][known])
