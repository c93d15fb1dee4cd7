"""Flares that are found by asking no more than decides are those of the whole evaluation."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

import numpy as np
import pytest
from mpi4py import MPI

from cvzmpi.cvz.configuration import Config
from cvzmpi.cvz.detection.flare_mask import MaskRule, in_runs
from cvzmpi.cvz.detection.stella.ensemble import (
    EnsembleEvaluation,
    ensemble_probability,
    evaluate,
)
from cvzmpi.cvz.detection.stella.flares_alone import FlaresAlone
from cvzmpi.cvz.detection.stella.network import Network
from cvzmpi.cvz.detection.stella.network_order import network_order
from cvzmpi.cvz.detection.stella.stella_detector import StellaDetector
from cvzmpi.cvz.light_curves.observation import Observation
from cvzmpi.cvz.simulation.simulate import simulate_light_curve
from cvzmpi.mpi.team import Team
from tests.cvz.plain_network import flaring_curve, random_curve, random_weights
from tests.mpi_marks import mpi

RULE = MaskRule(0.5, 3, 20)
NO_SPANS = np.empty((0, 2), int)


def asked(flux, evaluated, rule, spans, networks):
    """What is known at the end, however many flares there are."""
    bounds = np.empty((2, len(networks), len(flux)), np.float32)
    known = FlaresAlone(flux, evaluated, rule, spans, networks, bounds)
    known.forget()
    for model in network_order(len(networks), found=False)[: known.majority]:
        known.ask_along(model)
    for wanted, ask in known.steps():
        for model, cadences in enumerate(wanted()):
            if len(cadences):
                ask(model, cadences)
    return known


def greatest(probability, spans):
    inside = [probability[first : last + 1] for first, last in spans]
    return [np.max(values[np.isfinite(values)], initial=-1) for values in inside]


def assert_same(got, whole, evaluated, rule, spans):
    """The flares, and the greatest probability of each and of each span, to the last bit."""
    got, whole = (np.where(evaluated, values, np.float32(np.nan)) for values in (got, whole))
    flares = rule.flares(whole)
    np.testing.assert_array_equal(rule.flares(got), flares)
    spans = [*flares, *spans]
    np.testing.assert_array_equal(greatest(got, spans), greatest(whole, spans))
    return len(flares)


def some_evaluated(n):
    """All but what is near the edges, and around two gaps."""
    evaluated = np.zeros(n, bool)
    evaluated[100 : n - 99] = True
    evaluated[n // 3 : n // 3 + 67] = evaluated[n // 2 : n // 2 + 30] = False
    return evaluated


@pytest.fixture(scope="module")
def flaring(networks):
    """A curve with flares of all sizes, upright and turned over, and all answers to it."""
    flux = np.concatenate([flaring_curve(1400, seed=2), 2 - flaring_curve(500, seed=4)])
    return flux, evaluate(flux, networks).model_probabilities()


@pytest.mark.parametrize("n_networks", [1, 2, 3, 9, 10])
def test_any_rule_finds_the_flares_of_the_whole_evaluation(flaring, networks, n_networks):
    flux, by_model = flaring
    networks, whole = networks[:n_networks], ensemble_probability(by_model[:n_networks])
    evaluated = some_evaluated(len(flux))
    rng = np.random.default_rng(n_networks)
    found = 0
    for number in range(5):
        threshold = float(rng.choice([rng.uniform(0.001, 0.999), rng.choice(whole[evaluated])]))
        rule = MaskRule(threshold, int(rng.integers(1, 6)), int(rng.choice([1, 5, 20])))
        first = rng.integers(0, len(flux) - 90, 1 + number % 4)
        spans = np.stack([first, first + rng.integers(0, 40, len(first))], axis=1)
        spans[0] = len(flux) // 3 - 8, len(flux) // 3 + 75  # over a gap
        known = asked(flux, evaluated, rule, spans, networks)
        found += assert_same(known.probability(), whole, evaluated, rule, spans)
    assert found > 10


def test_a_threshold_beside_or_at_a_probability_is_decided_as_by_the_whole(flaring, networks):
    """By the last bit: one step above, at it, and one below."""
    flux, by_model = flaring
    networks, evaluated = networks[:4], some_evaluated(len(flux))
    whole = ensemble_probability(by_model[:4])
    near = np.flatnonzero(evaluated & (whole > 0.2) & (whole < 0.9))[::9]
    assert len(near) > 3
    numbers = set()
    for cadence in near[:3]:
        for to in (0, 1, 2):
            threshold = float(np.nextafter(whole[cadence], np.float32(to)))
            for rule in (MaskRule(threshold, 1, 1), MaskRule(threshold, 3, 1)):
                known = asked(flux, evaluated, rule, NO_SPANS, networks)
                number = assert_same(known.probability(), whole, evaluated, rule, NO_SPANS)
                numbers.add((cadence, rule.min_cadences, number))
    assert len(numbers) > 6, "it makes a difference"


def test_a_flare_of_the_fewest_cadences_is_found_wherever_it_begins(flaring, networks):
    """Its cadences are at one even position, or at two: the curve is moved on by one."""
    flux, by_model = flaring
    networks, evaluated = networks[:4], some_evaluated(len(flux))
    whole = ensemble_probability(by_model[:4])
    probability = np.where(evaluated, whole, 0)
    lengths = set()
    for threshold in np.unique(whole[evaluated])[-400::80].tolist():
        rule = MaskRule(threshold, 2, 1)
        expected = rule.flares(probability)
        lengths |= {(int(first % 2), int(last - first)) for first, last in expected}
        got = asked(flux, evaluated, rule, NO_SPANS, networks).probability()
        np.testing.assert_array_equal(rule.flares(np.where(evaluated, got, 0)), expected)
    assert {(0, 1), (1, 1), (0, 2), (1, 2)} <= lengths


def test_some_cadences_are_computed_to_the_last_bit(networks):
    flux = random_curve(1333, seed=7)
    rng = np.random.default_rng(0)
    for cadences in ([0], [1332], [511, 512, 513], np.sort(rng.choice(1333, 40, replace=False))):
        evaluation = EnsembleEvaluation.allocate(flux, networks[:1], np.zeros)
        got = evaluation.some_probabilities(0, np.array(cadences))
        expected = evaluate(flux, networks[:1]).model_probabilities()[0, cadences]
        np.testing.assert_array_equal(got, expected)


def test_a_light_curve_many_times_as_bright_as_its_median_is_computed_whole(networks):
    flux = 1 + 1e-4 * random_curve(700)
    known = FlaresAlone(flux, np.ones(700, bool), RULE, NO_SPANS, networks, np.zeros((2, 10, 700)))
    assert not known.too_many()
    flux = np.where(np.arange(700) == 300, 31, flux)
    assert replace(known, flux=flux).too_many()


def test_of_a_quiet_light_curve_a_majority_is_asked_at_every_second_cadence(networks):
    flux = 1 + 1e-4 * random_curve(1500)
    evaluated = np.ones(1500, bool)
    evaluated[:100] = evaluated[1401:] = False
    known = asked(flux, evaluated, RULE, NO_SPANS, networks)
    answered = np.count_nonzero(known.bounds[0] >= 0, axis=1)
    assert sorted(answered) == [0] * 4 + [651] * 6
    assert np.isnan(known.probability()).all()
    span = np.array([[700, 709]])
    known = asked(flux, evaluated, RULE, span, networks)
    answered = np.count_nonzero(known.bounds[0] >= 0, axis=1)
    assert sorted(answered) == [10] * 4 + [656] * 6
    whole = evaluate(flux, networks).probability()
    assert_same(known.probability(), whole, evaluated, RULE, span)


@pytest.mark.parametrize("amplitude", [0.0, 0.02, -0.02])
@pytest.mark.parametrize("times", [1, 60])
def test_the_detector_says_the_same_of_a_light_curve_with_few_and_with_many_flares(
    models, amplitude, times
):
    """Where there are many, it computes all answers."""
    detector = StellaDetector(models)
    light_curve, _ = simulate_light_curve(9_000_000_001, 1, 1, n_cadences=2500, active=True)
    observation = Observation.prepare(light_curve, Config(), detector.window)
    flux = 2 - observation.flux
    for peak in np.linspace(150, len(flux) - 150, times).astype(int):
        flux[peak : peak + 20] += amplitude * np.exp(-np.arange(20) / 5)
    image = replace(observation, flux=flux)
    spans = np.array([[300, 310], [1200, 1201]])
    with ExitStack() as shared:
        team = Team.alone()
        got = detector.probability_of_flares(image, RULE, spans, team, shared)
    whole = evaluate(flux, detector.networks).probability()
    n_flares = assert_same(got, whole, observation.evaluated, RULE, spans)
    if amplitude > 0:
        assert n_flares >= times * 0.8 if times == 1 else n_flares > 10
        assert np.isfinite(got[observation.evaluated]).all() == (times > 1)


@mpi
@pytest.mark.parametrize("noise", [1e-4, 1e-3])
def test_a_team_of_any_size_says_what_one_rank_says(models, noise):
    """Of a quiet light curve with one flare, and of one with so many that all is computed."""
    detector = StellaDetector(models)
    light_curve, _ = simulate_light_curve(9_000_000_001, 1, 1, n_cadences=2500, active=False)
    observation = Observation.prepare(light_curve, Config(), detector.window)
    n = len(observation.flux)
    flux = 1 + noise * random_curve(n) if noise < 1e-3 else flaring_curve(n)
    flux[1000:1020] += 0.02 * np.exp(-np.arange(20) / 5)
    image = replace(observation, flux=flux)
    spans = np.array([[300, 310], [1500, 1501]])
    with ExitStack() as shared:
        team = Team(MPI.COMM_WORLD)
        got = detector.probability_of_flares(image, RULE, spans, team, shared)
        alone = detector.probability_of_flares(image, RULE, spans, Team.alone(), shared)
    whole = evaluate(flux, detector.networks).probability()
    for probability in (got, alone):
        assert assert_same(probability, whole, observation.evaluated, RULE, spans) >= 1
        assert np.isfinite(probability[observation.evaluated]).all() == (noise == 1e-3)


def test_the_greatest_probability_of_a_flare_may_lie_between_its_runs():
    """Where fewer cadences than a run needs are above the threshold."""
    networks = [Network.from_keras(random_weights(seed)) for seed in range(3)]
    n_between = 0
    for seed in range(3):
        flux = random_curve(1500, seed=seed)
        evaluated = np.zeros(len(flux), bool)
        evaluated[100:-100] = True
        whole = ensemble_probability(evaluate(flux, networks).model_probabilities())
        known = np.where(evaluated, whole, np.float32(np.nan))
        for threshold in np.quantile(whole[evaluated], [0.7, 0.9]):
            for rule in (MaskRule(float(threshold), 2, 20), MaskRule(float(threshold), 5, 50)):
                runs = in_runs(rule.flaring(known), rule.min_cadences)
                between = [
                    not runs[first + int(np.nanargmax(known[first : last + 1]))]
                    for first, last in rule.flares(known)
                ]
                n_between += sum(between)
                got = asked(flux, evaluated, rule, NO_SPANS, networks).probability()
                assert_same(got, whole, evaluated, rule, NO_SPANS)
    assert n_between > 5
