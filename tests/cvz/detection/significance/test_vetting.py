"""The vetting rules, each at its limit."""

import numpy as np
import pytest

from cvzmpi.cvz.detection.significance.vetting import (
    CERTAIN_AFTER_GAP,
    GAP,
    MIN_REST,
    MIN_REST_SHARE,
    SETTLING,
    Look,
    Vetting,
    cadences_since_gap,
    since_gap_at_places,
)

GOOD = {
    "snr": 10.0,
    "template": 5,
    "place": 100,
    "rest_snr": 8.5,
    "reversed_snr": 7.0,
    "hump_snr": 6.0,
    "since_gap": 500,
}


def refused(**values):
    look = Look(**{name: np.array([value]) for name, value in (GOOD | values).items()})
    return Vetting(int(look.refused()[0]))


def test_a_good_flare_passes():
    assert refused() == Vetting.NONE


@pytest.mark.parametrize(
    ("bad", "still_good", "rule"),
    [
        ({"rest_snr": 3.9}, {"rest_snr": 4.1}, Vetting.SINGLE_CADENCE),
        ({"snr": 7.2, "rest_snr": 2.9}, {"snr": 7.2, "rest_snr": 3.1}, Vetting.SINGLE_CADENCE),
        ({"since_gap": 2}, {"since_gap": 3}, Vetting.AFTER_GAP),
        ({"since_gap": 0, "snr": 14.9}, {"since_gap": 0, "snr": 15.1}, Vetting.AFTER_GAP),
        ({"reversed_snr": 10.1}, {"reversed_snr": 9.9}, Vetting.SLOW_RISE),
        ({"snr": 8, "hump_snr": 8.4}, {"snr": 8, "hump_snr": 8.3}, Vetting.HUMP),
        ({"snr": 20, "hump_snr": 20.7}, {"snr": 20, "hump_snr": 20.5}, Vetting.HUMP),
    ],
)
def test_each_rule_has_a_limit_of_its_own(bad, still_good, rule):
    assert refused(**bad) == rule
    assert refused(**still_good) == Vetting.NONE


def test_the_limits_are_the_documented_ones():
    assert (MIN_REST, MIN_REST_SHARE, SETTLING, GAP, CERTAIN_AFTER_GAP) == (3, 0.4, 2, 3, 15)


def test_rules_add_up():
    assert refused(rest_snr=0, since_gap=1, hump_snr=20) == (
        Vetting.SINGLE_CADENCE | Vetting.AFTER_GAP | Vetting.HUMP
    )


def test_gaps_are_more_than_three_cadences_missing_and_the_start():
    place = np.array([0, 1, 2, 6, 7, 12, 13, 15])  # 3, 4 and 1 missing
    assert cadences_since_gap(place).tolist() == [0, 1, 2, 6, 7, 0, 1, 3]


def test_in_a_gap_the_count_begins_at_its_middle():
    place = np.array([0, 1, 2, 6, 7, 13, 14])
    since = since_gap_at_places(place, cadences_since_gap(place))
    assert since.tolist() == [0, 1, 2, 2, 2, 2, 6, 7, 7, 7, 7, 0, 0, 0, 1]
