"""What an injected flare changes, against the evaluation of the whole injected curve.

With random networks and random changes of the flux, which show any mistake; rounding is small
there. With stella's networks and flares, rounding is the networks' own. Each is shown for flares
that are computed together (`batch_probability`), and for one alone (`probability`).
"""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from cvzmpi.cvz.detection.stella.changed_features import Buffers
from cvzmpi.cvz.detection.stella.changed_windows import ChangedWindows
from cvzmpi.cvz.detection.stella.ensemble import MARGIN, ensemble_probability, evaluate
from cvzmpi.cvz.detection.stella.injected_windows import ROUNDING as GUARD
from cvzmpi.cvz.detection.stella.injected_windows import InjectedWindows
from cvzmpi.cvz.detection.stella.network import LEFT_READS, STEP, Network
from cvzmpi.cvz.detection.stella.network_order import FOUND
from cvzmpi.cvz.detection.stella.window_plan import WindowPlan
from cvzmpi.cvz.injection.flare_shape import mean_flare_shape
from tests.cvz.plain_network import (
    ROUNDING,
    SEES,
    SEES_BEFORE,
    flaring_curve,
    plain_probabilities,
    random_curve,
    random_weights,
)

STELLA_ROUNDING = 5e-5  # for stella's, which are up to 1e-4 from their exact answers

N = 700
PEAKS = np.array([SEES_BEFORE, 101, 102, 103, 333, 420, N - SEES + SEES_BEFORE])
DEFAULT = WindowPlan(first_cadence=-25, n_u=13)  # that of the default mask rule, or nearly
SMALL = WindowPlan(first_cadence=-1, n_u=1)
LARGEST = WindowPlan(first_cadence=-119, n_u=60)  # of the widest mask rule that can be configured
LOPSIDED = WindowPlan(first_cadence=10, n_u=7)

# Cadences before and after the peak that a flare changes: none, short ones, and ones that reach the
# left, the right, or both borders of a window.
EXTENTS = [(0, 0), (1, 0), (2, 8), (10, 40), (30, 75), (75, 30), (99, 99), (100, 100), (150, 130)]


@pytest.fixture(scope="module")
def random_networks():
    return [Network.from_keras(random_weights(seed)) for seed in range(3)]


class Injected:
    """A batch of changes to a curve: incrementally, and each as a curve of its own."""

    def __init__(self, flux, networks, plan, extent, change, peaks=PEAKS):
        before, after = extent
        self.flux, self.networks, self.plan, self.peaks = flux, networks, plan, peaks
        self.reach = plan.reach(before, after)
        self.windows = InjectedWindows(
            evaluate(flux, networks),
            plan,
            [self.reach] * len(peaks),
            peaks,
            Buffers(),
        )
        since_peak = np.arange(len(flux)) - peaks[:, None]
        inside = (-before <= since_peak) & (since_peak <= after)
        changes = np.where(inside, change(since_peak), 0.0)
        self.curves = flux + changes

        def in_curve(members, positions):
            """What the windows ask for: nothing is injected before or after the curve."""
            cadence = positions - LEFT_READS - MARGIN
            inside = (cadence >= 0) & (cadence < len(flux))
            values = np.take_along_axis(changes[members], np.where(inside, cadence, 0), axis=1)
            return np.where(inside, values, 0.0)

        self.windows.inject(in_curve)

    def together(self, cadences=None):
        """The probability of all flares, computed together."""
        return batch_probability(
            self.windows, np.arange(len(self.peaks)), cadences or whole(self.plan)
        )

    def cadences(self, k):
        """Which cadences are asked for, and which of them are in the curve."""
        cadence = self.peaks[k] + self.plan.first_cadence + np.arange(STEP * self.plan.n_u)
        return cadence, (cadence >= 0) & (cadence < len(self.flux))

    def full(self, k):
        """The probability along the whole injected curve."""
        evaluation = evaluate(self.curves[k], self.networks)
        return evaluation.probability()

    def largest_deviation(self, got):
        deviations = []
        for k, probability in enumerate(got):
            cadence, in_curve = self.cadences(k)
            deviations.extend(np.abs(probability[in_curve] - self.full(k)[cadence[in_curve]]))
        assert len(deviations) > 0.8 * got.size
        return max(deviations)


