"""What `make bench-detection` counts: known flares that are found, false alarms, shares in bins."""

from types import SimpleNamespace

import numpy as np
import pytest

from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.detection.significance.images import Image
from cvzmpi.cvz.light_curves.light_curve import LightCurve
from cvzmpi.cvz.simulation.invented_star import FlareLaw
from tools.bench.detection.campaigns import dimmed
from tools.bench.detection.false_alarms import FalseAlarms
from tools.bench.detection.known_flares import (
    CatalogueFlare,
    covering,
    in_light_curve,
    read_catalogue,
    recall_in_bins,
    rows_at,
)
from tools.bench.detection.second_look import lowest_threshold
from tools.bench.detection.truth import law_rate, shares_in_bins

TOLERANCE = 3


def flare(start, stop):
    return {"start": np.array([start]), "stop": np.array([stop])}


def covered(start, stop, peak, usable):
    return bool(covering(flare(start, stop), np.array([peak]), usable, TOLERANCE)[0, 0])


def test_a_peak_within_the_tolerance_of_a_flare_is_covered_and_no_further():
    usable = np.ones(100, bool)
    assert [covered(50, 60, peak, usable) for peak in (46, 47, 55, 63, 64)] == [
        *(False, True, True, True, False)
    ]


def test_the_tolerance_is_counted_in_usable_cadences():
    usable = np.ones(100, bool)
    usable[40:50] = False
    assert covered(50, 60, 37, usable)
    assert not covered(50, 60, 36, usable)
    assert covered(50, 60, 45, usable)  # in the gap before the flare
    assert not covered(70, 80, 45, usable)


def test_the_row_of_a_time_is_the_nearest_that_has_one():
    time = np.array([1.0, 2.0, np.nan, 4.0, 5.0])
    at = np.array([0.0, 1.4, 1.6, 2.9, 3.1, 9.0])
    assert rows_at(time, at).tolist() == [0, 0, 1, 1, 3, 4]


def test_the_catalogue_gives_the_flares_of_a_star_in_the_time_of_the_light_curve(tmp_path):
    path = tmp_path / "flares.csv"
    path.write_text(
        "tic,sector,outburst,flare,tpeak_bjd,amp,fwhm_d,ebol_erg\n"
        "7,1,1,1,2458325.5,0.1,0.002,1E+33\n7,1,2,1,2458355.5,0.2,0.003,1E+33\n"
        "8,1,1,1,2458326.0,0.3,0.004,1E+33\n"
    )
    time = np.array([np.nan, 1325.0, 1350.0])
    found = in_light_curve(read_catalogue(path), 7, time)
    assert found == [CatalogueFlare(7, 1325.5, 0.1, 0.002)]


def test_known_flares_are_counted_in_the_bin_that_begins_at_their_size():
    size = np.array([1.0, 5.0, 7.0, 50.0])
    found = np.array([[True, False], [True, True], [False, True], [True, True]])
    bins = recall_in_bins(size, found, (0, 5, 50, np.inf))
    assert [(n, counts.tolist()) for n, counts in bins] == [(1, [1, 0]), (2, [1, 2]), (1, [1, 1])]


def searched(search, days):
    events = {
        "image": np.array([1, 1, 1, 2]),
        "found_by": np.array([1, 2, 3, 2], np.int8),
    }
    data = SimpleNamespace(mirror_events=events)
    return SimpleNamespace(data=data, search=search, time=SimpleNamespace(evaluated=days))


@pytest.mark.parametrize(
    ("search", "inverted", "shuffled"),
    [("stella", 2, 0), ("significance", 2, 1), ("either", 3, 1), ("both", 1, 0)],
)
def test_false_alarms_are_those_of_the_search_in_the_image(search, inverted, shuffled):
    curve = searched(Search(search), 20.0)
    assert FalseAlarms.of(curve, Image.INVERTED).n == inverted
    assert FalseAlarms.of(curve, Image.SHUFFLED).n == shuffled


def test_the_rate_of_false_alarms_is_that_of_all_days_together():
    total = FalseAlarms.total([FalseAlarms(3, 10.0), FalseAlarms(0, 40.0)])
    assert total.rate == pytest.approx(1.5)  # in 25 days


@pytest.mark.parametrize(
    ("n_events", "allowed", "number"),
    [
        ([1, 9, 5, 2, 0], 2, 3),  # the first has one only since all run together there
        ([1, 9, 5, 2, 0], 0, 4),
        ([0, 0, 0], 0, 0),
        ([5, 5, 5], 1, 2),
    ],
)
def test_the_lowest_threshold_has_no_more_events_from_there_on(n_events, allowed, number):
    assert lowest_threshold(n_events, allowed) == number


def test_the_rate_of_a_law_is_that_of_its_draws():
    law = FlareLaw(active_per_day=2.0, index=1.6, min_duration=0.5, max_duration=300.0)
    drawn = law.durations((np.arange(100_000) + 0.5) / 100_000)
    share = np.mean((drawn > 4) & (drawn < 50))
    assert law_rate(law, 4.0, 50.0) == pytest.approx(2 * share, rel=1e-3)
    assert law_rate(law, 0.1, 1000.0) == pytest.approx(2.0)


def test_shares_in_bins_are_of_the_events_with_such_a_chance():
    chance = np.array([0.1, 0.3, 0.35, 1.0])
    rows = shares_in_bins(chance, np.array([False, True, False, True]), (0.0, 0.2, 0.5, 1.0))
    assert rows == [(1, 0.1, 0.0), (2, pytest.approx(0.325), 0.5), (1, 1.0, 1.0)]


def test_a_dimmed_star_has_the_noise_of_its_light():
    n, part, seconds = 20_000, 0.1, 120 * 0.792
    rng = np.random.default_rng(1)
    error = np.sqrt(20_000 * seconds + 5e5) / seconds
    flux = 20_000 + error * rng.standard_normal(n)
    light_curve = LightCurve(
        *(7, 1, np.arange(n) / 720, flux.astype(np.float32), np.full(n, error, np.float32)),
        *(np.zeros(n, np.int32), 120 / 86400, {"TESSMAG": 9.0}),
    )
    faint = dimmed(light_curve, part, rng)
    expected = np.sqrt(2000 * seconds + 5e5) / seconds
    assert faint.header["TESSMAG"] == 11.5
    assert np.median(faint.flux) == pytest.approx(2000, rel=1e-3)
    assert np.median(faint.flux_err) == pytest.approx(expected, rel=1e-3)
    assert np.std(faint.flux) == pytest.approx(expected, rel=0.03)
