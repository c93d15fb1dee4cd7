"""Levenberg-Marquardt for the profiles of a pixel, compiled by numba."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numba import njit

from cvzmpi.level2.spectroscopy import compiled_model, milne_eddington, model_tables, voigt, zeeman
from cvzmpi.level2.spectroscopy import milne_eddington as me
from cvzmpi.level2.spectroscopy.compiled_model import compiled, compute
from cvzmpi.level2.spectroscopy.model_tables import LANES, WEIGHTED, ModelTables, Workspace, thinned

_FIRST_DAMPING = 1e-2
_LEAST_DAMPING, _LARGEST_DAMPING = 1e-7, 1e9
_LESS, _MORE = 0.1, 10.0
# A pixel has converged after two steps in a row that lower chi^2 by less than this fraction.
_TOLERANCE = 1e-4
# Before, a few of the wavelengths are fitted, until a step lowers chi^2 by less than this fraction.
_ROUGH_TOLERANCE = 1e-2
_FEWEST_SAMPLES = 5  # for each parameter, that a rough fit needs

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
    rough, picked = thinned(tables)
    _fit_pixels(
        tables,
        rough,
        picked,
        np.ascontiguousarray(observed, float),
        np.ascontiguousarray(weights, float),
        max_iterations,
        Workspace.of(tables),
        Workspace.of(rough),
        found.parameters,
        found.chi_squared,
        found.curvature,
        found.n_iterations,
        found.converged,
        found.residuals,
    )
    return found


def profiles(tables: ModelTables, parameters: np.ndarray) -> np.ndarray:
    """Stokes I, Q, U, V of some atmospheres; shape (n, 4, n_wavelengths).

    As `MilneEddington.stokes`, but compiled: what a fit without iterations leaves of no light.
    """
    dark = np.zeros((len(parameters), 4, tables.n_wavelengths))
    return -fit(tables, dark, np.ones_like(dark), parameters, 1, 0).residuals


@compiled
def _iterate(
    tables: ModelTables,
    observed: np.ndarray,
    weights: np.ndarray,
    ending: tuple[int, float, int],
    damping: float,
    work: Workspace,
    parameters: np.ndarray,
    curvature: np.ndarray,
    residual: np.ndarray,
) -> tuple[float, int, bool, float]:
    """Fit a pixel in place.

    Returns chi^2, the number of iterations, if it has converged, and the last damping.

    Parameters
    ----------
    ending : tuple
        The most iterations; and so small a relative fall of chi^2 in so many steps in a row ends
        the fit.
    """
    max_iterations, tolerance, n_small_steps = ending
    n_free = len(curvature)
    gradient = np.empty(n_free)
    trial, trial_curvature, trial_gradient = parameters.copy(), curvature.copy(), gradient.copy()
    bring_into_range(parameters)
    chi_squared = _evaluate(tables, observed, weights, parameters, work, curvature, gradient)
    residual[:] = work.stokes
    n_small = 0
    for iteration in range(max_iterations):
        better = False
        if _step(curvature, gradient, damping, parameters, trial):
            bring_into_range(trial)
            trial_chi_squared = _evaluate(
                tables, observed, weights, trial, work, trial_curvature, trial_gradient
            )
            gain = chi_squared - trial_chi_squared
            better = gain > 0
        if better:
            n_small = n_small + 1 if gain < tolerance * trial_chi_squared else 0
            damping = max(damping * _LESS, _LEAST_DAMPING)
            chi_squared = trial_chi_squared
            parameters[:] = trial
            curvature[:] = trial_curvature
            gradient[:] = trial_gradient
            residual[:] = work.stokes
        else:
            damping *= _MORE
        if n_small == n_small_steps or damping >= _LARGEST_DAMPING:
            return chi_squared, iteration + 1, True, damping
    return chi_squared, max_iterations, False, damping


@compiled
def _evaluate(
    tables: ModelTables,
    observed: np.ndarray,
    weights: np.ndarray,
    p: np.ndarray,
    work: Workspace,
    curvature: np.ndarray,
    gradient: np.ndarray,
) -> float:
    """Chi^2 at some parameters, half its second derivatives, and half its negative gradient.

    The residuals take the place of the profiles in `work`.
    """
    compute(p, tables, work)
    work.products[:] = 0
    for first in range(0, tables.n_wavelengths, WEIGHTED):
        n = min(WEIGHTED, tables.n_wavelengths - first)
        _weigh(observed, weights, len(curvature), first, n, work)
        _add_products(len(curvature), work)
    n_free = len(curvature)
    for k in range(n_free):
        for m in range(k + 1):
            curvature[k, m] = curvature[m, k] = _total(work.products[k, m])
        gradient[k] = _total(work.products[n_free, k])
    return _total(work.products[n_free, n_free])


@compiled
def _weigh(
    observed: np.ndarray, weights: np.ndarray, n_free: int, first: int, n: int, work: Workspace
) -> None:
    """Put derivatives and residuals of a few wavelengths, times their weights, in a cache."""
    part = slice(first, first + n)
    if n < WEIGHTED:
        work.weighted[:] = 0
    for s in range(4):
        weight, seen, residual = weights[s, part], observed[s, part], work.stokes[s, part]
        kept = work.weighted[n_free, s * WEIGHTED : s * WEIGHTED + n]
        for i in range(n):
            residual[i] = (seen[i] - residual[i]) * weight[i]
            kept[i] = residual[i]
        for k in range(n_free):
            slope = work.derivatives[k, s, part]
            kept = work.weighted[k, s * WEIGHTED : s * WEIGHTED + n]
            for i in range(n):
                kept[i] = slope[i] * weight[i]


@compiled
def _add_products(n_free: int, work: Workspace) -> None:
    """Add the products of weighted derivatives and residuals, the last row, to their sums.

    The azimuth changes Q and U alone, and the constant of the source function I alone.
    """
    weighted, products = work.weighted, work.products
    for k in range(n_free + 1):
        for m in range(k + 1):
            if me.SOURCE_CONSTANT in (k, m):
                _add_of_one(weighted[k], weighted[m], products[k, m])
            elif me.AZIMUTH in (k, m):
                linear = slice(WEIGHTED, 3 * WEIGHTED)
                _add_of_two(weighted[k, linear], weighted[m, linear], products[k, m])
            else:
                _add_of_all(weighted[k], weighted[m], products[k, m])


def _adding(n_stokes: int) -> Callable[[np.ndarray, np.ndarray, np.ndarray], None]:
    """The function that adds products of so many Stokes parameters to `LANES` sums.

    With a number that is constant the compiler unrolls the inner loop, and takes all sums at once.
    """
    n_terms = n_stokes * WEIGHTED // LANES

    @compiled
    def add(one: np.ndarray, other: np.ndarray, sums: np.ndarray) -> None:
        for lane in range(LANES):
            even = odd = 0.0
            for term in range(0, n_terms, 2):
                i = term * LANES + lane
                even += one[i] * other[i]
                odd += one[i + LANES] * other[i + LANES]
            sums[lane] += even + odd

    return add


_add_of_one, _add_of_two, _add_of_all = _adding(1), _adding(2), _adding(4)


@compiled
def _total(sums: np.ndarray) -> float:
    """Always in the same order."""
    half = LANES // 2
    total = 0.0
    for lane in range(half):
        total += sums[lane] + sums[lane + half]
    return total


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


def _compiled_with(sources: str) -> Callable[..., None]:
    """The function that fits the pixels of a batch; numba keeps its machine code on disk.

    numba sees by itself that the file of a function has changed, but not that one of a function
    which it calls has: so the machine code is that of certain `sources`.
    """

    def fit_pixels(
        tables: ModelTables,
        rough: ModelTables,
        picked: np.ndarray,
        observed: np.ndarray,
        weights: np.ndarray,
        max_iterations: int,
        work: Workspace,
        rough_work: Workspace,
        parameters: np.ndarray,
        chi_squared: np.ndarray,
        curvature: np.ndarray,
        n_iterations: np.ndarray,
        converged: np.ndarray,
        residuals: np.ndarray,
    ) -> None:
        assert sources
        few, few_weights = np.empty((4, len(picked))), np.empty((4, len(picked)))
        left = np.empty((4, len(picked)))
        for row in range(len(observed)):
            n_before, damping = 0, _FIRST_DAMPING
            if len(picked) and max_iterations > 1:
                n_used = 0
                for s in range(4):
                    for i in range(len(picked)):
                        few[s, i] = observed[row, s, picked[i]]
                        few_weights[s, i] = weights[row, s, picked[i]]
                        n_used += few_weights[s, i] > 0
                if n_used >= _FEWEST_SAMPLES * parameters.shape[1]:
                    _, n_before, _, damping = _iterate(
                        rough,
                        few,
                        few_weights,
                        (max_iterations // 2, _ROUGH_TOLERANCE, 1),
                        damping,
                        rough_work,
                        parameters[row],
                        curvature[row],
                        left,
                    )
            chi_squared[row], n_iterations[row], converged[row], _ = _iterate(
                tables,
                observed[row],
                weights[row],
                (max_iterations - n_before, _TOLERANCE, 2),
                min(damping, _FIRST_DAMPING),
                work,
                parameters[row],
                curvature[row],
                residuals[row],
            )
            n_iterations[row] += n_before

    try:
        return njit(fit_pixels, cache=True, error_model="numpy")
    except RuntimeError:  # there is no directory for the machine code: each process makes its own
        return compiled(fit_pixels)


_SOURCES = [voigt, zeeman, milne_eddington, model_tables, compiled_model, sys.modules[__name__]]
_fit_pixels = _compiled_with(
    hashlib.sha256(b"".join(Path(str(s.__file__)).read_bytes() for s in _SOURCES)).hexdigest()
)
