"""What is found in simulated light curves, and which rule refuses the rest."""

import numpy as np
import pytest

from cvzmpi.cvz.detection.significance.finding import find_flares
from cvzmpi.cvz.detection.significance.vetting import Vetting
from cvzmpi.cvz.detection.significance.whitened.templates import bank
from cvzmpi.cvz.light_curves.exposure import EXPOSURE
from tests.cvz.detection.significance.quiet_stars import CONFIG, ERROR, GAP, SMOOTH, QuietStar

RAISED = np.ones(len(bank(EXPOSURE)))


def find(star, error=1.0):
    nothing = np.zeros(len(star.samples), bool)
    return find_flares(star.observation(error), nothing, RAISED, CONFIG)


def places(star, events):
    return sorted(int(star.samples.place[item.event.number]) for item in events)


@pytest.fixture(scope="module")
def star():
    return QuietStar.draw(31)


def refused_at(found, place):
    """The rules that refused the event at a place."""
    near = [item for item in found.refused if abs(item.look.place[0] - place) <= 4]
    assert near, "no event there was refused"
    return Vetting(near[0].refused)


def test_a_quiet_star_has_no_flares(star):
    assert find(star).flares == []


@pytest.mark.parametrize("fwhm", [1.0, 4.0, 16.0])
def test_a_flare_is_found_where_it_is(star, fwhm):
    found = find(star + star.flare(12, 2000.3, fwhm))
    assert len(found.flares) == 1
    assert found.flares[0].fit.peak == pytest.approx(2000.3, abs=0.2 * fwhm + 0.3)
    assert found.flares[0].snr == pytest.approx(12, abs=3)


def test_a_single_bright_cadence_is_refused(star):
    spike = (star.samples.place == 2000) * 15 * ERROR
    found = find(star + spike)
    assert found.flares == []
    assert refused_at(found, 2000) & Vetting.SINGLE_CADENCE


@pytest.mark.parametrize("after", [-2, -1, 0, 1, 2])
@pytest.mark.parametrize("fwhm", [1.5, 3.0])
def test_a_decay_right_after_a_gap_is_refused(after, fwhm):
    """Wherever the template peaks: at the first cadences, or in the gap before them."""
    star = QuietStar.draw(1)
    found = find(star + star.flare(12, GAP.stop + after, fwhm))
    assert found.flares == []
    assert refused_at(found, GAP.stop) & Vetting.AFTER_GAP


def test_a_large_flare_right_after_a_gap_is_found(star):
    assert len(find(star + star.flare(40, GAP.stop + 1, 4)).flares) == 1


def test_a_flare_backwards_in_time_is_none(star):
    light = star.flare(15, 2000, 8)
    assert len(find(star + light).flares) == 1
    assert find(star + light[::-1]).flares == []


def test_a_bump_that_rises_more_slowly_than_it_falls_is_a_slow_rise():
    star = QuietStar.draw(31, parameters=SMOOTH)
    since = star.samples.place - 2000
    bump = np.where(since < 0, np.exp(since / 20), np.exp(-since / 8)) * 6 * ERROR
    found = find(star + bump)
    assert found.flares == []
    assert any(item.refused & Vetting.SLOW_RISE for item in found.refused)


@pytest.mark.parametrize("length", [30, 40])
def test_a_box_is_a_hump(length):
    star = QuietStar.draw(31, parameters=SMOOTH)
    box = (abs(star.samples.place - 2000) < length / 2) * 4 * ERROR
    found = find(star + box)
    assert found.flares == []
    assert any(item.refused & Vetting.HUMP for item in found.refused)


def test_bumps_that_recur_are_periodic():
    star = QuietStar.draw(32, 6000)
    bumps = [star.flare(14, place, 4) for place in range(500, 6000, 650)]
    found = find(star + np.sum(bumps, axis=0))
    assert found.flares == []
    periodic = [item for item in found.refused if item.refused & Vetting.PERIODIC]
    assert len(periodic) == len(bumps)
    # the same bumps at other times are flares
    times = [500, 900, 1700, 2400, 2980, 3300, 4100, 5240, 5800]
    flares = find(star + np.sum([star.flare(14, place, 4) for place in times], axis=0)).flares
    assert len(flares) >= len(times) - 1


@pytest.mark.parametrize("fwhm", [2.0, 10.0])
def test_a_large_flare_leaves_nothing_beside_it(star, fwhm):
    found = find(star + star.flare(150, 2000.3, fwhm))
    assert len(found.flares) == 1
    assert places(star, found.refused) == []
    assert found.flares[0].fit.fwhm == pytest.approx(fwhm, rel=0.1)


def test_a_large_flare_that_is_not_quite_the_template_leaves_nothing_beside_it(star):
    light = star.flare(150, 2000.3, 6)
    light *= 1 + 0.1 * np.sin((star.samples.place - 2000) / 2)
    found = find(star + light)
    assert len(found.flares) == 1
    assert found.refused == []


@pytest.mark.parametrize(("half", "depth"), [(40, 10), (25, 10), (12, 5)])
def test_transits_leave_no_flares_beside_them_and_are_no_flares_when_turned_over(half, depth):
    star = QuietStar.draw(33, 6000, parameters=SMOOTH)
    in_transit = abs(star.samples.place % 900 - 450) < half
    found = find(star + in_transit * -depth * ERROR)
    assert found.flares == []
    assert found.clean.whitening.left_out[in_transit].all()
    assert np.mean(found.eclipsed[in_transit]) > 0.95
    assert np.mean(found.eclipsed) < 0.2


def test_a_flare_beside_a_dip_is_found():
    star = QuietStar.draw(33, 4000, parameters=SMOOTH)
    dip = (abs(star.samples.place - 2000) < 15) * -8 * ERROR
    for place in (1940, 2090):
        assert len(find(star + dip + star.flare(25, place, 4)).flares) == 1


def test_one_dip_is_left_out_but_is_no_eclipse(star):
    dip = (abs(star.samples.place - 2000) < 10) * -10 * ERROR
    found = find(star + dip)
    assert found.clean.whitening.left_out[abs(star.samples.place - 2000) < 10].all()
    assert not found.eclipsed.any()


def test_errors_catalogued_too_large_do_not_change_the_snr():
    star = QuietStar.draw(31, parameters=SMOOTH)
    light = star.flare(15, 2000.3, 5) + star.flare(9, 700.1, 3)
    right, wrong = find(star + light), find(star + light, 3.0)
    assert len(right.flares) == 2
    snr = [sorted(item.snr for item in found.flares) for found in (right, wrong)]
    np.testing.assert_allclose(snr[1], snr[0], rtol=0.06)


def test_flares_of_stella_are_left_out_of_the_first_fit_only(star):
    """They do not decide about what is found."""
    star = star + star.flare(15, 2000.3, 5)
    stella = abs(star.samples.place - 1000) < 20
    found = find_flares(star.observation(), stella, RAISED, CONFIG)
    assert places(star, found.flares) == places(star, find(star).flares)
    assert not found.clean.whitening.left_out[stella].any()
