"""The iterations of Levenberg and Marquardt for a pixel, compiled by numba."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cvzmpi.level2.fitting.normal_equations import evaluate
from cvzmpi.level2.spectroscopy import milne_eddington as me
from cvzmpi.level2.spectroscopy.lanes import compiled
from cvzmpi.level2.spectroscopy.model_tables import ModelTables, Workspace

FIRST_DAMPING = 1e-2

_LEAST_DAMPING, _LARGEST_DAMPING = 1e-7, 1e9
_LESS, _MORE = 0.1, 10.0

TOLERANCE = 1e-4
"""A pixel has converged after two steps in a row that lower chi^2 by less than this fraction."""

ROUGH_TOLERANCE = 1e-2
"""Before, a few of the wavelengths are fitted, until a step lowers chi^2 by less than this."""

_TRIED = 2  # iterations from each of several starts

# Parameters whose range is limited, and their limits.
_LIMITED = np.array(
    [
        *(me.FIELD, me.VELOCITY, me.DOPPLER_WIDTH, me.DAMPING, me.LINE_STRENGTH),
        *(me.SOURCE_CONSTANT, me.SOURCE_GRADIENT, me.FILLING_FACTOR),
    ]
)
_LOWEST = np.array([0.0, -20.0, 0.5, 0.0, 0.1, 0.0, 0.01, 0.02])
_HIGHEST = np.array([6000.0, 20.0, 10.0, 5.0, 300.0, 5.0, 5.0, 1.0])

# The model is not linear for longer steps than these: they lead far away, and not back. The line
# strength changes by a factor.
_LONGEST_STEP = np.full(me.N_PARAMETERS, np.inf)
_LONGEST_STEP[me.INCLINATION] = 0.5
_LONGEST_STEP[me.VELOCITY] = 2.0
_LONGEST_STEP[me.DOPPLER_WIDTH] = 1.0
_MOST_TIMES = 3.0


@compiled
def _step(
    curvature: np.ndarray,
    gradient: np.ndarray,
    damping: float,
    parameters: np.ndarray,
    trial: np.ndarray,
) -> bool:
    """Put the parameters after Marquardt's step into `trial`, which enlarges the diagonal.

    The matrix is decomposed after Cholesky; returns False if it is not positive. Parameters that
    the step would take out of their ranges from their limits stay there: the step is the best of
    the others.
    """
    n = len(curvature)
    stays = _held_by_limits(parameters, gradient)
    largest = 0.0
    for k in range(n):
        largest = max(largest, curvature[k, k])
    lower = np.empty((n, n))
    for k in range(n):
        for m in range(k + 1):
            total = curvature[k, m]
            if k != m and (stays[k] or stays[m]):
                total = 0.0
            if k == m:
                total += damping * curvature[k, k] + 1e-12 * largest + np.finfo(np.float64).tiny
            for j in range(m):
                total -= lower[k, j] * lower[m, j]
            if k > m:
                lower[k, m] = total / lower[m, m]
            elif total > 0:
                lower[k, k] = np.sqrt(total)
            else:
                return False
    step = gradient.copy()
    for k in range(n):
        if stays[k]:
            step[k] = 0.0
        for j in range(k):
            step[k] -= lower[k, j] * step[j]
        step[k] /= lower[k, k]
    for k in range(n - 1, -1, -1):
        for j in range(k + 1, n):
            step[k] -= lower[j, k] * step[j]
        step[k] /= lower[k, k]
    trial[:] = parameters
    for k in range(n):
        trial[k] += min(max(step[k], -_LONGEST_STEP[k]), _LONGEST_STEP[k])
    strength = parameters[me.LINE_STRENGTH]
    if n > me.LINE_STRENGTH:
        lowest, highest = strength / _MOST_TIMES, strength * _MOST_TIMES
        trial[me.LINE_STRENGTH] = min(max(trial[me.LINE_STRENGTH], lowest), highest)
    return True


@compiled
def _held_by_limits(parameters: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Mask of the free parameters at a limit of their range beyond which chi^2 would be lower.

    A field has no lower limit: a negative one is in the opposite direction.
    """
    held = np.zeros(len(gradient), np.bool_)
    for limited in range(len(_LIMITED)):
        k = _LIMITED[limited]
        if k < len(gradient) and k != me.FIELD:
            below = parameters[k] <= _LOWEST[limited] and gradient[k] < 0
            held[k] = below or (parameters[k] >= _HIGHEST[limited] and gradient[k] > 0)
    return held


