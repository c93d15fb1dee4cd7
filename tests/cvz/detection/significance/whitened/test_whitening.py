"""Whitening in O(N) is what dense linear algebra makes of the kernel and the noise."""

import numpy as np
import pytest

from cvzmpi.cvz.detection.significance.whitened.templates import bank
from cvzmpi.cvz.detection.significance.whitened.whitening import (
    information,
    shapes_of,
    typical_places,
)
from cvzmpi.cvz.light_curves.exposure import EXPOSURE
from tests.cvz.detection.significance.quiet_stars import QuietStar, covariance

GAP = slice(200, 260)


@pytest.fixture(scope="module")
def star():
    return QuietStar.draw(3, 700, GAP)


@pytest.fixture(scope="module", params=["all", "some left out"])
def whitening(request, star):
    left_out = np.zeros(len(star.samples), bool)
    if request.param != "all":
        left_out[[5, 100, 101, 102, 300]] = left_out[400:440] = True
    return star.whitening(left_out)


@pytest.fixture(scope="module")
def inverse(whitening):
    """K^-1 of the cadences that are used, with 0 in the rows and columns of the others."""
    used = np.flatnonzero(~whitening.left_out)
    inverse = np.zeros((len(whitening.samples),) * 2)
    inverse[np.ix_(used, used)] = np.linalg.inv(covariance(whitening)[np.ix_(used, used)])
    return inverse


def test_alpha_is_the_inverse_covariance_times_the_residual(whitening, inverse, star):
    expected = inverse @ (star.samples.flux - 1)
    np.testing.assert_allclose(whitening.alpha, expected, atol=1e-9 * np.abs(expected).max())
    assert np.all(whitening.alpha[whitening.left_out] == 0)


def test_the_remainder_is_the_residual_without_the_conditional_mean(whitening, inverse, star):
    dense = covariance(whitening)
    kernel = dense - np.diag(whitening.variance)
    expected = star.samples.flux - 1 - kernel @ inverse @ (star.samples.flux - 1)
    expected[whitening.left_out] = 0
    np.testing.assert_allclose(whitening.remainder, expected, atol=1e-11)


def test_products_are_those_with_the_inverse_covariance(whitening, inverse, star):
    part = slice(150, len(star.samples))
    vectors = np.zeros((len(star.samples), 3))
    vectors[150:330] = np.random.default_rng(1).normal(size=(180, 3))
    with_data, with_each_other = whitening.products(vectors[part], part)
    np.testing.assert_allclose(with_data, vectors.T @ inverse @ (star.samples.flux - 1), rtol=1e-8)
    np.testing.assert_allclose(with_each_other, vectors.T @ inverse @ vectors, rtol=1e-8)


def test_what_fades_after_a_template_does_not_matter(whitening, inverse, star):
    """Products over `around` are those over the whole light curve, to 1e-4 of a sigma."""
    for template in bank(EXPOSURE):
        part = whitening.around(330, template.before, template.after)
        index = star.samples.place - 330 + template.before
        inside = (index >= 0) & (index < len(template.shape))
        vector = np.where(inside, template.shape[np.clip(index, 0, len(template.shape) - 1)], 0)
        with_data, with_itself = whitening.products(vector[part, None], part)
        exact = vector @ inverse @ vector
        assert with_itself[0, 0] == pytest.approx(exact, rel=1e-4)
        expected = vector @ inverse @ (star.samples.flux - 1) / np.sqrt(exact)
        assert with_data[0] / np.sqrt(exact) == pytest.approx(expected, abs=1e-3)


def test_the_information_is_that_of_a_template_far_from_gaps_and_ends(star):
    whitening = star.whitening()
    inverse = np.linalg.inv(covariance(whitening))
    places = typical_places(star.samples)
    assert set(places) <= set(star.samples.place.tolist())
    computed = information(whitening, shapes_of(bank(EXPOSURE)), places)
    for template, value in zip(bank(EXPOSURE), computed, strict=True):
        first = star.number(430) - template.before  # of the 440 cadences after the gap
        vector = np.zeros(len(star.samples))
        vector[first : first + len(template.shape)] = template.shape
        # the long ones see the ends of so short a light curve
        rel = 1e-3 if template.fwhm < 8 else 0.06
        assert value == pytest.approx(vector @ inverse @ vector, rel=rel), template.fwhm


def test_the_information_of_a_shape_has_the_same_bits_alone_and_among_others(star):
    left_out = np.zeros(len(star.samples), bool)
    left_out[star.number(700) : star.number(706)] = True
    whitening, places = star.whitening(left_out), typical_places(star.samples)
    shapes = [*shapes_of(bank(EXPOSURE)), (0, np.ones(210))]
    together = information(whitening, shapes, places)
    alone = [information(whitening, [shape], places)[0] for shape in shapes]
    assert together.tolist() == alone
