"""Levenberg-Marquardt for a pixel that is drawn towards what its neighbours have, compiled.

Beside chi^2 it makes small how far some quantities of the atmosphere are from their means over the
neighbours: as a Gaussian prior would, in the same normal equations. The field enters by its three
components (along the line of sight, and across by the double azimuth, as Stokes Q and U show it):
its angles wrap, and mean nothing where it is weak.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numba import njit

from cvzmpi.level2.pixels.least_squares import SOURCES, Fit
from cvzmpi.level2.pixels.levenberg_marquardt import bring_into_range, marquardt_step
from cvzmpi.level2.pixels.normal_equations import evaluate
from cvzmpi.level2.spectroscopy import milne_eddington as me
from cvzmpi.level2.spectroscopy.lanes import compiled
from cvzmpi.level2.spectroscopy.model_tables import ModelTables, Workspace

# As in `least_squares`, but a start that is nearly right needs little damping.
_FIRST_DAMPING = 1e-3
_LEAST_DAMPING, _LARGEST_DAMPING = 1e-7, 1e9
_LESS, _MORE = 0.1, 10.0
_TOLERANCE = 1e-4

SCALES = {
    "field along the line of sight": 30.0,
    "field across, by the cosine of the double azimuth": 30.0,
    "field across, by the sine of the double azimuth": 30.0,
    "velocity": 0.1,
    "doppler_width": 0.1,
    "damping": 0.03,
    "logarithm of line_strength": 0.1,
    "filling_factor": 0.03,
}
"""The quantities that neighbours share, in G, km/s and pm, and how much of a difference is usual.

