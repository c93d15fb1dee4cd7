"""Levenberg-Marquardt for the profiles of a pixel, compiled by numba."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cvzmpi.level2.spectroscopy import compiled_model, milne_eddington, model_tables, voigt, zeeman
from cvzmpi.level2.spectroscopy import milne_eddington as me
from cvzmpi.level2.spectroscopy.compilation import compiled_and_kept
from cvzmpi.level2.spectroscopy.compiled_model import compiled, compute
from cvzmpi.level2.spectroscopy.model_tables import ModelTables, Workspace

_FIRST_DAMPING = 1e-2
_LEAST_DAMPING, _LARGEST_DAMPING = 1e-7, 1e9
_LESS, _MORE = 0.1, 10.0
# A pixel has converged after two steps in a row that lower chi^2 by less than this fraction.
_TOLERANCE = 1e-4

# Parameters whose range is limited, and their limits.
_LIMITED = np.array(
    [
        *(me.FIELD, me.VELOCITY, me.DOPPLER_WIDTH, me.DAMPING, me.LINE_STRENGTH),
        *(me.SOURCE_CONSTANT, me.SOURCE_GRADIENT, me.FILLING_FACTOR),
    ]
)
_LOWEST = np.array([0.0, -20.0, 0.5, 0.0, 0.1, 0.0, 0.01, 0.02])
_HIGHEST = np.array([6000.0, 20.0, 10.0, 5.0, 300.0, 5.0, 5.0, 1.0])


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
    residuals: np.ndarray  # float64, shape (n, 4, n_wavelengths); observed - fitted, weighted

    def take_better(self, rows: np.ndarray, other: Fit) -> None:
        """Replace rows by those of another fit, if they are better there."""
        self.take(rows, other, other.chi_squared < self.chi_squared[rows])

    def take(self, rows: np.ndarray, other: Fit, chosen: np.ndarray | slice = slice(None)) -> None:
        """Replace rows, or the chosen ones of them, by those of another fit."""
        self.n_iterations[rows] += other.n_iterations
        for name in ("parameters", "chi_squared", "curvature", "converged", "residuals"):
            getattr(self, name)[rows[chosen]] = getattr(other, name)[chosen]


def fit(
    tables: ModelTables,
    observed: np.ndarray,
    weights: np.ndarray,
    start: np.ndarray,
    n_free: int,
    max_iterations: int,
) -> Fit:
    """Fit the model to the profiles of each pixel.

    Parameters
    ----------
    observed : float64, shape (n, 4, n_wavelengths)
    weights : float64, shape (n, 4, n_wavelengths)
        Reciprocals of the standard deviations; 0 where a sample is left out.
    start : float64, shape (n, n_parameters)
    n_free : int
        The first so many parameters are fitted, the others stay.
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
    results = [found.parameters, found.chi_squared, found.curvature]
    results += [found.n_iterations, found.converged, found.residuals]
    for rows, of_rows in tables.batches(n):
        _fit_pixels(
            of_rows,
            np.ascontiguousarray(observed[rows], float),
            np.ascontiguousarray(weights[rows], float),
            max_iterations,
            work,
            *(result[rows] for result in results),
        )
    return found


@compiled
def _fit_pixel(
    tables: ModelTables,
    observed: np.ndarray,
    weights: np.ndarray,
    max_iterations: int,
    work: Workspace,
    parameters: np.ndarray,
    curvature: np.ndarray,
    residual: np.ndarray,
) -> tuple[float, int, bool]:
    """Fit a pixel in place; returns chi^2, the number of iterations, and if it has converged."""
    n_free = len(curvature)
    gradient = np.empty(n_free)
    trial, trial_curvature, trial_gradient = parameters.copy(), curvature.copy(), gradient.copy()
    bring_into_range(parameters)
    chi_squared = evaluate(tables, observed, weights, parameters, work, curvature, gradient)
    residual[:] = work.stokes
    damping, n_small = _FIRST_DAMPING, 0
    for iteration in range(max_iterations):
        better = False
        if marquardt_step(curvature, gradient, damping, parameters, trial):
            bring_into_range(trial)
            trial_chi_squared = evaluate(
                tables, observed, weights, trial, work, trial_curvature, trial_gradient
            )
            gain = chi_squared - trial_chi_squared
            better = gain > 0
        if better:
            n_small = n_small + 1 if gain < _TOLERANCE * trial_chi_squared else 0
            damping = max(damping * _LESS, _LEAST_DAMPING)
            chi_squared = trial_chi_squared
            parameters[:] = trial
            curvature[:] = trial_curvature
            gradient[:] = trial_gradient
            residual[:] = work.stokes
        else:
            damping *= _MORE
        if n_small == 2 or damping >= _LARGEST_DAMPING:
            return chi_squared, iteration + 1, True
    return chi_squared, max_iterations, False