def whole(plan):
    """All cadences of a plan."""
    return slice(0, STEP * plan.n_u)


def batch_probability(windows, members, cadences):
    """The probability by all networks, from answers as `known` reads them."""
    windows.ask(members, cadences, True, windows.n_rounds - 1)
    return ensemble_probability(windows._answers[:, members, cadences])


def noise(since_peak):
    return np.random.default_rng(9).standard_normal(since_peak.shape)


@pytest.mark.parametrize("extent", EXTENTS)
@pytest.mark.parametrize("plan", [SMALL, DEFAULT, LOPSIDED])
def test_any_change_is_evaluated_like_the_whole_injected_curve(random_networks, plan, extent):
    injected = Injected(random_curve(N), random_networks, plan, extent, noise)
    alone = injected.windows.probability(np.arange(len(PEAKS)), whole(plan))
    for got in (alone, injected.together()):
        assert got.shape == (len(PEAKS), STEP * plan.n_u)
        assert injected.largest_deviation(got) < ROUNDING


@pytest.mark.parametrize("extent", [(0, 0), (20, 20), (60, 150), (100, 20)])
def test_also_with_the_widest_mask_rule(random_networks, extent):
    injected = Injected(random_curve(N), random_networks, LARGEST, extent, noise)
    got = injected.together()
    assert injected.largest_deviation(got) < ROUNDING


@pytest.mark.parametrize("plan", [SMALL, DEFAULT])
def test_a_change_at_any_single_cadence_is_followed_as_far_as_it_goes(plan):
    """One cadence changes, from before the first window to after the last: at every distance from
    the borders of windows, with the features that it changes and no more of them.
    """
    networks = [Network.from_keras(random_weights(0))]
    flux, peak = random_curve(500), 250
    evaluation = evaluate(flux, networks)
    first = peak + plan.first_cadence
    for distance in range(plan.first_cadence - 105, plan.first_cadence + STEP * plan.n_u + 105):
        reach = plan.reach(max(-distance, 0), max(distance, 0), step=1)
        windows = InjectedWindows(evaluation, plan, [reach], np.array([peak]), Buffers())
        there = peak + distance + LEFT_READS + MARGIN
        windows.inject(lambda members, positions, at=there: np.where(positions == at, 3.0, 0.0))
        changed = flux.copy()
        changed[peak + distance] += 3.0
        full = evaluate(changed, networks).model_probabilities()[0]
        np.testing.assert_allclose(
            batch_probability(windows, np.array([0]), whole(plan))[0],
            full[first : first + STEP * plan.n_u],
            rtol=0,
            atol=ROUNDING,
        )


def test_the_extents_of_these_tests_are_of_all_kinds():
    """Changes that reach no border of a window, the left, the right, and both."""
    kinds = set()
    for plan, extent in product([SMALL, DEFAULT, LOPSIDED], EXTENTS):
        reach = plan.reach(*extent)
        kinds.add((reach.left_border, reach.right_border))
    assert kinds == {(False, False), (True, False), (False, True), (True, True)}


@pytest.mark.parametrize("extent", EXTENTS)
@pytest.mark.parametrize("plan", [SMALL, DEFAULT, LOPSIDED])
def test_the_other_cadences_where_every_second_is_known_are_evaluated_alone(
    random_networks, plan, extent, n_asked
):
    injected = Injected(random_curve(N), random_networks, plan, extent, noise)
    every_second = slice(0, STEP * plan.n_u, 2)
    batch_probability(injected.windows, np.arange(len(PEAKS)), every_second)
    n_asked.clear()
    got = injected.together()
    assert injected.largest_deviation(got) < ROUNDING
    assert sum(n_asked) == len(random_networks) * got.size / 2


