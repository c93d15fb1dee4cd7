"""Levenberg-Marquardt for many pixels at once.

Every pixel has its own damping, and leaves the batch when it has converged.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Model = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""From parameters (n, n_parameters) to values (n, ...), derivatives (n, n_parameters, ...)."""

_FIRST_DAMPING = 1e-2
_LEAST_DAMPING, _LARGEST_DAMPING = 1e-7, 1e9
_LESS, _MORE = 0.1, 10.0
# A pixel has converged after two steps in a row that lower chi^2 by less than this fraction.
_TOLERANCE = 1e-4


@dataclass
class Fit:
    """The fits of a batch of pixels."""

    parameters: np.ndarray  # float64, shape (n, n_parameters)
    chi_squared: np.ndarray  # float64, shape (n,)
    # float64, shape (n, n_free, n_free); products of the derivatives: half the second derivatives
    # of chi^2; its inverse is the covariance of the free parameters
    curvature: np.ndarray
    n_iterations: np.ndarray  # int64, shape (n,)
    converged: np.ndarray  # bool, shape (n,)

    def take_better(self, rows: np.ndarray, other: Fit) -> None:
        """Replace rows by those of another fit, if they are better there."""
        better = other.chi_squared < self.chi_squared[rows]
        self.n_iterations[rows] += other.n_iterations
        for name in ("parameters", "chi_squared", "curvature", "converged"):
            getattr(self, name)[rows[better]] = getattr(other, name)[better]


def fit(
    model: Model,
    observed: np.ndarray,
    weights: np.ndarray,
    start: np.ndarray,
    free: np.ndarray,
    constrain: Callable[[np.ndarray], np.ndarray],
    max_iterations: int,
) -> Fit:
    """Fit a model to observations.

    Parameters
    ----------
    observed : float64, shape (n, ...)
    weights : float64, broadcasts against one observation
        Reciprocals of the standard deviations.
    start : float64, shape (n, n_parameters)
    free : int64, shape (n_free,)
        The indices of the parameters that are fitted.
    constrain : callable
        Takes parameters (n, n_parameters), and returns the nearest allowed ones.
    """
    n = len(observed)

    def evaluate(rows: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        values, derivatives = model(p)
        # Contiguous, since the rounding of sums and products depends on the layout in memory, which
        # differs for a single row.
        residual = np.ascontiguousarray((observed[rows] - values) * weights).reshape(len(p), -1)
        slopes = np.ascontiguousarray(derivatives[:, free] * weights)
        slopes = slopes.reshape(len(p), len(free), -1)
        chi_squared = (residual * residual).sum(axis=1)
        curvature = slopes @ slopes.transpose(0, 2, 1)
        gradient = (slopes @ residual[:, :, np.newaxis])[:, :, 0]
        return chi_squared, curvature, gradient

    everything = np.arange(n)
    parameters = constrain(start.copy())
    chi_squared, curvature, gradient = evaluate(everything, parameters)
    damping = np.full(n, _FIRST_DAMPING)
    n_small = np.zeros(n, np.int64)
    n_iterations = np.zeros(n, np.int64)
    active = everything
    for _ in range(max_iterations):
        trial = parameters[active]
        trial[:, free] += _step(curvature[active], gradient[active], damping[active])
        trial = constrain(trial)
        trial_chi_squared, trial_curvature, trial_gradient = evaluate(active, trial)
        gain = chi_squared[active] - trial_chi_squared
        better = gain > 0
        small = better & (gain < _TOLERANCE * trial_chi_squared)
        n_small[active] = np.where(small, n_small[active] + 1, np.where(better, 0, n_small[active]))
        damping[active] *= np.where(better, _LESS, _MORE)
        np.maximum(damping, _LEAST_DAMPING, out=damping)
        n_iterations[active] += 1
        accepted = active[better]
        parameters[accepted] = trial[better]
        chi_squared[accepted] = trial_chi_squared[better]
        curvature[accepted] = trial_curvature[better]
        gradient[accepted] = trial_gradient[better]
        active = active[(n_small[active] < 2) & (damping[active] < _LARGEST_DAMPING)]
        if len(active) == 0:
            break
    converged = np.ones(n, bool)
    converged[active] = False
    return Fit(parameters, chi_squared, curvature, n_iterations, converged)


def _step(curvature: np.ndarray, gradient: np.ndarray, damping: np.ndarray) -> np.ndarray:
    """Marquardt's step: the diagonal of the curvature is enlarged."""
    diagonal = np.einsum("nii->ni", curvature)
    floor = 1e-12 * diagonal.max(axis=1, keepdims=True) + np.finfo(float).tiny
    damped = curvature.copy()
    np.einsum("nii->ni", damped)[...] += damping[:, np.newaxis] * diagonal + floor
    return np.linalg.solve(damped, gradient[:, :, np.newaxis])[:, :, 0]
