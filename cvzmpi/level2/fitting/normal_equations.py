"""Chi squared of a pixel and its derivatives, compiled by numba."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cvzmpi.level2.spectroscopy import milne_eddington as me
from cvzmpi.level2.spectroscopy.compiled_model import compute
from cvzmpi.level2.spectroscopy.lanes import compiled
from cvzmpi.level2.spectroscopy.model_tables import LANES, WEIGHTED, ModelTables, Workspace


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