@pytest.mark.parametrize("extent", [(3, 12), (80, 90)])
@pytest.mark.parametrize("members", [[0], [6], [5, 1, 3], [2, 2]])
@pytest.mark.parametrize("stretch", [(0, 52), (0, 4), (20, 32), (48, 52), (0, 52, 2), (16, 28, 2)])
def test_some_injections_at_some_cadences_are_a_part_of_all_at_all(
    random_networks, extent, members, stretch
):
    injected, other = (
        Injected(random_curve(N), random_networks, DEFAULT, extent, noise) for _ in range(2)
    )
    everything, members, stretch = injected.together(), np.array(members), slice(*stretch)
    expected = everything[members, stretch]
    for part in (
        batch_probability(other.windows, members, stretch),
        injected.windows.probability(members, stretch),
    ):
        assert part.shape == expected.shape
        np.testing.assert_allclose(part, expected, rtol=0, atol=ROUNDING)


def test_flares_of_different_reach_are_computed_together_as_each_with_its_own(random_networks):
    """Also where a change goes on beyond the reach: it is not followed there, by either."""
    flux, extents = random_curve(N), [(2, 8), (10, 40), (99, 99), (0, 0), (30, 75), (75, 30)]
    reaches = [DEFAULT.reach(*extent) for extent in extents]
    peaks = np.full(len(reaches), 333)
    evaluation = evaluate(flux, random_networks)

    def changes(positions):
        return 0.5 * np.cos(positions)

    windows = InjectedWindows(evaluation, DEFAULT, reaches, peaks, Buffers())
    windows.inject(lambda members, positions: changes(positions))
    together = batch_probability(windows, np.arange(len(reaches)), whole(DEFAULT))
    for k, reach in enumerate(reaches):
        alone = InjectedWindows(evaluation, DEFAULT, [reach], peaks[:1], Buffers())
        alone.inject(lambda members, positions: changes(positions))
        got = batch_probability(alone, np.array([0]), whole(DEFAULT))[0]
        np.testing.assert_allclose(together[k], got, rtol=0, atol=ROUNDING)
    assert len({tuple(row) for row in np.round(together, 4)}) == len(set(reaches)) > 4


def test_the_injections_of_a_batch_do_not_see_each_other(random_networks):
    """Not even at the same cadence, and a batch of one is answered like a large one."""
    peaks = np.array([300, 300, 303, 310])

    def only_the_first(since_peak):
        return np.where(np.arange(len(since_peak))[:, None] == 0, noise(since_peak), 0.0)

    injected = Injected(random_curve(N), random_networks, DEFAULT, (4, 9), only_the_first, peaks)
    got = injected.together()
    evaluation = evaluate(injected.flux, random_networks)
    without = evaluation.probability()
    for k in (1, 2, 3):
        cadence, _ = injected.cadences(k)
        np.testing.assert_allclose(got[k], without[cadence], rtol=0, atol=ROUNDING)
    cadence, _ = injected.cadences(0)
    assert np.abs(got[0] - without[cadence]).max() > 1e-3


def test_the_light_curve_without_flares_stays_as_it_is(random_networks):
    flux = random_curve(N)
    evaluation = evaluate(flux, random_networks)
    features, hidden, padded = (
        values.copy() for values in (evaluation.features, evaluation.hidden, evaluation.flux)
    )
    reach = DEFAULT.reach(90, 90)
    windows = InjectedWindows(evaluation, DEFAULT, [reach] * len(PEAKS), PEAKS, Buffers())
    windows.inject(lambda members, positions: np.ones(positions.shape))
    batch_probability(windows, np.arange(len(PEAKS)), whole(DEFAULT))
    first = windows.probability(np.arange(len(PEAKS)), whole(DEFAULT))
    again = windows.probability(np.arange(len(PEAKS)), whole(DEFAULT))
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(evaluation.features, features)
    np.testing.assert_array_equal(evaluation.hidden, hidden)
    np.testing.assert_array_equal(evaluation.flux, padded)


