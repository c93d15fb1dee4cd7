"""Every second window at once, and windows apart: the same answers, but for rounding."""

from __future__ import annotations

import numpy as np
import pytest

from cvzmpi.cvz.detection.stella import layers
from cvzmpi.cvz.detection.stella.changed_features import Buffers
from cvzmpi.cvz.detection.stella.ensemble import evaluate, sigmoid
from cvzmpi.cvz.detection.stella.every_second import (
    EverySecondWindow,
    every_second_row,
    n_every_second,
)
from cvzmpi.cvz.detection.stella.flares_alone import rounding
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


def answers(network, flux, buffers=None):
    found = EverySecondWindow.of(network).answers(every_second_row(flux), buffers or Buffers())
    n = n_every_second(len(flux))
    assert n <= len(found) <= n + 1
    return found[:n]


def windows_at(flux, cadences):
    reach = np.arange(-SEES_BEFORE, SEES - SEES_BEFORE)
    return flux[np.asarray(cadences)[:, None] + reach].astype(np.float32)


def test_every_second_window_is_that_of_the_plain_network():
    """Also across blocks of 512 positions of their own, which are 1024 cadences."""
    weights = random_weights(1)
    flux = random_curve(2700)
    cadences = range(SEES_BEFORE, len(flux) - SEES + SEES_BEFORE + 1, 2)
    expected = plain_probabilities(weights, flux, cadences)[cadences]
    got = answers(Network.from_keras(weights), flux)
    assert np.ptp(expected) > 0.01
    np.testing.assert_allclose(got, expected, rtol=0, atol=ROUNDING)


def test_light_curves_of_all_lengths_share_buffers():
    """From the shortest: 46 = 2 x 23 lengths in a row, of two residues and stretches of 23."""
    weights = random_weights(2)
    network, buffers = Network.from_keras(weights), Buffers()
    flux = random_curve(SEES + 93, seed=5)
    expected = plain_probabilities(weights, flux)
    for n in reversed(range(SEES, len(flux))):
        cadences = slice(SEES_BEFORE, n - SEES + SEES_BEFORE + 1, 2)
        got = answers(network, flux[:n], buffers)
        np.testing.assert_allclose(got, expected[cadences], rtol=0, atol=ROUNDING)


def test_windows_apart_are_those_of_the_plain_network():
    weights = random_weights(3)
    flux = random_curve(700, seed=3)
    cadences = [100, 101, 377, 378, 599, 600]
    got = layers.separate_windows(Network.from_keras(weights), windows_at(flux, cadences))
    expected = plain_probabilities(weights, flux, cadences)[cadences]
    np.testing.assert_allclose(sigmoid(got), expected, rtol=0, atol=ROUNDING)


@pytest.mark.parametrize("size", [1e-3, 1e-2, 0.1, 0.2])
def test_answers_differ_from_the_evaluation_by_much_less_than_is_allowed_for(networks, size):
    """Half, whether flares are faint or many times as bright as the star."""
    flux = flaring_curve(1500, noise=size)
    cadences = np.arange(SEES_BEFORE, len(flux) - SEES + SEES_BEFORE + 1)
    whole = evaluate(flux, networks).model_probabilities()[:, cadences]
    assert whole.min() < 0.01
    assert whole.max() > 0.99
    for network, expected in zip(networks, whole, strict=True):
        allowed = rounding(expected, flux.max()) / 2
        assert (abs(answers(network, flux) - expected[::2]) < allowed[::2]).all()
        apart = sigmoid(layers.separate_windows(network, windows_at(flux, cadences)))
        assert (abs(apart - expected) < allowed).all()
