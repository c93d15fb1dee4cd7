"""The look at an event: what dense refits say of templates forwards, backwards, of boxes, and
without the brightest cadence.
"""

import numpy as np
import pytest

from cvzmpi.cvz.detection.significance.look import Looker
from cvzmpi.cvz.detection.significance.quiet_noise import QuietNoise
from cvzmpi.cvz.detection.significance.vetting import cadences_since_gap
from cvzmpi.cvz.detection.significance.whitened.templates import RESOLVED, bank
from cvzmpi.cvz.light_curves.exposure import EXPOSURE
from tests.cvz.detection.significance.quiet_stars import QuietStar, covariance

TEMPLATES = bank(EXPOSURE)
N, PLACE = 1600, 800


def look_at(star, number=PLACE, scale=1.0):
    whitening = star.whitening()
    quiet = QuietNoise.of(whitening, TEMPLATES)
    scales = np.full((len(TEMPLATES), len(star.samples)), scale)
    looker = Looker.of(whitening, quiet, scales, cadences_since_gap(star.samples.place))
    alpha = np.pad(star.samples.on_grid(whitening.alpha), looker.margin)
    centre = star.samples.place[[number]]
    return looker.look(alpha[centre[:, None] + np.arange(2 * looker.margin + 1)], centre)


def dense_snr(inverse, residual, shape, before, places):
    """The best signal-to-noise of a shape over its places."""
    best = -np.inf
    for place in places:
        vector = np.zeros(len(residual))
        vector[place - before : place - before + len(shape)] = shape
        information = vector @ inverse @ vector
        best = max(best, vector @ inverse @ residual / np.sqrt(information))
    return best


@pytest.fixture(scope="module", params=[1.5, 5.0, 20.0], ids=lambda fwhm: f"FWHM {fwhm}")
def star(request):
    star = QuietStar.draw(11, N, None)
    return star + star.flare(15, PLACE + 0.2, request.param)


@pytest.fixture(scope="module")
def dense(star):
    """The inverse of the covariance, and the residual."""
    return np.linalg.inv(covariance(star.whitening())), star.samples.flux - 1


def around(template, slack=None):
    slack = template.slack if slack is None else slack
    return range(PLACE - slack, PLACE + slack + 1)


def test_the_snr_is_that_of_the_best_template_near_the_peak(star, dense):
    snr = [dense_snr(*dense, t.shape, t.before, around(t)) for t in TEMPLATES]
    look = look_at(star)
    assert look.snr[0] == pytest.approx(max(snr), rel=0.02)
    assert snr[look.template[0]] > 0.99 * max(snr)
    assert abs(look.place[0] - PLACE) <= 3
    # in units of the star's own noise
    assert look_at(star, scale=2.0).snr[0] == pytest.approx(look.snr[0] / 2)


def test_rest_snr_is_a_refit_without_the_brightest_cadence(star, dense):
    inverse, residual = dense
    look = look_at(star)
    near = np.arange(look.place[0] - 3, look.place[0] + 4)
    brightest = near[np.argmax((inverse @ residual)[near])]
    others = np.delete(np.arange(N), brightest)
    smaller = np.zeros((N, N))
    whole = covariance(star.whitening())
    smaller[np.ix_(others, others)] = np.linalg.inv(whole[np.ix_(others, others)])
    snr = []
    for template in TEMPLATES:
        for place in around(template):
            vector = np.zeros(N)
            vector[place - template.before : place + template.after + 1] = template.shape
            left = vector @ smaller @ vector
            if left > 0.05 * (vector @ inverse @ vector):
                snr.append(vector @ smaller @ residual / np.sqrt(left))
    assert look.rest_snr[0] == pytest.approx(max(snr), rel=0.03)
    assert look.rest_snr[0] < look.snr[0]


def test_reversed_snr_is_that_of_templates_backwards_in_time(star, dense):
    look = look_at(star)
    if TEMPLATES[look.template[0]].fwhm < RESOLVED:
        assert look.reversed_snr[0] == 0  # too short to tell
        return
    snr = [
        dense_snr(*dense, t.shape[::-1], t.after, around(t, int(3 + 2.5 * t.fwhm)))
        for t in TEMPLATES
        if t.fwhm >= RESOLVED
    ]
    assert look.reversed_snr[0] == pytest.approx(max(snr), rel=0.03)
    assert look.reversed_snr[0] < look.snr[0]


def test_hump_snr_is_that_of_the_best_box_over_the_peak():
    star = QuietStar.draw(12, N, None)
    box = ((star.samples.place >= PLACE) & (star.samples.place < PLACE + 60)).astype(float)
    inverse = np.linalg.inv(covariance(star.whitening()))
    star += 14 / np.sqrt(box @ inverse @ box) * box
    residual = star.samples.flux - 1
    look = look_at(star, PLACE + 4)
    peak = look.place[0]
    cumulated = np.concatenate([[0], np.cumsum(inverse @ residual)])
    snr = []
    for length in (50, 55, 58, 60, 62, 65, 70):
        ones = np.zeros(N)
        ones[PLACE : PLACE + length] = 1
        starts = np.arange(peak - length - 2, peak + 3)
        best = np.max(cumulated[starts + length] - cumulated[starts])
        snr.append(best / np.sqrt(ones @ inverse @ ones))
    assert look.hump_snr[0] == pytest.approx(max(snr), rel=0.04)
    assert look.hump_snr[0] > 1.05 * look.snr[0]


def test_below_the_least_snr_nothing_is_vetted():
    star = QuietStar.draw(13, N, None)
    whitening = star.whitening()
    quiet = QuietNoise.of(whitening, TEMPLATES)
    looker = Looker.of(
        whitening, quiet, np.ones((len(TEMPLATES), N)), cadences_since_gap(star.samples.place)
    )
    alpha = np.pad(star.samples.on_grid(whitening.alpha), looker.margin)
    centre = np.array([300, 600, 900])
    rows = alpha[centre[:, None] + np.arange(2 * looker.margin + 1)]
    look = looker.look(rows, centre, least=50)
    assert np.all(look.rest_snr == 0)
    assert np.all(looker.look(rows, centre).rest_snr != 0)


def test_an_event_is_looked_at_alone_whatever_else_is_in_the_batch(star):
    whitening = star.whitening()
    quiet = QuietNoise.of(whitening, TEMPLATES)
    looker = Looker.of(
        whitening, quiet, np.ones((len(TEMPLATES), N)), cadences_since_gap(star.samples.place)
    )
    alpha = np.pad(star.samples.on_grid(whitening.alpha), looker.margin)
    centre = np.array([300, PLACE, 1000])
    rows = alpha[centre[:, None] + np.arange(2 * looker.margin + 1)]
    together = looker.look(rows, centre)
    for k in range(3):
        alone = looker.look(rows[[k]], centre[[k]])
        for name, values in together._asdict().items():
            np.testing.assert_allclose(values[k], getattr(alone, name)[0], rtol=1e-9, err_msg=name)


def test_beside_the_ends_of_the_light_curve_it_is_a_look_too():
    star = QuietStar.draw(14, N, None)
    for number in (0, 1, N - 1):
        look = look_at(star, number)
        assert np.isfinite(look.snr[0])
        assert 0 <= look.place[0] < N