@pytest.mark.parametrize(("fwhm", "extent"), [(0.5, (2, 12)), (3, (5, 40)), (15, (30, 160))])
def test_flares_are_evaluated_by_stella_like_the_whole_injected_curve(networks, fwhm, extent):
    """Of all sizes, the small ones too, for which the answer hangs in the balance."""
    amplitude = 1e-3 * np.geomspace(1, 50, len(PEAKS))[:, None]

    def flare(since_peak):
        return amplitude * mean_flare_shape(since_peak + 0.3, fwhm, 1.0)

    injected = Injected(flaring_curve(N), networks, DEFAULT, extent, flare)
    alone = injected.windows.probability(np.arange(len(PEAKS)), whole(DEFAULT))
    got = injected.together()
    assert np.abs(alone - got).max() < GUARD / 10
    assert injected.largest_deviation(got) < STELLA_ROUNDING
    assert (got > 0.9).any()
    assert (got < 0.1).any()


def test_incremental_answers_are_those_of_the_plain_network(models, networks):
    def flare(since_peak):
        return 0.02 * mean_flare_shape(since_peak, 2.0, 1.0)

    injected = Injected(flaring_curve(N), networks, DEFAULT, (4, 30), flare, PEAKS[4:5])
    cadence, _ = injected.cadences(0)
    exact = [
        plain_probabilities(models.of_model(m), injected.curves[0], cadence)[cadence]
        for m in range(len(models))
    ]
    got = injected.windows.probability(np.array([0]), whole(DEFAULT))[0]
    assert np.abs(got - np.median(exact, axis=0)).max() < STELLA_ROUNDING


@pytest.mark.parametrize("found", [True, False])
@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.8])
def test_what_is_known_bounds_the_decision_of_all(networks, threshold, found):
    """In every round, in either order of the networks; the last leaves only ties open.

    Five networks near 0 and five near 1 have a median of one half, to the last bits.
    """
    injected = Injected(random_curve(N), networks, DEFAULT, (3, 12), noise)
    members, windows = np.arange(len(PEAKS)), injected.windows
    probability = windows.probability(members, whole(DEFAULT))
    decision = probability > threshold
    open_ones = []
    for number in range(windows.n_rounds):
        windows.ask(members, whole(DEFAULT), found, number)
        certain, possible = windows.known(members, threshold)
        assert np.all(certain <= decision)
        assert np.all(decision <= possible)
        assert np.any(certain)
        assert np.any(~possible)
        open_ones.append(np.count_nonzero(certain != possible))
    assert sorted(set(open_ones), reverse=True) == open_ones  # each round settles more
    tied = np.abs(probability - threshold) < 1.1 * GUARD
    assert np.all(tied[certain != possible])
    assert open_ones[-2] > np.count_nonzero(tied)


def test_where_nothing_was_asked_nothing_is_known(networks):
    injected = Injected(random_curve(N), networks, DEFAULT, (3, 12), noise)
    members = np.arange(len(PEAKS))
    injected.windows.ask(members[:3], slice(8, 16, 2), True, 4)
    certain, possible = injected.windows.known(members, 0.5)
    asked = np.zeros(certain.shape, bool)
    asked[:3, 8:16:2] = True
    assert not certain[~asked].any()
    assert possible[~asked].all()
    assert np.mean(certain[asked] == possible[asked]) > 0.8


def test_a_probability_next_to_the_threshold_says_nothing(networks):
    """Between two networks, at the median of all: nothing is certain, all is possible."""
    injected = Injected(random_curve(N), networks, DEFAULT, (3, 12), noise)
    everything = injected.together()
    for k, cadence in ((0, 20), (3, 25), (6, 30)):
        median = float(everything[k, cadence])
        for threshold in (median - GUARD / 2, median, median + GUARD / 2):
            certain, possible = injected.windows.known(np.array([k]), threshold)
            assert not certain[0, cadence]
            assert possible[0, cadence]


def test_the_bits_of_a_probability_do_not_depend_on_the_batch(networks):
    injected = Injected(random_curve(N), networks, DEFAULT, (3, 12), noise)
    many = injected.windows.probability(np.arange(len(PEAKS)), whole(DEFAULT))
    injected.together()
    again = injected.windows.probability(np.array([2, 5]), slice(8, 20))
    np.testing.assert_array_equal(again, many[[2, 5], 8:20])
    few = Injected(random_curve(N), networks, DEFAULT, (3, 12), noise, PEAKS[:1])
    same = np.abs(few.curves[0] - injected.curves[0]).max() == 0
    assert same
    np.testing.assert_array_equal(few.windows.probability(np.array([0]), whole(DEFAULT)), many[:1])


