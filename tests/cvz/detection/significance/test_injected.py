"""The answers for injected flares: those of a search of the light curve with the flare in it."""

import numpy as np
import pytest

from cvzmpi.cvz.detection.significance.finding import examination_of, find_flares, passing
from cvzmpi.cvz.detection.significance.injected import InjectedSignificance
from cvzmpi.cvz.detection.significance.whitened.responses import add_responses
from cvzmpi.cvz.detection.significance.whitened.templates import bank
from cvzmpi.cvz.detection.significance.whitened.whitening import Whitening
from cvzmpi.cvz.injection.flare_shape import mean_flare_shape
from cvzmpi.cvz.injection.injection import FLARE_FLOOR, draw_injections
from cvzmpi.cvz.light_curves.exposure import EXPOSURE
from tests.cvz.detection.significance.quiet_stars import CONFIG, ERROR, GAP, QuietStar

RAISED = np.ones(len(bank(EXPOSURE)))
MIN_SNR = CONFIG.significance.min_snr


class Injected:
    """A star that was searched, and the search for flares in it."""

    def __init__(self, star, raised=RAISED):
        self.observation = star.observation()
        n = len(star.samples)
        self.found = find_flares(self.observation, np.zeros(n, bool), CONFIG)
        clean = self.found.clean
        self.search = InjectedSignificance(
            self.observation,
            self.found.fit.kernel,
            self.found.fit.parameters,
            (clean.event_model * self.observation.median_flux).astype(np.float32),
            clean.whitening.left_out,
            raised,
            MIN_SNR,
            FLARE_FLOOR * ERROR,
        )
        self.samples = clean.whitening.samples

    def light(self, amplitude, fwhm, time):
        return amplitude * mean_flare_shape(self.samples.time - time, fwhm, EXPOSURE)

    def snr(self, amplitude, fwhm, time):
        """Of the flare over the process, with nothing left out."""
        clean, shape = self.found.clean.whitening, self.light(1.0, fwhm, time)
        return amplitude * np.sqrt(clean.products(shape[:, None], slice(None))[1][0, 0])

    def whole_search(self, amplitude, fwhm, cadence, time):
        """The event at a cadence by a search of the light curve with the flare in it, or None."""
        flux = self.samples.flux + self.light(amplitude, fwhm, time)
        cleaner = self.found.cleaner
        clean = cleaner.clean(self.samples.with_flux(flux), np.zeros(len(flux), bool))
        examination = examination_of(cleaner, clean, self.found.quiet)
        examined = [examination.examine(event) for event in clean.flares]
        passed, _ = passing(examined, self.samples.time, MIN_SNR)
        return any(abs(item.event.number - cadence) <= 3 for item in passed)


@pytest.fixture(scope="module")
def injected():
    star = QuietStar.draw(21)
    return Injected(star + star.flare(40, 2000, 6))


@pytest.fixture(scope="module")
def draws(injected):
    config = CONFIG.inject.model_copy(update={"n_inject": 60, "n_repeat": 2})
    candidates = np.arange(5, len(injected.samples) - 5)
    candidates = candidates[np.abs(candidates - injected.found.flares[0].event.number) > 30]
    time = injected.samples.time
    return draw_injections(config, (1, 2, 3), 1.3 * ERROR, candidates, time, EXPOSURE)


@pytest.mark.parametrize("place", [3, 600, GAP.start - 2, GAP.stop + 1, 1985, 2999 - 4])
@pytest.mark.parametrize("fwhm", [0.001, 0.003, 0.02])
def test_the_whitened_light_curve_is_that_with_the_flare_in_it(injected, place, fwhm):
    """To what the flux below the floor makes of it, and at the ends what fades beyond 200 cadences;
    for flares of ten errors. The signal-to-noise is the same to 0.02, and to 0.07 at the ends.
    """
    samples, search = injected.samples, injected.search
    cadence = int(np.searchsorted(samples.place, place))
    time = samples.time[cadence] + 0.3 * EXPOSURE
    residual = search._whitening.residual + injected.light(10 * ERROR, fwhm, time)
    fit, left_out = injected.found.fit, injected.found.clean.whitening.left_out
    whole = Whitening(samples, residual, fit.kernel, fit.parameters, left_out)
    margin, centre = search._looker.margin, samples.place[[cadence]]
    around = slice(centre[0], centre[0] + 2 * margin + 1)
    expected = np.pad(samples.on_grid(whole.alpha), margin)[around]
    alpha = search._alpha[around].copy()
    flares = search._flares(
        np.array([10 * ERROR]), np.array([fwhm]), np.array([cadence]), np.array([time])
    )
    add_responses(search._whitening, flares, alpha[None], centre)
    fades, off = (0.03, 0.07) if place == 3 else (0.001, 0.02)
    np.testing.assert_allclose(alpha, expected, atol=(FLARE_FLOOR + fades) / ERROR)
    looks = [search._looker.look(values[None], centre) for values in (alpha, expected)]
    assert looks[0].snr[0] == pytest.approx(looks[1].snr[0], abs=off)
    assert looks[0].refused() == looks[1].refused()
    # and there is something to be added
    assert np.abs(expected - search._alpha[around]).max() > 2 / ERROR


