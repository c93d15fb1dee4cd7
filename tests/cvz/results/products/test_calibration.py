"""The completeness predicted by injections is that of simulated flares of known truth.

The real program on few and short light curves; docs/calibration.md has many and long ones.
"""

import pytest

from tools.calibration.campaigns import search
from tools.calibration.sample import Sample, deviation

N_STARS, N_INJECT, N_CADENCES = 6, 200, 9000


@pytest.fixture(scope="module")
def alone(tmp_path_factory, models):
    """Simulated flares that have no visible neighbour, as injected ones have none."""
    directory = tmp_path_factory.mktemp("calibration")
    sample = Sample.read(search(directory, "alike", N_STARS, N_INJECT, N_CADENCES))
    return sample.select(sample.alone)


def test_the_sample_has_flares_that_are_hard_easy_and_impossible_to_find(alone):
    assert len(alone.found) > 60
    middle = (alone.of_alike > 0.05) & (alone.of_alike < 0.95)
    assert middle.sum() > 8
    assert 0.1 < alone.found.mean() < 0.9


def test_as_many_are_found_as_the_injections_predict(alone):
    for predicted in (alone.of_alike, alone.of_duration):
        assert abs(deviation(alone.found, predicted)) < 3.3


def test_those_that_are_found_are_those_predicted_to_be(alone):
    likely = alone.of_duration > 0.95
    unlikely = alone.of_duration < 0.05
    assert alone.found[likely].mean() > 0.9
    assert alone.found[unlikely].mean() < 0.1


def test_a_wrong_prediction_would_be_seen(alone):
    """Had every third flare that was found been missed, or been predicted to be."""
    found = alone.found.copy()
    found[found.nonzero()[0][::3]] = False
    assert deviation(found, alone.of_duration) < -3.3