@compiled
def evaluate(
    tables: ModelTables,
    observed: np.ndarray,
    weights: np.ndarray,
    p: np.ndarray,
    work: Workspace,
    curvature: np.ndarray,
    gradient: np.ndarray,
) -> float:
    """Chi^2 at some parameters, half its second derivatives, and half its negative gradient."""
    compute(p, tables, work)
    n_free = len(curvature)
    residual = work.stokes
    for s in range(4):
        for i in range(residual.shape[1]):
            residual[s, i] = (observed[s, i] - residual[s, i]) * weights[s, i]
            for k in range(n_free):
                work.derivatives[k, s, i] *= weights[s, i]
    flat = residual.reshape(-1)
    slopes = work.derivatives.reshape(len(work.derivatives), -1)
    for k in range(n_free):
        gradient[k] = _dot(slopes[k], flat)
        for m in range(k + 1):
            curvature[k, m] = curvature[m, k] = _dot(slopes[k], slopes[m])
    return _dot(flat, flat)


@compiled
def _dot(one: np.ndarray, other: np.ndarray) -> float:
    """The sum of products, by eight sums that a processor can keep in one register."""
    s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = 0.0
    n = len(one) // 8 * 8
    for i in range(0, n, 8):
        s0 += one[i] * other[i]
        s1 += one[i + 1] * other[i + 1]
        s2 += one[i + 2] * other[i + 2]
        s3 += one[i + 3] * other[i + 3]
        s4 += one[i + 4] * other[i + 4]
        s5 += one[i + 5] * other[i + 5]
        s6 += one[i + 6] * other[i + 6]
        s7 += one[i + 7] * other[i + 7]
    for i in range(n, len(one)):
        s0 += one[i] * other[i]
    return ((s0 + s4) + (s2 + s6)) + ((s1 + s5) + (s3 + s7))


@compiled
def marquardt_step(
    curvature: np.ndarray,
    gradient: np.ndarray,
    damping: float,
    parameters: np.ndarray,
    trial: np.ndarray,
) -> bool:
    """Put the parameters after Marquardt's step into `trial`, which enlarges the diagonal.

    The matrix is decomposed after Cholesky; returns False if it is not positive.
    """
    n = len(curvature)
    largest = 0.0
    for k in range(n):
        largest = max(largest, curvature[k, k])
    lower = np.empty((n, n))
    for k in range(n):
        for m in range(k + 1):
            total = curvature[k, m]
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
        for j in range(k):
            step[k] -= lower[k, j] * step[j]
        step[k] /= lower[k, k]
    for k in range(n - 1, -1, -1):
        for j in range(k + 1, n):
            step[k] -= lower[j, k] * step[j]
        step[k] /= lower[k, k]
    trial[:] = parameters
    trial[:n] += step
    return True


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


def _compiled_with(sources: str) -> Callable[..., None]:
    """The function that fits the pixels of a batch; numba keeps its machine code on disk.

    numba sees by itself that the file of a function has changed, but not that one of a function
    which it calls has: so the machine code is that of certain `sources`.
    """

    def fit_pixels(
        tables: ModelTables,
        observed: np.ndarray,
        weights: np.ndarray,
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
                max_iterations,
                work,
                parameters[row],
                curvature[row],
                residuals[row],
            )

    return compiled_and_kept(fit_pixels)


SOURCES = [voigt, zeeman, milne_eddington, model_tables, compiled_model, sys.modules[__name__]]
_fit_pixels = _compiled_with(
    hashlib.sha256(b"".join(Path(str(s.__file__)).read_bytes() for s in SOURCES)).hexdigest()
)
