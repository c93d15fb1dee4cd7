"""What is made of the found flares: the mask, where injections may be, and the table."""

from __future__ import annotations

import numpy as np
import pytest

from cvzmpi.cvz.configuration import Config, LightCurveConfig
from cvzmpi.cvz.detection.flare_mask import MaskRule
from cvzmpi.cvz.detection.flares import COLUMNS, Detection, at_edge
from cvzmpi.cvz.detection.stella.stella_detector import StellaDetector
from cvzmpi.cvz.light_curves.light_curve import LightCurve
from cvzmpi.cvz.light_curves.observation import Observation
from tests.cvz.found_flares import table_of

RULE = MaskRule(threshold=0.5, min_cadences=3, merge_gap=20)
EXPOSURE = 120 / 86400
N, UNUSED = 600, [5, 302, 303, 304]


@pytest.fixture
def observation():
    """Constant but for one excursion, a few cadences unused; flux 1000 e-/s, error 1 and 2 %."""
    quality = np.zeros(N, np.int32)
    quality[UNUSED] = 4
    flux = np.full(N, 1000, np.float32)
    flux[300:308] += [50, 400, 9999, 9999, 9999, 300, 100, 50]  # rows 302 to 304 are not used
    light_curve = LightCurve(
        tic=1,
        sector=1,
        time=1500 + EXPOSURE * np.arange(N),
        flux=flux,
        flux_err=np.where(np.arange(N) < 306, 10, 20).astype(np.float32),
        quality=quality,
        exposure=EXPOSURE,
    )
    config = Config(light_curve=LightCurveConfig(min_usable_cadences=200))
    return Observation.prepare(light_curve, config, StellaDetector.window)


def detection(observation, *rows_of_flares):
    """A detection with high probability at these rows, where they are usable."""
    probability = np.full(len(observation.rows), 0.01, np.float32)
    for number, (first, last) in enumerate(rows_of_flares):
        inside = (first <= observation.rows) & (observation.rows <= last)
        probability[inside] = 0.7 + 0.1 * number
        probability[np.flatnonzero(inside)[1]] += 0.05
    return Detection.apply(RULE, probability, observation.evaluated)


def table(observation, found, mean=1.0, sd=0.0):
    n = len(observation.rows)
    return table_of(observation, found, np.full(n, mean), np.full(n, sd))


def test_only_evaluated_cadences_have_a_probability(observation):
    found = Detection.apply(RULE, np.full(len(observation.rows), 0.9), observation.evaluated)
    np.testing.assert_array_equal(np.isfinite(found.probability), observation.evaluated)
    evaluated = np.flatnonzero(observation.evaluated)
    assert found.flares.tolist() == [[evaluated[0], evaluated[-1]]]
    np.testing.assert_array_equal(found.mask, observation.evaluated)


def test_the_mask_of_rows_goes_from_the_first_to_the_last_row_of_each_flare(observation):
    """Unused rows within a flare belong to it: the Gaussian process must not see them either."""
    found = detection(observation, (300, 307), (400, 403))
    assert found.flares.tolist() == [[299, 303], [396, 399]]
    assert found.mask.sum() == 5 + 4
    rows = np.flatnonzero(found.row_mask(observation))
    assert rows.tolist() == [*range(300, 308), *range(400, 404)]


def test_no_flares_are_an_empty_mask_and_an_empty_table(observation):
    found = detection(observation)
    assert found.flares.shape == (0, 2)
    assert not found.mask.any()
    assert not found.row_mask(observation).any()
    columns = table(observation, found)
    assert list(columns) == list(COLUMNS)
    for name, (dtype, _) in COLUMNS.items():
        assert columns[name].shape == (0,)
        assert columns[name].dtype == np.dtype(dtype)


@pytest.mark.parametrize("tolerance", [0, 3, 500])
def test_candidates_are_evaluated_and_further_than_the_tolerance_from_every_flare(
    observation, tolerance
):
    evaluated = observation.evaluated
    found = detection(observation, (100, 110), (300, 307), (400, 403))
    candidates = found.candidates(evaluated, tolerance)
    expected = [
        i
        for i in np.flatnonzero(evaluated)
        if all(i < first - tolerance or i > last + tolerance for first, last in found.flares)
    ]
    assert candidates.tolist() == expected
    assert (len(expected) == 0) == (tolerance == 500)


def test_without_flares_all_evaluated_cadences_are_candidates(observation):
    candidates = detection(observation).candidates(observation.evaluated, 3)
    np.testing.assert_array_equal(candidates, np.flatnonzero(observation.evaluated))


def test_the_table_is_what_one_calculates_by_hand(observation):
    """The usable rows 300, 301, 305, 306, 307 of a star of 1000 e-/s over a mean of 0.99."""
    columns = table(observation, detection(observation, (300, 307)), mean=0.99, sd=0.001)
    assert {name: len(values) for name, values in columns.items()} == dict.fromkeys(COLUMNS, 1)
    row = {name: values[0] for name, values in columns.items()}
    assert (row["start"], row["stop"], row["peak"]) == (300, 307, 301)
    for name in ("start", "stop", "peak"):
        assert row[f"{name}_time"] == 1500 + EXPOSURE * row[name]
    assert row["amplitude"] == pytest.approx(0.41)
    excess = 0.05 + 0.4 + 0.3 + 0.1 + 0.05 + 5 * 0.01
    assert row["mask_equivalent_duration"] == pytest.approx(120 * excess)
    of_flux = 3 * 0.01**2 + 2 * 0.02**2
    of_mean = (5 * 0.001) ** 2
    assert row["mask_equivalent_duration_error"] == pytest.approx(120 * np.sqrt(of_flux + of_mean))
    assert row["max_probability"] == pytest.approx(0.75)
    for name, (dtype, _) in COLUMNS.items():
        assert columns[name].dtype == np.dtype(dtype)


def test_every_flare_has_its_row_in_order(observation):
    columns = table(observation, detection(observation, (110, 113), (300, 307), (450, 460)))
    assert columns["start"].tolist() == [110, 300, 450]
    assert columns["stop"].tolist() == [113, 307, 460]
    np.testing.assert_allclose(columns["max_probability"], [0.75, 0.85, 0.95], rtol=1e-6)
    assert (columns["start"] <= columns["peak"]).all()
    assert (columns["peak"] <= columns["stop"]).all()
    np.testing.assert_allclose(columns["mask_equivalent_duration"][[0, 2]], 0, atol=1e-9)


@pytest.mark.parametrize(
    ("start", "stop", "touches"),
    [(2, 4, True), (3, 4, False), (3, 9, False), (6, 10, True), (13, 15, True), (14, 17, True),
     (2, 17, True), (14, 16, False)],
)  # fmt: skip
def test_a_flare_beside_what_was_not_evaluated_is_at_an_edge(start, stop, touches):
    """Evaluated are the rows 2 to 10 and 13 to 17, of 18."""
    probability = np.full(18, 0.1, np.float32)
    probability[[0, 1, 11, 12]] = np.nan
    assert at_edge(probability, np.array([start]), np.array([stop])).tolist() == [touches]


def test_without_flares_none_is_at_an_edge():
    nothing = np.empty(0, "i4")
    found = at_edge(np.full(18, 0.1), nothing, nothing)
    assert (found.dtype, found.shape) == (bool, (0,))
