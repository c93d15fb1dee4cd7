"""Levenberg-Marquardt for the profiles of a pixel, compiled by numba."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cvzmpi.level2.fitting import levenberg_marquardt, normal_equations
from cvzmpi.level2.fitting.levenberg_marquardt import (
    FIRST_DAMPING,
    NO_PRIOR,
    ROUGH_TOLERANCE,
    TOLERANCE,
    iterate,
    take_best_start,
)
from cvzmpi.level2.spectroscopy import (
    compilation,
    compiled_model,
    compiled_opacities,
    lanes,
    milne_eddington,
    model_tables,
    voigt,
    zeeman,
)
from cvzmpi.level2.spectroscopy.compilation import checksum_of, compiled_and_kept
from cvzmpi.level2.spectroscopy.lanes import compiled
from cvzmpi.level2.spectroscopy.model_tables import ModelTables, Workspace, thinned

_FEWEST_SAMPLES = 5  # for each parameter, that a rough fit needs


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
    start : float64, shape (n, n_parameters), or (n_starts, n, n_parameters)
        Of several, that goes on which fits best after a few iterations: at a few wavelengths, or at
        all where there are few.
    n_free : int
        The first so many parameters are fitted, the others stay.
    """
    n = len(observed)
    starts = np.array(start, float, ndmin=3)
    found = Fit(
        parameters=starts[0].copy(),
        chi_squared=np.empty(n),
        curvature=np.empty((n, n_free, n_free)),
        n_iterations=np.zeros(n, np.int64),
        converged=np.zeros(n, bool),
        residuals=np.empty(observed.shape),
    )
    rough, picked = thinned(tables)
    workspaces = Workspace.of(tables), Workspace.of(rough)
    results = [found.parameters, found.chi_squared, found.curvature]
    results += [found.n_iterations, found.converged, found.residuals]
    batches = zip(tables.batches(n), rough.batches(n), strict=True)
    for (rows, of_rows), (_, rough_of_rows) in batches:
        _fit_pixels(
            of_rows,
            rough_of_rows,
            picked,
            np.ascontiguousarray(observed[rows], float),
            np.ascontiguousarray(weights[rows], float),
            np.ascontiguousarray(starts[:, rows]),
            max_iterations,
            *workspaces,
            *(result[rows] for result in results),
        )
    return found


def profiles(tables: ModelTables, parameters: np.ndarray) -> np.ndarray:
    """Stokes I, Q, U, V of some atmospheres; shape (n, 4, n_wavelengths).

    As `MilneEddington.stokes`, but compiled: what a fit without iterations leaves of no light.
    """
    dark = np.zeros((len(parameters), 4, tables.n_wavelengths))
    return -fit(tables, dark, np.ones_like(dark), parameters, 1, 0).residuals


@compiled
def _pick(
    observed: np.ndarray,
    weights: np.ndarray,
    picked: np.ndarray,
    few: np.ndarray,
    few_weights: np.ndarray,
) -> int:
    """Copy some wavelengths of a pixel; returns the number of samples that are not left out."""
    n_used = 0
    for s in range(4):
        for i in range(len(picked)):
            few[s, i] = observed[s, picked[i]]
            few_weights[s, i] = weights[s, picked[i]]
            n_used += few_weights[s, i] > 0
    return n_used


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
        starts: np.ndarray,
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
            n_before, damping = 0, FIRST_DAMPING
            n_used = _pick(observed[row], weights[row], picked, few, few_weights)
            if max_iterations > 1 and n_used >= _FEWEST_SAMPLES * parameters.shape[1]:
                if len(starts) > 1:
                    take_best_start(
                        rough,
                        few,
                        few_weights,
                        starts[:, row],
                        rough_work,
                        parameters[row],
                        curvature[row],
                        left,
                    )
                _, n_before, _, damping = iterate(
                    rough,
                    few,
                    few_weights,
                    NO_PRIOR,
                    (max_iterations // 2, ROUGH_TOLERANCE, 1),
                    damping,
                    rough_work,
                    parameters[row],
                    curvature[row],
                    left,
                )
            elif len(starts) > 1:
                take_best_start(
                    tables,
                    observed[row],
                    weights[row],
                    starts[:, row],
                    work,
                    parameters[row],
                    curvature[row],
                    residuals[row],
                )
            chi_squared[row], n_iterations[row], converged[row], _ = iterate(
                tables,
                observed[row],
                weights[row],
                NO_PRIOR,
                (max_iterations - n_before, TOLERANCE, 2),
                min(damping, FIRST_DAMPING),
                work,
                parameters[row],
                curvature[row],
                residuals[row],
            )
            n_iterations[row] += n_before

    return compiled_and_kept(fit_pixels)


SOURCES = [
    *(compilation, voigt, zeeman, milne_eddington, lanes, model_tables),
    *(compiled_opacities, compiled_model, normal_equations, levenberg_marquardt),
    sys.modules[__name__],
]
_fit_pixels = _compiled_with(checksum_of(*SOURCES))