def test_the_answers_are_those_of_whole_searches(injected, draws):
    """All but a few near the limit, where the noise scale with the flare in it is another one."""
    answers = injected.search.recovered(
        draws.amplitude, draws.fwhm, draws.cadence, draws.time
    ).ravel()
    flares = [
        (draws.amplitude[i], draws.fwhm[i], draws.cadence[i, k], draws.time[i, k])
        for i, k in np.ndindex(draws.cadence.shape)
    ]
    searched = np.array([injected.whole_search(*flare) for flare in flares])
    assert 0.2 < searched.mean() < 0.8
    assert np.mean(searched != answers) < 0.05
    assert abs(searched.mean() - answers.mean()) < 0.04


def test_strong_flares_are_found_and_weak_ones_are_not(injected, draws):
    for amplitude, expected in ((60 * ERROR, True), (0.3 * ERROR, False)):
        answers = injected.search.recovered(
            np.full(60, amplitude), np.full(60, 0.004), draws.cadence, draws.time
        )
        assert np.mean(answers == expected) > 0.97


def test_an_answer_does_not_depend_on_what_else_is_in_the_batch(injected, draws):
    def answers(chosen):
        return injected.search.recovered(
            draws.amplitude[chosen], draws.fwhm[chosen], draws.cadence[chosen], draws.time[chosen]
        )

    together = answers(slice(None))
    backwards = answers(slice(None, None, -1))[::-1]
    np.testing.assert_array_equal(together, backwards)
    pieces = [answers(slice(first, first + 7)) for first in range(0, 60, 7)]
    np.testing.assert_array_equal(together, np.concatenate(pieces))
    # and a search leaves nothing of its flares behind
    np.testing.assert_array_equal(together, answers(slice(None)))


def test_a_batch_is_decided_as_each_flare_looked_at_alone(injected, draws):
    search = injected.search
    answers = search.recovered(draws.amplitude, draws.fwhm, draws.cadence, draws.time)
    for i, k in np.ndindex(draws.cadence.shape):
        one = draws.cadence[[i], [k]], draws.time[[i], [k]]
        centre = injected.samples.place[one[0]]
        margin = search._looker.margin
        alpha = search._alpha[centre[0] : centre[0] + 2 * margin + 1][None].copy()
        flares = search._flares(draws.amplitude[[i]], draws.fwhm[[i]], *one)
        add_responses(search._whitening, flares, alpha, centre)
        look = search._looker.look(alpha, centre)
        found = look.snr[0] >= MIN_SNR and not look.refused()[0]
        left_out = search._whitening.left_out[one[0][0]]
        assert answers[i, k] == (found and not left_out)


def test_at_cadences_left_out_nothing_is_found(injected):
    left_out = np.flatnonzero(injected.found.clean.whitening.left_out)
    assert len(left_out) > 5
    cadence = left_out[None, :]
    answers = injected.search.recovered(
        np.array([100 * ERROR]), np.array([0.004]), cadence, injected.samples.time[cadence]
    )
    assert not answers.any()


def test_where_the_noise_is_raised_fewer_are_found(draws):
    star = QuietStar.draw(21)
    few, many = (
        Injected(star, raised * RAISED).search.recovered(
            draws.amplitude, draws.fwhm, draws.cadence, draws.time
        )
        for raised in (3.0, 1.0)
    )
    assert few.sum() < 0.7 * many.sum()
    assert not np.any(few & ~many)
