"""Levenberg-Marquardt for a pixel that is drawn towards what its neighbours have, compiled.

Beside chi^2 it makes small how far some quantities of the atmosphere are from their means over the
neighbours: as a Gaussian prior would, in the same normal equations. The field enters by its three
components (along the line of sight, and across by the double azimuth, as Stokes Q and U show it):
its angles wrap, and mean nothing where it is weak.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np

from cvzmpi.level2.fitting.least_squares import SOURCES, Fit
from cvzmpi.level2.fitting.levenberg_marquardt import TOLERANCE, iterating
from cvzmpi.level2.spectroscopy import milne_eddington as me
from cvzmpi.level2.spectroscopy.compilation import checksum_of, compiled_and_kept
from cvzmpi.level2.spectroscopy.lanes import compiled
from cvzmpi.level2.spectroscopy.model_tables import ModelTables, Workspace

_FIRST_DAMPING = 1e-3
"""A start that is nearly right needs little damping."""

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
def _add_prior(
    prior: tuple[np.ndarray, np.ndarray],
    p: np.ndarray,
    curvature: np.ndarray,
    gradient: np.ndarray,
) -> float:
    """Add the distance from the means to the normal equations; returns its part of the sum."""
    mean, precision = prior
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


_iterate = iterating(_add_prior)


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
            chi_squared[row], n_iterations[row], converged[row], _ = _iterate(
                tables,
                observed[row],
                weights[row],
                (mean[row], precision[row]),
                (max_iterations, TOLERANCE, 2),
                _FIRST_DAMPING,
                work,
                parameters[row],
                curvature[row],
                residuals[row],
            )

    return compiled_and_kept(fit_pixels)


_fit_pixels = _compiled_with(checksum_of(*SOURCES, sys.modules[__name__]))
