"""Flares that are solved together: each has the bits that it has alone."""

import numpy as np
import pytest

from cvzmpi.cvz.detection.significance.whitened import responses
from cvzmpi.cvz.detection.significance.whitened.responses import Flares, add_responses
from tests.cvz.detection.significance.quiet_stars import QuietStar

MARGIN, FADING = 120, 150


@pytest.fixture(scope="module")
def whitening():
    star = QuietStar.draw(3)
    left_out = np.zeros(len(star.samples), bool)
    left_out[1500:1510] = True
    return star.whitening(left_out)


def drawn(n, rng, m=80):
    """Flares all over the light curve and at its ends, of 3 to 200 cadences."""
    start = np.concatenate([[0, n - 1, n - 4], rng.integers(0, n, m - 3)])
    length = np.minimum(rng.choice([3, 20, 200], m), n - start)
    begin = np.concatenate([[0], np.cumsum(length)])
    return Flares(
        flux=rng.normal(size=begin[-1]),
        begin=begin,
        start=start,
        first=np.maximum(0, start - FADING),
        stop=np.minimum(n, start + length + FADING),
    )


def alone(whitening, flares, k):
    """K^-1 of one flare, as it is followed."""
    flux = flares.flux[flares.begin[k] : flares.begin[k + 1]]
    values = np.zeros((flares.stop[k] - flares.start[k], 1))
    values[: len(flux), 0] = flux
    lower = whitening.lower(values, slice(flares.start[k], flares.stop[k]))
    lower = np.concatenate([np.zeros((flares.start[k] - flares.first[k], 1)), lower])
    return whitening.upper(lower, slice(flares.first[k], flares.stop[k]))[:, 0]


@pytest.mark.parametrize("columns_for_one", [0.01, 16, 1e4])
def test_a_flare_has_the_same_bits_in_any_company(whitening, columns_for_one, monkeypatch):
    """One at a time, some, and all at once."""
    monkeypatch.setattr(responses, "_ALONE", columns_for_one)
    place = whitening.samples.place
    flares = drawn(len(place), np.random.default_rng(5))
    centre = place[flares.start]
    background = np.random.default_rng(6).normal(size=(len(flares), 2 * MARGIN + 1))
    alpha = background.copy()
    add_responses(whitening, flares, alpha, centre)
    for k, row in enumerate(background):
        offset = place[flares.first[k] : flares.stop[k]] - centre[k] + MARGIN
        near = (offset >= 0) & (offset <= 2 * MARGIN)
        row[offset[near]] += alone(whitening, flares, k)[near]
    np.testing.assert_array_equal(alpha, background)


def test_a_flare_may_begin_before_it_is_followed(whitening):
    place = whitening.samples.place
    flares = drawn(len(place), np.random.default_rng(7))
    late = Flares(flares.flux, flares.begin, flares.start, flares.start + 2, flares.stop + 0)
    late.first[1] = late.start[1]  # the last cadence of all
    rows = [np.zeros((len(flares), 2 * MARGIN + 1)) for _ in range(2)]
    for followed, alpha in zip((flares, late), rows, strict=True):
        add_responses(whitening, followed, alpha, place[flares.start])
    for k in range(len(flares)):
        from_here = MARGIN + int(place[late.first[k]] - place[flares.start[k]])
        np.testing.assert_array_equal(rows[1][k, from_here:], rows[0][k, from_here:])
        assert not rows[1][k, :from_here].any()