@compiled
def bring_into_range(p: np.ndarray) -> None:
    """Change parameters to the nearest allowed ones, with the angles in their usual ranges.

    A negative field is a field in the opposite direction.

    Parameters
    ----------
    p : float64, shape (n_parameters,)
    """
    if p[me.FIELD] < 0:
        p[me.FIELD] *= -1
        p[me.INCLINATION] += np.pi
    turned = p[me.INCLINATION] % (2 * np.pi)
    p[me.INCLINATION] = min(turned, 2 * np.pi - turned)
    p[me.AZIMUTH] %= np.pi
    for k in range(len(_LIMITED)):
        p[_LIMITED[k]] = min(max(p[_LIMITED[k]], _LOWEST[k]), _HIGHEST[k])


def iterating(add_prior: Callable[..., float]) -> Callable[..., tuple[float, int, bool, float]]:
    """The function that fits a pixel in place, to its profiles and to what else is known of it.

    Parameters
    ----------
    add_prior : callable
        Compiled; `add_prior(prior, parameters, curvature, gradient)` adds the prior to the normal
        equations, and returns its part of the sum that becomes small beside chi^2.
    """

    @compiled
    def iterate(
        tables: ModelTables,
        observed: np.ndarray,
        weights: np.ndarray,
        prior: tuple[np.ndarray, ...],
        ending: tuple[int, float, int],
        damping: float,
        work: Workspace,
        parameters: np.ndarray,
        curvature: np.ndarray,
        residual: np.ndarray,
    ) -> tuple[float, int, bool, float]:
        """Fit a pixel in place.

        Returns chi^2, the number of iterations, if it has converged, and the last damping. Chi^2
        and the curvature are of the profiles alone.

        Parameters
        ----------
        ending : tuple
            The most iterations; and so small a relative fall of the sum in so many steps in a row
            ends the fit.
        """
        max_iterations, tolerance, n_small_steps = ending
        gradient = np.empty(len(curvature))
        trial, trial_gradient = parameters.copy(), gradient.copy()
        trial_curvature, both, trial_both = curvature.copy(), curvature.copy(), curvature.copy()
        bring_into_range(parameters)
        chi_squared = evaluate(tables, observed, weights, parameters, work, curvature, gradient)
        both[:] = curvature
        total = chi_squared + add_prior(prior, parameters, both, gradient)
        residual[:] = work.stokes
        n_small = 0
        for iteration in range(max_iterations):
            better = False
            if _step(both, gradient, damping, parameters, trial):
                bring_into_range(trial)
                trial_chi_squared = evaluate(
                    tables, observed, weights, trial, work, trial_curvature, trial_gradient
                )
                trial_both[:] = trial_curvature
                trial_total = trial_chi_squared + add_prior(
                    prior, trial, trial_both, trial_gradient
                )
                gain = total - trial_total
                better = gain > 0
            if better:
                n_small = n_small + 1 if gain < tolerance * trial_total else 0
                damping = max(damping * _LESS, _LEAST_DAMPING)
                chi_squared, total = trial_chi_squared, trial_total
                parameters[:] = trial
                curvature[:] = trial_curvature
                both[:] = trial_both
                gradient[:] = trial_gradient
                residual[:] = work.stokes
            else:
                damping *= _MORE
            if n_small == n_small_steps or damping >= _LARGEST_DAMPING:
                return chi_squared, iteration + 1, True, damping
        return chi_squared, max_iterations, False, damping

    return iterate


@compiled
def _nothing_else(
    prior: tuple[np.ndarray, ...], p: np.ndarray, curvature: np.ndarray, gradient: np.ndarray
) -> float:
    """The prior of a pixel of which only the profiles are known."""
    return 0.0


NO_PRIOR = ()
iterate = iterating(_nothing_else)


@compiled
def take_best_start(
    tables: ModelTables,
    observed: np.ndarray,
    weights: np.ndarray,
    starts: np.ndarray,
    work: Workspace,
    parameters: np.ndarray,
    curvature: np.ndarray,
    residual: np.ndarray,
) -> None:
    """Put into `parameters` where the best of several starts is after a few iterations."""
    least = np.inf
    for start in starts:
        trial = start.copy()
        ending = _TRIED, ROUGH_TOLERANCE, 1
        chi_squared, _, _, _ = iterate(
            tables,
            observed,
            weights,
            NO_PRIOR,
            ending,
            FIRST_DAMPING,
            work,
            trial,
            curvature,
            residual,
        )
        if chi_squared < least:
            least = chi_squared
            parameters[:] = trial
