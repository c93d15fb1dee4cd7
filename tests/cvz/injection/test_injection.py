"""Injections: what is drawn, and that the search finds what a plain search finds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import kstest

from cvzmpi.cvz.configuration import Config, InjectConfig
from cvzmpi.cvz.detection.flare_mask import MaskRule, covered, in_runs
from cvzmpi.cvz.detection.flares import Detection
from cvzmpi.cvz.detection.stella.ensemble import evaluate
from cvzmpi.cvz.detection.stella.published_models import StellaModels
from cvzmpi.cvz.detection.stella.stella_detector import StellaDetector, StellaEvaluation
from cvzmpi.cvz.injection import injection
from cvzmpi.cvz.injection.batch_decisions import BatchDecisions
from cvzmpi.cvz.injection.flare_shape import mean_flare_shape
from cvzmpi.cvz.injection.injection import (
    Injections,
    InjectionSearch,
    draw_injections,
)
from cvzmpi.cvz.light_curves.observation import Observation
from cvzmpi.cvz.simulation.invented_star import FlareLaw
from cvzmpi.cvz.simulation.simulate import simulate_light_curve
from cvzmpi.errors import LightCurveError
from cvzmpi.scheduler.tickets import TaperedTickets
from tests.cvz.plain_network import SEES, SEES_BEFORE

DEFAULT_RULE, DEFAULT_TOLERANCE = MaskRule(threshold=0.5, min_cadences=3, merge_gap=20), 3
ENTROPY = (7, 9_000_000_001, 1)  # seed, tic, sector
EXPOSURE = 120 / 86400
SEED, OFTEN = 1, FlareLaw(active_per_day=3.0)


class Curve:
    """A simulated light curve with what the search needs of it."""

    def __init__(self, models):
        light_curve, _ = simulate_light_curve(
            *ENTROPY[1:], SEED, n_cadences=3000, active=True, flares=OFTEN
        )
        self.detector = StellaDetector(models)
        self.networks = self.detector.networks
        self.observation = Observation.prepare(light_curve, Config(), StellaDetector.window)
        self.evaluation = evaluate(self.observation.flux, self.networks)
        self.probability = self.evaluation.probability()

    def detection(self, rule):
        return Detection.apply(rule, self.probability, self.observation.evaluated)

    def candidates(self, rule, tolerance):
        return self.detection(rule).candidates(self.observation.evaluated, tolerance)

    def draw(self, rule=DEFAULT_RULE, tolerance=DEFAULT_TOLERANCE, **settings):
        return draw_injections(
            InjectConfig(**settings),
            ENTROPY,
            self.observation.flux_error,
            self.candidates(rule, tolerance),
            self.observation.time,
            EXPOSURE,
        )

    def search(self, rule=DEFAULT_RULE, tolerance=DEFAULT_TOLERANCE):
        return InjectionSearch(
            self.detector,
            rule,
            tolerance,
            StellaEvaluation(self.detector, self.evaluation),
            self.observation,
        )

    def plain_recovered(self, rule, tolerance, amplitude, fwhm, cadence, time):
        """Inject all of the flare, evaluate all windows around it, and look for flares."""
        observation = self.observation
        flare = amplitude * mean_flare_shape(observation.time - time, fwhm, EXPOSURE)
        start = max(0, cadence - 220)
        around = slice(start, min(len(flare), cadence + 220))
        evaluation = evaluate((observation.flux + flare)[around], self.networks)
        nearby = evaluation.probability()
        whole = slice(SEES_BEFORE, len(nearby) - SEES + SEES_BEFORE + 1)
        probability = self.probability.copy()
        probability[start + whole.start : start + whole.stop] = nearby[whole]
        probability[~observation.evaluated] = np.nan
        return any(
            first - tolerance <= cadence <= last + tolerance
            for first, last in rule.flares(probability)
        )

    def all_plain_recovered(self, injections, rule=DEFAULT_RULE, tolerance=DEFAULT_TOLERANCE):
        result = np.empty(injections.cadence.shape, bool)
        for i, j in np.ndindex(result.shape):
            result[i, j] = self.plain_recovered(
                rule,
                tolerance,
                injections.amplitude[i],
                injections.fwhm[i],
                injections.cadence[i, j],
                injections.time[i, j],
            )
        return result


@pytest.fixture(scope="module")
def curve(models):
    return Curve(models)


@pytest.fixture(scope="module")
def curve_of_three(models):
    """With three networks only, for the rules that look at many cadences."""
    three = {name: stacked[:3] for name, stacked in models.weights.items()}
    return Curve(StellaModels(three, models.checksum))


def everything(injections):
    return slice(0, len(injections.amplitude))


def test_recovered_is_what_a_plain_search_finds(curve):
    """Flares of all sizes: some never recovered, some always, and those in between."""
    injections = curve.draw(n_inject=36, n_repeat=4)
    assert len(curve.detection(DEFAULT_RULE).flares) > 5  # the star has flares of its own
    expected = curve.all_plain_recovered(injections)
    got = curve.search().recovered(injections, everything(injections))
    share = expected.mean(axis=1)
    assert (share == 0).any()
    assert (share == 1).any()
    assert ((share > 0) & (share < 1)).sum() > 5
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize(
    ("rule", "tolerance"),
    [
        (MaskRule(0.5, 1, 1), 0),
        (MaskRule(0.2, 2, 2), 1),
        (MaskRule(0.8, 1, 50), 0),
        (MaskRule(0.3, 5, 100), 2),
        (MaskRule(0.5, 20, 20), 20),
        (MaskRule(0.1, 20, 100), 0),
    ],
)
def test_recovered_is_what_a_plain_search_finds_with_other_rules(curve_of_three, rule, tolerance):
    settings = {"n_inject": 30, "n_repeat": 2, "fwhm_median": 0.004}
    injections = curve_of_three.draw(rule, tolerance, **settings)
    expected = curve_of_three.all_plain_recovered(injections, rule, tolerance)
    got = curve_of_three.search(rule, tolerance).recovered(injections, everything(injections))
    assert expected.any()
    assert not expected.all()
    np.testing.assert_array_equal(got, expected)


def test_of_faint_long_flares_all_that_matters_is_followed(curve_of_three):
    """Most of such a flare is fainter than the flux error."""
    injections = curve_of_three.draw(
        n_inject=60, n_repeat=3, min_amplitude=1.5, max_amplitude=8.0, fwhm_median=0.02
    )
    expected = curve_of_three.all_plain_recovered(injections)
    got = curve_of_three.search().recovered(injections, everything(injections))
    assert 0.1 < expected.mean() < 0.9
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("merge_gap", [20, 51, 100])
def test_beside_the_stars_own_flares_a_peak_may_lie_between_two_runs(curve_of_three, merge_gap):
    """An injected flare whose peak is not found, but its tail, and a flare of the star before it
    that is merged with that: the peak is covered.
    """
    rule, tolerance = MaskRule(0.5, 2, merge_gap), 0
    observation = curve_of_three.observation
    candidates = curve_of_three.candidates(rule, tolerance)
    flares = curve_of_three.detection(rule).flares
    distance = np.min(
        np.maximum(flares[:, 0] - candidates[:, None], candidates[:, None] - flares[:, 1]), axis=1
    )
    near = candidates[distance <= merge_gap + 3]
    cadence = near[:: -(-len(near) // 50)]
    size = np.array([(3, 4), (4, 8), (6, 15)])
    injections = Injections(
        amplitude=size[:, 0] * observation.flux_error,
        fwhm=size[:, 1] * EXPOSURE,
        cadence=np.tile(cadence, (len(size), 1)),
        time=np.tile(observation.time[cadence], (len(size), 1)),
    )
    expected = curve_of_three.all_plain_recovered(injections, rule, tolerance)
    got = curve_of_three.search(rule, tolerance).recovered(injections, everything(injections))
    without = curve_of_three.search(MaskRule(0.5, 2, 1), tolerance)
    assert (got != without.recovered(injections, everything(injections))).any()
    np.testing.assert_array_equal(got, expected)


def test_flares_at_the_edges_and_of_extreme_lengths_are_decided_by_the_plain_rule(curve_of_three):
    """At the first and last evaluated cadences of each segment, where half of a flare is lost, and
    next to the star's own flares; from shorter than a cadence to longer than a window.
    """
    observation = curve_of_three.observation
    candidates = curve_of_three.candidates(DEFAULT_RULE, DEFAULT_TOLERANCE)
    edges = np.flatnonzero(np.diff(candidates) > 1)
    assert len(edges) > 3  # a gap, and flares
    cadence = np.unique(candidates[[0, 1, -2, -1, *edges, *(edges + 1)]])
    size = np.array([(3, 0.05), (12, 0.5), (12, 1.5), (12, 6), (40, 30), (60, 200)])
    injections = Injections(
        amplitude=size[:, 0] * observation.flux_error,
        fwhm=size[:, 1] * EXPOSURE,
        cadence=np.tile(cadence, (len(size), 1)),
        time=np.tile(observation.time[cadence] + 0.4 * EXPOSURE, (len(size), 1)),
    )
    expected = curve_of_three.all_plain_recovered(injections)
    got = curve_of_three.search().recovered(injections, everything(injections))
    assert expected.any()
    assert not expected.all()
    np.testing.assert_array_equal(got, expected)


def test_tickets_in_any_order_by_anyone_give_the_same_answers(curve):
    """As the members of a team take them; those in the end are smaller."""
    injections = curve.draw(n_inject=100, n_repeat=4)
    cut = TaperedTickets(0, 100, most=40, least=8)
    tickets = [cut.place(number) for number in range(len(cut))]
    one = curve.search()
    in_order = np.concatenate([one.recovered(injections, ticket) for ticket in tickets])
    others = {t.start: curve.search().recovered(injections, t) for t in reversed(tickets)}
    np.testing.assert_array_equal(np.concatenate([others[t.start] for t in tickets]), in_order)
    assert 0.2 < in_order.mean() < 0.9


def test_decisions_do_not_depend_on_which_flares_are_searched_together(curve, monkeypatch):
    monkeypatch.setattr(injection, "_BATCH", 50)  # several in what is searched together
    injections = curve.draw(n_inject=60, n_repeat=4)
    together = curve.search().recovered(injections, slice(0, 60))
    alone = [curve.search().recovered(injections, slice(i, i + 1)) for i in range(60)]
    np.testing.assert_array_equal(np.concatenate(alone), together)


@pytest.mark.parametrize("threshold", [0.5, 0.2, "of some probability"])
def test_decisions_are_those_of_all_networks_at_all_cadences(curve, threshold, monkeypatch):
    """However few were asked, and also where a probability is the threshold to the last bit."""
    batches = []
    decide = BatchDecisions.decide

    def recording(self):
        found = decide(self)
        batches.append((self, found))
        return found

    monkeypatch.setattr(BatchDecisions, "decide", recording)
    injections = curve.draw(n_inject=40, n_repeat=5)
    tied = threshold == "of some probability"
    rule = replace(DEFAULT_RULE, threshold=0.5 if tied else threshold)
    curve.search(rule).recovered(injections, everything(injections))
    if tied:
        batch, _ = batches.pop()
        everyone = np.arange(len(batch._evaluated))
        values = batch._injected.probability(everyone, batch._around.middle)[:, 1]
        rule = replace(rule, threshold=float(values[np.argsort(np.abs(values - 0.3))[0]]))
        curve.search(rule).recovered(injections, everything(injections))
    batch, found = batches[0]
    everyone = np.arange(len(found))
    flaring = rule.flaring(batch._injected.probability(everyone, slice(0, batch._around.length)))
    runs = in_runs(flaring & batch._evaluated, rule.min_cadences)
    expected = covered(runs, batch._around.peak, DEFAULT_TOLERANCE, rule.merge_gap)
    assert 0.1 < expected.mean() < 0.9
    np.testing.assert_array_equal(found, expected)


def test_most_decisions_ask_few_networks_about_few_cadences(curve, n_asked):
    injections = curve.draw(n_inject=40, n_repeat=5)
    curve.search().recovered(injections, everything(injections))
    all_of_them = 40 * 5 * len(curve.networks) * DEFAULT_RULE.around_peak(3, 4).length
    assert sum(n_asked) < 0.3 * all_of_them


@pytest.mark.parametrize("n_repeat", [1, 61, 130])
def test_any_number_of_repeats_is_searched(curve_of_three, n_repeat):
    injections = curve_of_three.draw(n_inject=3, n_repeat=n_repeat)
    first = replace(injections, cadence=injections.cadence[:, :1], time=injections.time[:, :1])
    got = curve_of_three.search().recovered(injections, slice(0, 3))
    assert got.shape == (3, n_repeat)
    expected = curve_of_three.search().recovered(first, slice(0, 3))
    np.testing.assert_array_equal(got[:, :1], expected)


def test_the_search_leaves_the_evaluation_as_it_is(curve):
    before = curve.evaluation.hidden.copy(), curve.evaluation.features.copy()
    injections = curve.draw(n_inject=40, n_repeat=2)
    curve.search().recovered(injections, everything(injections))
    np.testing.assert_array_equal(curve.evaluation.hidden, before[0])
    np.testing.assert_array_equal(curve.evaluation.features, before[1])


# What is drawn

CANDIDATES = np.r_[100:400, 650:1900]
TIME = 1325.3 + EXPOSURE * np.arange(2000)
FLUX_ERROR = 1.3e-3


def drawn(entropy=ENTROPY, candidates=CANDIDATES, **settings):
    config = InjectConfig(**{"n_inject": 50, "n_repeat": 4} | settings)
    return draw_injections(config, entropy, FLUX_ERROR, candidates, TIME, EXPOSURE)


def assert_same(one, other):
    for name in ("amplitude", "fwhm", "cadence", "time"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_draws_are_reproducible():
    assert_same(drawn(), drawn())


@pytest.mark.parametrize("entropy", [(8, *ENTROPY[1:]), (7, 5, 1), (*ENTROPY[:2], 2)])
def test_another_seed_target_or_sector_draws_all_anew(entropy):
    one, other = drawn(), drawn(entropy)
    assert (one.amplitude != other.amplitude).all()
    assert (one.fwhm != other.fwhm).all()
    assert (one.time != other.time).all()


def test_fewer_repeats_are_the_first_ones():
    many, few = drawn(n_repeat=12), drawn(n_repeat=5)
    assert_same(few, replace(many, cadence=many.cadence[:, :5], time=many.time[:, :5]))


def test_fewer_flares_are_the_first_ones():
    many, few = drawn(n_inject=70), drawn(n_inject=30)
    assert_same(few, Injections(*(v[:30] for v in vars(many).values())))


def test_no_two_flares_or_places_are_the_same():
    injections = drawn(n_inject=200)
    assert len(np.unique(injections.amplitude)) == 200
    assert len(np.unique(injections.fwhm)) == 200
    assert len(np.unique(injections.time)) == 800


def test_amplitudes_are_log_uniform_in_units_of_the_flux_error():
    amplitude = drawn(n_inject=3000, min_amplitude=2.0, max_amplitude=80.0).amplitude / FLUX_ERROR
    assert amplitude.min() >= 2
    assert amplitude.max() <= 80
    assert kstest(np.log(amplitude / 2) / np.log(40), "uniform").pvalue > 0.01


def test_fwhms_are_log_normal():
    fwhm = drawn(n_inject=3000, fwhm_median=0.003, fwhm_sigma=0.4).fwhm
    assert kstest(np.log(fwhm / 0.003) / 0.4, "norm").pvalue > 0.01


def test_amplitude_and_fwhm_are_independent():
    injections = drawn(n_inject=3000)
    correlation = np.corrcoef(np.log(injections.amplitude), np.log(injections.fwhm))[0, 1]
    assert abs(correlation) < 0.05


def test_peaks_are_uniform_over_the_candidates_and_over_their_cadences():
    injections = drawn(n_inject=500, n_repeat=8)
    cadence, time = injections.cadence.ravel(), injections.time.ravel()
    assert np.isin(cadence, CANDIDATES).all()
    place = np.searchsorted(CANDIDATES, cadence)
    since_start = (time - TIME[cadence]) / EXPOSURE + 0.5  # of the cadence, in cadences
    assert since_start.min() >= -1e-6  # BTJD in days is good to 1e-8 cadences
    assert since_start.max() <= 1 + 1e-6
    spread = (place + since_start) / len(CANDIDATES)
    assert kstest(spread, "uniform").pvalue > 0.01
    assert kstest(since_start, "uniform").pvalue > 0.01


def test_equal_limits_and_no_spread_are_one_size():
    injections = drawn(min_amplitude=5.0, max_amplitude=5.0, fwhm_sigma=0.0)
    np.testing.assert_allclose(injections.amplitude, 5 * FLUX_ERROR, rtol=1e-12)
    np.testing.assert_allclose(injections.fwhm, 0.002, rtol=1e-12)


def test_no_place_to_inject_at_is_an_error():
    with pytest.raises(LightCurveError, match="no evaluated cadence outside of flares"):
        drawn(candidates=np.empty(0, int))


def test_peaks_are_never_in_or_near_a_flare_nor_where_the_detector_does_not_look(curve):
    rule, tolerance = DEFAULT_RULE, 5
    flares = curve.detection(rule).flares
    cadence = curve.draw(rule, tolerance, n_inject=200, n_repeat=20).cadence
    assert curve.observation.evaluated[cadence].all()
    distance = np.maximum(flares[:, 0] - cadence[..., None], cadence[..., None] - flares[:, 1])
    assert distance.min() == tolerance + 1  # as near as it may be, and no nearer
