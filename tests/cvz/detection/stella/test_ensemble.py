"""The ensemble along a light curve: the plain network at every window, whatever the length."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from cvzmpi.cvz.detection.stella.ensemble import (
    EnsembleEvaluation,
    ensemble_probability,
    evaluate,
    sigmoid,
)
from cvzmpi.cvz.detection.stella.network import Network
from tests.cvz.plain_network import (
    ROUNDING,
    SEES,
    SEES_BEFORE,
    flaring_curve,
    plain_probabilities,
    random_curve,
    random_weights,
)


def ensemble(n):
    weights = [random_weights(seed) for seed in range(n)]
    return weights, [Network.from_keras(w) for w in weights]


def whole_windows(n):
    """Cadences whose window lies in a curve of n cadences."""
    return slice(SEES_BEFORE, n - SEES + SEES_BEFORE + 1)


def test_every_window_of_a_long_curve_is_the_plain_network():
    """The first, the last, and those across the borders of blocks of 512 positions."""
    weights, networks = ensemble(3)
    flux = random_curve(1400)
    got = evaluate(flux, networks).model_probabilities()
    inside = whole_windows(len(flux))
    for model in range(3):
        expected = plain_probabilities(weights[model], flux)
        assert np.isfinite(expected[inside]).all()
        assert np.ptp(expected[inside]) > 0.01
        np.testing.assert_allclose(got[model, inside], expected[inside], rtol=0, atol=ROUNDING)


def test_curves_of_all_lengths_are_the_plain_network():
    """92 = 4 x 23 lengths in a row: residues of 4 and stretches of 23 features."""
    (weights,), networks = ensemble(1)
    flux = random_curve(SEES + 92, seed=5)
    expected = plain_probabilities(weights, flux)
    for n in range(SEES, len(flux)):
        got = evaluate(flux[:n], networks).model_probabilities()
        assert got.shape == (1, n)
        inside = whole_windows(n)
        np.testing.assert_allclose(got[0, inside], expected[inside], rtol=0, atol=ROUNDING)


@pytest.mark.parametrize("n", [1, 57, 199])
def test_a_curve_shorter_than_a_window_is_no_error(n):
    _, networks = ensemble(2)
    got = evaluate(random_curve(n), networks).model_probabilities()
    assert got.shape == (2, n)
    assert np.isfinite(got).all()


def test_an_answer_depends_on_the_200_cadences_of_its_window_only():
    _, networks = ensemble(2)
    flux = random_curve(900)
    before = evaluate(flux, networks).model_probabilities()
    for cadence in (0, 1, 199, 450, 511, 512, 898, 899):
        changed = flux.copy()
        changed[cadence] += 20
        differs = (evaluate(changed, networks).model_probabilities() != before).all(axis=0)
        i = np.arange(len(flux))
        sees = (i - SEES_BEFORE <= cadence) & (cadence < i - SEES_BEFORE + SEES)
        np.testing.assert_array_equal(differs, sees)


def test_the_stella_networks_round_no_worse_than_the_plain_network_in_single_precision(
    models, networks
):
    flux = flaring_curve(700)
    got = evaluate(flux, networks).model_probabilities()
    inside = whole_windows(len(flux))
    ours, plain = [], []
    for model in range(len(models)):
        weights = models.of_model(model)
        exact = plain_probabilities(weights, flux)[inside]
        single = plain_probabilities(weights, flux, dtype=np.float32)[inside]
        ours.append(np.abs(got[model, inside] - exact))
        plain.append(np.abs(single - exact))
    assert (got[:, inside] > 0.9).any()
    assert (got[:, inside] < 0.1).any()
    assert np.max(ours) < 1e-4
    assert np.max(ours) < 1.2 * np.max(plain)
    assert np.mean(np.square(ours)) < 1.2 * np.mean(np.square(plain))


def test_models_may_be_computed_in_any_order_into_memory_of_the_caller():
    """As a team does: each member takes a model, into memory that all of them see."""
    _, networks = ensemble(3)
    flux = random_curve(400)
    asked = []

    def allocate(shape, dtype):
        asked.append(np.full(shape, np.nan, dtype))
        return asked[-1]

    evaluation = EnsembleEvaluation.allocate(flux, networks, allocate)
    for model in (2, 0, 1):
        evaluation.compute(model)
    assert evaluation.features is asked[0]
    assert evaluation.hidden is asked[1]
    assert all(np.isfinite(values).all() for values in asked)
    np.testing.assert_array_equal(
        evaluation.model_probabilities(),
        evaluate(flux, networks).model_probabilities(),
    )


def test_asking_for_probabilities_leaves_the_evaluation_as_it_is():
    _, networks = ensemble(2)
    evaluation = evaluate(random_curve(300), networks)
    before = evaluation.hidden.copy()
    evaluation.model_probabilities()
    np.testing.assert_array_equal(evaluation.hidden, before)


def test_the_flare_probability_is_the_median_over_the_models():
    by_model = np.array([[0.1, 0.9], [0.8, 0.2], [0.3, 0.4], [0.2, 1.0]], np.float32)
    probability = ensemble_probability(by_model)
    np.testing.assert_allclose(probability, [0.25, 0.65], rtol=1e-6)
    assert probability.dtype == np.float32


def test_sigmoid_of_any_number_is_a_probability():
    logits = np.array([-1e4, -100, -2, 0, 3, 100, 1e4], np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        got = sigmoid(logits.copy())
    expected = 1 / (1 + np.exp(-np.clip(logits.astype(np.float64), -700, 700)))
    np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-37)
