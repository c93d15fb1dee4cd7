"""The table of both searches: each flare is one row, whoever found it, and none is lost."""

import numpy as np
import pytest

from cvzmpi.cvz.configuration import Config, LightCurveConfig
from cvzmpi.cvz.detection.flare_mask import MaskRule
from cvzmpi.cvz.detection.flare_table import (
    NO_FLARE,
    FoundFlares,
    flare_table,
    mirror_table,
    same_flares,
)
from cvzmpi.cvz.detection.flares import COLUMNS, MIRROR_COLUMNS, Detection
from cvzmpi.cvz.detection.stella.stella_detector import StellaDetector
from cvzmpi.cvz.light_curves.light_curve import LightCurve
from cvzmpi.cvz.light_curves.observation import Observation
from tests.cvz.found_flares import NONE, measured, table_of

EXPOSURE, N = 120 / 86400, 600


def spans(*pairs):
    return np.array(pairs, np.int64).reshape(-1, 2)


def found(stella, significance, snr, tolerance=N):
    """Flares with an S/N, which is negative for those of stella alone."""
    columns = {"snr": np.array(snr, float), "peak": significance[:, 0]}
    return FoundFlares.of(
        stella,
        significance,
        columns,
        lambda flares: {"snr": -1.0 - np.arange(len(flares)), "peak": flares[:, 0]},
        tolerance,
    )


def rows(found):
    """First and last cadence, who found it, and the S/N, of each row."""
    return [
        (first, last, by, snr)
        for (first, last), by, snr in zip(
            found.spans.tolist(),
            found.found_by.tolist(),
            found.columns["snr"].tolist(),
            strict=True,
        )
    ]


CASES = {
    "the same flare has the cadences of stella": (
        [(10, 20)],
        [(12, 30)],
        [7],
        [(10, 20, 3, 7)],
    ),
    "flares that share no cadence are two": (
        [(10, 20)],
        [(21, 30)],
        [7],
        [(10, 20, 1, -1), (21, 30, 2, 7)],
    ),
    "one common cadence is enough": ([(10, 20)], [(20, 30)], [7], [(10, 20, 3, 7)]),
    "stella splits a flare in two: the longer part is the flare": (
        [(10, 12), (15, 20)],
        [(10, 20)],
        [7],
        [(10, 12, 1, -1), (15, 20, 3, 7)],
    ),
    "in two equal parts: the first": (
        [(10, 12), (15, 17)],
        [(10, 17)],
        [7],
        [(10, 12, 3, 7), (15, 17, 1, -1)],
    ),
    "stella sees two as one: that of the higher S/N": (
        [(10, 30)],
        [(11, 14), (20, 25)],
        [6, 9],
        [(10, 30, 3, 9), (11, 14, 2, 6)],
    ),
    "of equal S/N: the first": (
        [(10, 30)],
        [(11, 14), (20, 25)],
        [6, 6],
        [(10, 30, 3, 6), (20, 25, 2, 6)],
    ),
    "a flare that has lost its first choice takes the next": (
        [(10, 20), (22, 24)],
        [(10, 13), (14, 23)],
        [9, 6],
        [(10, 20, 3, 9), (22, 24, 3, 6)],
    ),
    "flares of either search alone": (
        [(50, 60)],
        [(10, 20), (90, 99)],
        [5, 6],
        [(10, 20, 2, 5), (50, 60, 1, -1), (90, 99, 2, 6)],
    ),
    "only those of stella": ([(10, 20), (30, 40)], [], [], [(10, 20, 1, -1), (30, 40, 1, -2)]),
    "only those of significance": ([], [(10, 20)], [5], [(10, 20, 2, 5)]),
    "none": ([], [], [], []),
}


@pytest.mark.parametrize("case", CASES)
def test_each_flare_is_one_row(case):
    stella, significance, snr, expected = CASES[case]
    assert rows(found(spans(*stella), spans(*significance), snr)) == expected


@pytest.mark.parametrize(("tolerance", "found_by"), [(0, [2, 1]), (2, [2, 1]), (3, [3])])
def test_the_same_flare_covers_the_peak_within_the_tolerance(tolerance, found_by):
    both = found(spans((13, 20)), spans((10, 30)), [7], tolerance)  # its peak is at 10
    assert both.found_by.tolist() == found_by


@pytest.mark.parametrize("seed", range(20))
def test_of_any_flares_none_is_lost_and_none_is_twice(seed):
    chance = np.random.default_rng(seed)
    stella, significance = (
        np.sort(chance.choice(200, 2 * n, replace=False)).reshape(-1, 2) for n in (12, 15)
    )
    snr = chance.uniform(5, 50, len(significance))
    everywhere = np.tile([0, 200], (len(stella), 1))
    same = same_flares(stella, significance, snr, significance[:, 0], everywhere)
    matched = same[same != NO_FLARE]
    assert len(set(matched.tolist())) == len(matched) > 0
    for number, flare in enumerate(same):
        overlaps = (stella[:, 0] <= significance[number, 1]) & (
            stella[:, 1] >= significance[number, 0]
        )
        if flare == NO_FLARE:  # all that overlap it are those of flares with a higher S/N
            assert all(snr[same == other] > snr[number] for other in np.flatnonzero(overlaps))
        else:
            assert overlaps[flare]
    both = found(stella, significance, snr)
    of_stella, of_significance = (both.found_by & bit != 0 for bit in (1, 2))
    np.testing.assert_array_equal(both.spans[of_stella], stella)
    assert sorted(both.columns["snr"][of_significance]) == sorted(snr)
    assert (both.columns["snr"][~of_significance] < 0).all()
    assert (np.diff(both.spans[:, 0]) >= 0).all()