def test_every_second_window_is_answered_like_all(random_networks):
    """Also where a flare changes the borders of some windows and not of others."""
    for extent in ((2, 8), (30, 75), (99, 99)):
        injected = Injected(random_curve(N), random_networks, DEFAULT, extent, noise)
        together, members = injected.together(), np.arange(len(PEAKS))
        windows = Injected(random_curve(N), random_networks, DEFAULT, extent, noise).windows
        for start, stop in ((0, 16), (16, 24), (24, 52)):
            got = batch_probability(windows, members, slice(start, stop, 2))
            np.testing.assert_allclose(got, together[:, start:stop:2], rtol=0, atol=ROUNDING)


def test_borders_are_computed_where_the_flux_in_them_changes(random_networks):
    """A flare is in the last 13 of the 100 cadences after some cadences, and not after others."""
    injected = Injected(random_curve(N), random_networks, DEFAULT, (2, 75), noise)
    windows, members = injected.windows._windows, np.arange(len(PEAKS))
    for start, changed in ((0, [False]), (48, [])):  # 25 before the peak, and 23 after it
        question = windows.question(members, slice(start, start + 4))
        assert [border.is_left for border in question.borders] == changed


def test_nobody_is_asked_about_flares_too_faint_to_be_seen(networks):
    """And the guess is what the network says of all of them."""
    peaks = np.tile(np.arange(150, 500, 25), 10)
    amplitude = np.random.default_rng(2).permutation(np.geomspace(1e-6, 0.5, len(peaks)))[:, None]

    def flare(since_peak):
        return amplitude * mean_flare_shape(since_peak + 0.3, 3.0, 1.0)

    injected = Injected(np.ones(N), networks, DEFAULT, (4, 30), flare, peaks)
    members, middle = np.arange(len(peaks)), slice(24, 28)
    guessed = injected.windows.guess(members, middle, 0.5)
    answers = injected.windows._answers[FOUND[0], :, middle]
    is_asked = ~np.isnan(answers[:, 0])
    assert np.all(amplitude[~is_asked] < amplitude[guessed.any(axis=1)].min())
    assert 0.2 < np.mean(~is_asked) < 0.9
    injected.windows.ask(members, middle, True, 0)
    np.testing.assert_array_equal(guessed, answers > 0.5)


def test_no_network_is_asked_the_same_twice(networks, monkeypatch):
    injected = Injected(random_curve(N), networks, DEFAULT, (3, 12), noise)
    asked = []
    by_model = ChangedWindows.by_model

    def counting(self, model, question):
        asked.extend((model, int(member), question.u.start) for member in question.members)
        return by_model(self, model, question)

    monkeypatch.setattr(ChangedWindows, "by_model", counting)
    everyone, some = np.arange(len(PEAKS)), np.arange(0, len(PEAKS), 2)
    injected.windows.guess(everyone, whole(DEFAULT), 0.5)
    for number, members in enumerate((everyone, some)):
        injected.windows.ask(members, whole(DEFAULT), True, number)
    assert len(asked) == 6 * len(everyone) + len(some)
    injected.windows.ask(everyone, whole(DEFAULT), False, 4)
    assert len(asked) == len(set(asked)) == len(networks) * len(everyone)


def test_no_more_flares_are_computed_at_once_than_stay_in_the_cache(networks):
    """Also where all of them change the same features."""
    peaks = np.full(400, 333)
    windows = ChangedWindows(
        evaluate(random_curve(N), networks[:1]),
        DEFAULT,
        [DEFAULT.reach(3, 12)] * len(peaks),
        peaks,
        Buffers(),
    )
    windows.inject(
        lambda members, positions: np.where(members < 390, 0.1, 0.0)[:, None] + 0 * positions
    )
    chunks = list(windows.chunks(np.arange(len(peaks))))
    assert sorted(np.concatenate(chunks)) == list(range(len(peaks)))
    assert max(map(len, chunks)) <= 150