The source function is not among them: the continuum determines it, and it changes with the granules
from pixel to pixel."""

N_QUANTITIES = len(SCALES)
N_OF_FIELD = 3
"""The first so many are the field."""

_PLAIN = np.array([me.VELOCITY, me.DOPPLER_WIDTH, me.DAMPING])
_LOG_STRENGTH, _FILLING_FACTOR = N_QUANTITIES - 2, N_QUANTITIES - 1


def quantities(parameters: np.ndarray) -> np.ndarray:
    """What neighbours share, from the parameters of atmospheres.

    Parameters
    ----------
    parameters : float64, shape (..., n_parameters)

    Returns
    -------
    float64, shape (..., N_QUANTITIES)
    """
    field, inclination = parameters[..., me.FIELD], parameters[..., me.INCLINATION]
    across, double = field * np.sin(inclination), 2 * parameters[..., me.AZIMUTH]
    columns = [field * np.cos(inclination), across * np.cos(double), across * np.sin(double)]
    columns += [parameters[..., index] for index in _PLAIN]
    columns += [np.log(parameters[..., me.LINE_STRENGTH]), parameters[..., me.FILLING_FACTOR]]
    return np.stack(columns, axis=-1)


def fit(
    tables: ModelTables,
    observed: np.ndarray,
    weights: np.ndarray,
    start: np.ndarray,
    mean: np.ndarray,
    precision: np.ndarray,
    n_free: int,
    max_iterations: int,
) -> Fit:
    """Fit the model to the profiles of each pixel, and to the means of its neighbours.

    Parameters
    ----------
    observed, weights, start, n_free
        As those of `least_squares.fit`.
    mean, precision : float64, shape (n, N_QUANTITIES)
        What the quantities should be, and the reciprocal variances of that; 0 for no opinion.

    Returns
    -------
    Fit
        Chi^2 and curvature are of the profiles alone.
    """
    n = len(observed)
    found = Fit(
        parameters=start.copy(),
        chi_squared=np.empty(n),
        curvature=np.empty((n, n_free, n_free)),
        n_iterations=np.zeros(n, np.int64),
        converged=np.zeros(n, bool),
        residuals=np.empty(observed.shape),
    )
    work = Workspace.of(tables)
    for rows, of_rows in tables.batches(n):
        _fit_pixels(
            of_rows,
            np.ascontiguousarray(observed[rows], float),
            np.ascontiguousarray(weights[rows], float),
            np.ascontiguousarray(mean[rows], float),
            np.ascontiguousarray(precision[rows], float),
            max_iterations,
            work,
            found.parameters[rows],
            found.chi_squared[rows],
            found.curvature[rows],
            found.n_iterations[rows],
            found.converged[rows],
            found.residuals[rows],
        )
    return found


@compiled
def _fit_pixel(
    tables: ModelTables,
    observed: np.ndarray,
    weights: np.ndarray,
    mean: np.ndarray,
    precision: np.ndarray,
    max_iterations: int,
    work: Workspace,
    parameters: np.ndarray,
    curvature: np.ndarray,
    residual: np.ndarray,
) -> tuple[float, int, bool]:
    """Fit a pixel in place, as that of `least_squares`; returns chi^2 of the profiles alone."""
    n_free = len(curvature)
    gradient = np.empty(n_free)
    trial, trial_curvature, trial_gradient = parameters.copy(), curvature.copy(), gradient.copy()
    bring_into_range(parameters)
    chi_squared = evaluate(tables, observed, weights, parameters, work, curvature, gradient)
    residual[:] = work.stokes
    both = curvature.copy()
    total = chi_squared + _add_prior(parameters, mean, precision, both, gradient)
    damping, n_small = _FIRST_DAMPING, 0
    for iteration in range(max_iterations):
        better = False
        if marquardt_step(both, gradient, damping, parameters, trial):
            bring_into_range(trial)
            trial_chi_squared = evaluate(
                tables, observed, weights, trial, work, trial_curvature, trial_gradient
            )
            trial_both = trial_curvature.copy()
            trial_total = trial_chi_squared + _add_prior(
                trial, mean, precision, trial_both, trial_gradient
            )
            gain = total - trial_total
            better = gain > 0
        if better:
            n_small = n_small + 1 if gain < _TOLERANCE * trial_total else 0
            damping = max(damping * _LESS, _LEAST_DAMPING)
            chi_squared, total = trial_chi_squared, trial_total
            parameters[:] = trial
            curvature[:] = trial_curvature
            both[:] = trial_both
            gradient[:] = trial_gradient
            residual[:] = work.stokes
        else:
            damping *= _MORE
        if n_small == 2 or damping >= _LARGEST_DAMPING:
            return chi_squared, iteration + 1, True
    return chi_squared, max_iterations, False


@compiled
def _add_prior(
    p: np.ndarray,
    mean: np.ndarray,
    precision: np.ndarray,
    curvature: np.ndarray,
    gradient: np.ndarray,
) -> float:
    """Add the distance from the means to the normal equations; returns its part of the sum."""
    penalty = 0.0
    field, cosine, sine = p[me.FIELD], np.cos(p[me.INCLINATION]), np.sin(p[me.INCLINATION])
    double_cosine, double_sine = np.cos(2 * p[me.AZIMUTH]), np.sin(2 * p[me.AZIMUTH])
    values = np.empty(N_QUANTITIES)
    slopes = np.zeros((N_QUANTITIES, len(p)))
    values[0] = field * cosine
    slopes[0, me.FIELD], slopes[0, me.INCLINATION] = cosine, -field * sine
    values[1] = field * sine * double_cosine
    slopes[1, me.FIELD], slopes[1, me.INCLINATION] = sine * double_cosine, values[0] * double_cosine
    slopes[1, me.AZIMUTH] = -2 * field * sine * double_sine
    values[2] = field * sine * double_sine
    slopes[2, me.FIELD], slopes[2, me.INCLINATION] = sine * double_sine, values[0] * double_sine
    slopes[2, me.AZIMUTH] = 2 * values[1]
    for k in range(len(_PLAIN)):
        values[N_OF_FIELD + k] = p[_PLAIN[k]]
        slopes[N_OF_FIELD + k, _PLAIN[k]] = 1
    values[_LOG_STRENGTH] = np.log(p[me.LINE_STRENGTH])
    slopes[_LOG_STRENGTH, me.LINE_STRENGTH] = 1 / p[me.LINE_STRENGTH]
    values[_FILLING_FACTOR] = p[me.FILLING_FACTOR]
    slopes[_FILLING_FACTOR, me.FILLING_FACTOR] = 1
    for q in range(N_QUANTITIES):
        if precision[q] > 0:
            distance = mean[q] - values[q]
            penalty += precision[q] * distance * distance
            for k in range(len(gradient)):
                gradient[k] += precision[q] * slopes[q, k] * distance
                for m in range(len(gradient)):
                    curvature[k, m] += precision[q] * slopes[q, k] * slopes[q, m]
    return penalty


def _compiled_with(sources: str) -> Callable[..., None]:
    """The function that fits the pixels of a batch, kept on disk as that of `least_squares`."""

    def fit_pixels(
        tables: ModelTables,
        observed: np.ndarray,
        weights: np.ndarray,
        mean: np.ndarray,
        precision: np.ndarray,
        max_iterations: int,
        work: Workspace,
        parameters: np.ndarray,
        chi_squared: np.ndarray,
        curvature: np.ndarray,
        n_iterations: np.ndarray,
        converged: np.ndarray,
        residuals: np.ndarray,
    ) -> None:
        assert sources
        for row in range(len(observed)):
            chi_squared[row], n_iterations[row], converged[row] = _fit_pixel(
                tables,
                observed[row],
                weights[row],
                mean[row],
                precision[row],
                max_iterations,
                work,
                parameters[row],
                curvature[row],
                residuals[row],
            )

    try:
        return njit(fit_pixels, cache=True, error_model="numpy")
    except RuntimeError:  # there is no directory for the machine code: each process makes its own
        return compiled(fit_pixels)


_fit_pixels = _compiled_with(
    hashlib.sha256(
        b"".join(Path(str(s.__file__)).read_bytes() for s in (*SOURCES, sys.modules[__name__]))
    ).hexdigest()
)