@pytest.fixture
def observation():
    """Constant but for a peak at row 300; the rows 100 to 109 are not used."""
    flux = np.full(N, 1000, np.float32)
    flux[298:304] += [10, 50, 400, 300, 100, 50]
    quality = np.zeros(N, np.int32)
    quality[100:110] = 4
    light_curve = LightCurve(
        tic=1,
        sector=1,
        time=1500 + EXPOSURE * np.arange(N),
        flux=flux,
        flux_err=np.full(N, 10, np.float32),
        quality=quality,
        exposure=EXPOSURE,
    )
    config = Config(light_curve=LightCurveConfig(min_usable_cadences=200))
    return Observation.prepare(light_curve, config, StellaDetector.window)


def detection(observation, *rows_of_flares):
    probability = np.full(len(observation.rows), 0.01, np.float32)
    for first, last in rows_of_flares:
        probability[(first <= observation.rows) & (observation.rows <= last)] = 0.75
    return Detection.apply(MaskRule(0.5, 3, 20), probability, observation.evaluated)


def test_what_each_search_gives_is_in_the_row_of_the_flare(observation):
    """One flare of both, one of significance where stella could not look, and one of stella."""
    by_stella = detection(observation, (298, 303), (150, 153))
    significance = np.searchsorted(observation.rows, spans((20, 25), (300, 320)))
    n = len(observation.rows)
    table = table_of(observation, by_stella, np.ones(n), np.zeros(n), significance)
    assert {name: values.dtype for name, values in table.items()} == {
        name: np.dtype(dtype) for name, (dtype, _) in COLUMNS.items()
    }
    assert table["found_by"].tolist() == [2, 1, 3]
    assert table["start"].tolist() == [20, 150, 298]
    assert table["stop"].tolist() == [25, 153, 303]
    assert table["peak"][2] == 300
    np.testing.assert_allclose(table["amplitude"], [0, 0, 0.4], atol=1e-7)
    np.testing.assert_allclose(table["max_probability"], [np.nan, 0.75, 0.75])
    np.testing.assert_allclose(table["snr"], [0, 0, 40], atol=1e-4)
    np.testing.assert_allclose(table["template_time"][2], 1500 + 300 * EXPOSURE)
    np.testing.assert_allclose(table["mask_equivalent_duration"][2], 120 * 0.91, rtol=1e-6)
    assert np.isfinite(table["equivalent_duration"]).all()


def test_mirror_events_are_listed_by_image_with_what_found_them(observation):
    n = len(observation.rows)
    mean, by_stella = np.ones(n), detection(observation, (298, 303))
    of_inverted = FoundFlares.of(
        by_stella.flares, NONE, measured(observation, mean, NONE), _measure(observation, mean)
    )
    significance = np.searchsorted(observation.rows, spans((20, 25)))
    of_shuffled = FoundFlares.of(
        NONE,
        significance,
        measured(observation, mean, significance),
        _measure(observation, mean),
    )
    quiet = np.full(n, 0.1, np.float32)
    images = {1: (of_inverted, by_stella.probability), 2: (of_shuffled, quiet)}
    events = mirror_table(images, observation)
    assert {name: values.dtype for name, values in events.items()} == {
        name: np.dtype(dtype) for name, (dtype, _) in MIRROR_COLUMNS.items()
    }
    assert events["image"].tolist() == [1, 2]
    assert events["found_by"].tolist() == [1, 2]
    assert events["peak"].tolist() == [300, 20]
    np.testing.assert_allclose(events["peak_time"], 1500 + EXPOSURE * events["peak"])
    np.testing.assert_allclose(events["max_probability"], [0.75, 0.1])


@pytest.mark.parametrize("n_images", [0, 2])
def test_no_events_are_an_empty_table(observation, n_images):
    nothing = FoundFlares.of(
        NONE,
        NONE,
        measured(observation, np.ones(len(observation.rows)), NONE),
        _measure(observation, np.ones(len(observation.rows))),
    )
    quiet = np.full(len(observation.rows), 0.1, np.float32)
    events = mirror_table({1 + i: (nothing, quiet) for i in range(n_images)}, observation)
    for name, (dtype, _) in MIRROR_COLUMNS.items():
        assert (events[name].shape, events[name].dtype) == ((0,), np.dtype(dtype))
    table = flare_table(observation, nothing, quiet, quiet, quiet)
    assert {name: values.shape for name, values in table.items()} == dict.fromkeys(COLUMNS, (0,))


def _measure(observation, mean):
    return lambda flares: measured(observation, mean, flares)
