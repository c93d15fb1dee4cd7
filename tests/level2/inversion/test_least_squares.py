"""Levenberg-Marquardt on a model with a known answer."""

import numpy as np
import pytest

from cvzmpi.level2.inversion import least_squares

X = np.linspace(0, 3, 40)
TRUTH = np.array([[1.0, 0.5], [3.0, 1.5], [0.2, 0.1], [5.0, 3.0]])
BOTH = np.arange(2)


def decay(parameters):
    """`height * exp(-rate * x)`, one row each."""
    height, rate = parameters.T[:, :, np.newaxis]
    values = height * np.exp(-rate * X)
    return values, np.stack([values / height, -X * values], axis=1)


def anything(parameters):
    return parameters


def fitted(observed, start, *, free=BOTH, weight=1.0, constrain=anything, max_iterations=50):
    return least_squares.fit(
        decay, observed, np.full(len(X), weight), start, free, constrain, max_iterations
    )


def test_it_finds_the_parameters_of_every_row():
    result = fitted(decay(TRUTH)[0], np.ones_like(TRUTH))
    assert result.converged.all()
    assert result.parameters == pytest.approx(TRUTH, rel=1e-4)


def test_the_inverse_curvature_is_the_covariance():
    random = np.random.default_rng(1)
    truth = np.repeat(TRUTH[:1], 2000, axis=0)
    observed = decay(truth)[0] + random.normal(0, 0.01, (2000, len(X)))
    result = fitted(observed, truth.copy(), weight=100)
    expected = np.sqrt(np.diag(np.linalg.inv(result.curvature[0])))
    assert result.parameters.std(axis=0) == pytest.approx(expected, rel=0.1)


def test_what_is_not_free_stays():
    start = np.ones_like(TRUTH)
    result = fitted(decay(TRUTH)[0], start, free=np.array([0]))
    assert np.array_equal(result.parameters[:, 1], start[:, 1])
    assert (result.parameters[:, 0] != 1).all()


def test_parameters_stay_within_their_constraints():
    def below_two(parameters):
        return np.minimum(parameters, 2.0)

    result = fitted(decay(TRUTH)[0], np.ones_like(TRUTH), constrain=below_two)
    assert result.parameters.max() == 2.0


def test_what_has_not_converged_says_so():
    result = fitted(decay(TRUTH)[0], np.ones_like(TRUTH), max_iterations=1)
    assert not result.converged.any()
    assert (result.n_iterations == 1).all()


def test_a_row_does_not_depend_on_the_others():
    observed, start = decay(TRUTH)[0], np.ones_like(TRUTH)
    together = fitted(observed, start)
    for row in range(len(TRUTH)):
        alone = fitted(observed[row : row + 1], start[row : row + 1])
        assert np.array_equal(alone.parameters[0], together.parameters[row])
        assert alone.n_iterations[0] == together.n_iterations[row]


def test_the_better_of_two_fits_is_taken_row_by_row():
    observed = decay(TRUTH)[0]
    good = fitted(observed, np.ones_like(TRUTH))
    mixed = fitted(observed, np.ones_like(TRUTH), max_iterations=1)
    iterations = mixed.n_iterations + good.n_iterations * [0, 1, 0, 1]
    rows = np.array([1, 3])
    mixed.take_better(rows, fitted(observed[rows], np.ones((2, 2))))
    assert np.array_equal(mixed.parameters[rows], good.parameters[rows])
    assert not np.array_equal(mixed.parameters[[0, 2]], good.parameters[[0, 2]])
    assert np.array_equal(mixed.n_iterations, iterations)
