"""The Milne-Eddington inversion of a batch of pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvzmpi.level2.inversion import least_squares
from cvzmpi.level2.inversion.field_detection import bound_fields, choose_by_evidence
from cvzmpi.level2.inversion.first_guess import estimate, first_start, start_with_field
from cvzmpi.level2.inversion.weak_field import PRODUCTS
from cvzmpi.level2.settings import InversionSettings
from cvzmpi.level2.spectroscopy import milne_eddington as me
from cvzmpi.level2.spectroscopy import spectral_window
from cvzmpi.level2.spectroscopy.milne_eddington import MilneEddington
from cvzmpi.level2.spectroscopy.model_tables import ModelTables

CONVERGED, NOT_CONVERGED, UNUSABLE = 1, 2, 3
"""The status of an inverted pixel; 0 is for pixels that are not begun."""

# Pixels with a larger chi^2 per degree of freedom are fitted again, starting from these fields.
_GOOD_FIT = 1.3
_OTHER_FIELDS = (2500.0, 1200.0, 500.0)  # G


@dataclass(frozen=True)
class Inverted:
    """The results for a batch of pixels."""

    # float64, shape (n, n_parameters); in the order of `milne_eddington.PARAMETERS`; NaN for
    # unusable pixels. The azimuth is in [0, pi), since a spectrum does not tell two opposite
    # directions of the field apart.
    parameters: np.ndarray
    # float64, shape (n, n_parameters); standard deviations; 0 for a parameter that is not free, NaN
    # for one that the profiles do not determine. Where no field is detected, the field is 0, and
    # its uncertainty what the polarisation allows.
    uncertainties: np.ndarray
    chi_squared: np.ndarray  # float64, shape (n,); per degree of freedom
    n_iterations: np.ndarray  # int64, shape (n,)
    status: np.ndarray  # uint8, shape (n,)
    # float64, shape (n,); in sigma: see `field_detection.FieldEvidence`
    field_significance: np.ndarray
    # float64, shape (n, n_products); in G, in the order of `weak_field.PRODUCTS`
    weak_field: np.ndarray


def invert(model: MilneEddington, observed: np.ndarray, settings: InversionSettings) -> Inverted:
    """Find the atmospheres whose profiles fit the observed ones best.

    The result of a pixel does not depend on the others.

    Parameters
    ----------
    observed : float, shape (n, 4, n_wavelengths)
        Stokes I, Q, U, V in units of the quiet Sun's continuum.
    """
    observed = np.asarray(observed, float)
    n = len(observed)
    result = Inverted(
        parameters=np.full((n, me.N_PARAMETERS), np.nan),
        uncertainties=np.full((n, me.N_PARAMETERS), np.nan),
        chi_squared=np.full(n, np.nan),
        n_iterations=np.zeros(n, np.int64),
        status=np.full(n, UNUSABLE, np.uint8),
        field_significance=np.full(n, np.nan),
        weak_field=np.full((n, len(PRODUCTS)), np.nan),
    )
    rows = np.flatnonzero(_usable(observed))
    if len(rows) == 0:
        return result
    n_free = _count_free_parameters(model)
    weights = _weights(model, settings)
    degrees_of_freedom = np.count_nonzero(weights) - n_free
    fit = _fit(model, observed[rows], weights, n_free, settings)
    evidence = choose_by_evidence(model, observed[rows], weights, fit, settings.max_iterations)
    chi_squared = fit.chi_squared / degrees_of_freedom
    result.parameters[rows] = fit.parameters
    result.uncertainties[rows] = 0
    # If the model does not fit, the misfit counts as noise.
    scale = np.maximum(chi_squared, 1)[:, np.newaxis]
    result.uncertainties[rows, :n_free] = np.sqrt(scale * _variances(fit.curvature))
    result.uncertainties[rows, me.FIELD] = bound_fields(
        evidence, fit.parameters, result.uncertainties[rows]
    )
    result.chi_squared[rows] = chi_squared
    result.field_significance[rows] = evidence.significance
    result.weak_field[rows] = evidence.weak_field.products()
    result.n_iterations[rows] = fit.n_iterations
    result.status[rows] = np.where(fit.converged, CONVERGED, NOT_CONVERGED)
    return result


def _usable(observed: np.ndarray) -> np.ndarray:
    """Mask of the pixels without gaps and with light."""
    return np.isfinite(observed).all(axis=(1, 2)) & (observed[:, 0] > 0).all(axis=1)


def _count_free_parameters(model: MilneEddington) -> int:
    """The number of parameters that are fitted: the filling factor, the last, needs stray light."""
    return me.N_PARAMETERS if model.stray_light is not None else me.FILLING_FACTOR


def _weights(model: MilneEddington, settings: InversionSettings) -> np.ndarray:
    """Reciprocals of the noise, 0 in telluric lines; shape (4, n_wavelengths)."""
    weights = np.array(settings.weights)[:, np.newaxis] / settings.noise
    used = np.ones(len(model.wavelength), bool)
    if settings.exclude_tellurics:
        used = ~spectral_window.of_tellurics(model.wavelength)
    return weights * used


def _fit(
    model: MilneEddington,
    observed: np.ndarray,
    weights: np.ndarray,
    n_free: int,
    settings: InversionSettings,
) -> least_squares.Fit:
    """The first fit of each pixel or, if that is not good, the best of several."""
    tables = ModelTables.of(model)

    def fit(rows: np.ndarray, start: np.ndarray) -> least_squares.Fit:
        return least_squares.fit(
            tables, observed[rows], weights, start, n_free, settings.max_iterations
        )

    estimates = estimate(observed, model.wavelength, model.lines)
    best = fit(np.arange(len(observed)), first_start(model, observed, estimates))
    good = _GOOD_FIT * (np.count_nonzero(weights) - n_free)
    for field in _OTHER_FIELDS[: settings.restarts]:
        rows = np.flatnonzero((best.chi_squared > good) | ~best.converged)
        if len(rows):
            start = start_with_field(model, observed[rows], estimates.of(rows), field)
            best.take_better(rows, fit(rows, start))
    return best


def _variances(curvature: np.ndarray) -> np.ndarray:
    """Diagonals of the covariances; NaN where the profiles do not determine a parameter."""
    diagonal = np.einsum("nii->ni", curvature)
    determined = diagonal > 0
    scale = np.where(determined, 1 / np.sqrt(np.where(determined, diagonal, 1)), 0)
    correlation = curvature * scale[:, :, np.newaxis] * scale[:, np.newaxis, :]
    # Undetermined parameters, and combinations of parameters, get a variance of 1e12 noises.
    np.einsum("nii->ni", correlation)[...] = np.where(determined, 1 + 1e-12, 1)
    inverse = np.einsum("nii->ni", np.linalg.inv(correlation))
    return np.where(determined, np.abs(inverse) * scale**2, np.nan)
