"""The Milne-Eddington inversion of a batch of pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cvzmpi.level2.inversion import least_squares
from cvzmpi.level2.inversion.first_guess import bridged, estimate, first_start, start_with_field
from cvzmpi.level2.settings import InversionSettings
from cvzmpi.level2.spectroscopy import milne_eddington as me
from cvzmpi.level2.spectroscopy.milne_eddington import MilneEddington
from cvzmpi.level2.spectroscopy.model_tables import ModelTables
from cvzmpi.level2.spectroscopy.tellurics import EXPECTED, Telluric, mask_of

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
    # for one that the profiles do not determine
    uncertainties: np.ndarray
    chi_squared: np.ndarray  # float64, shape (n,); per degree of freedom
    n_iterations: np.ndarray  # int64, shape (n,)
    status: np.ndarray  # uint8, shape (n,)


def invert(
    model: MilneEddington,
    observed: np.ndarray,
    settings: InversionSettings,
    tellurics: Sequence[Telluric] = EXPECTED,
) -> Inverted:
    """Find the atmospheres whose profiles fit the observed ones best.

    The result of a pixel does not depend on the others.

    Parameters
    ----------
    observed : float, shape (n, 4, n_wavelengths)
        Stokes I, Q, U, V in units of the quiet Sun's continuum.
    tellurics : sequence of Telluric
        Where the lines of the Earth's atmosphere are.
    """
    hidden = tellurics if settings.exclude_tellurics else ()
    left_out = left_out_of(model.wavelength, hidden, settings.masked)
    observed = np.asarray(observed, float)
    n = len(observed)
    result = Inverted(
        parameters=np.full((n, me.N_PARAMETERS), np.nan),
        uncertainties=np.full((n, me.N_PARAMETERS), np.nan),
        chi_squared=np.full(n, np.nan),
        n_iterations=np.zeros(n, np.int64),
        status=np.full(n, UNUSABLE, np.uint8),
    )
    rows = np.flatnonzero(_usable(observed))
    if len(rows) == 0:
        return result
    n_free = _count_free_parameters(model)
    weights = _weights(settings, left_out)
    degrees_of_freedom = np.count_nonzero(weights) - n_free
    fit = _fit(model, observed[rows], weights, n_free, settings, left_out)
    chi_squared = fit.chi_squared / degrees_of_freedom
    result.parameters[rows] = fit.parameters
    result.uncertainties[rows] = 0
    # If the model does not fit, the misfit counts as noise.
    scale = np.maximum(chi_squared, 1)[:, np.newaxis]
    result.uncertainties[rows, :n_free] = np.sqrt(scale * _variances(fit.curvature))
    result.chi_squared[rows] = chi_squared
    result.n_iterations[rows] = fit.n_iterations
    result.status[rows] = np.where(fit.converged, CONVERGED, NOT_CONVERGED)
    return result


def _usable(observed: np.ndarray) -> np.ndarray:
    """Mask of the pixels without gaps and with light."""
    return np.isfinite(observed).all(axis=(1, 2)) & (observed[:, 0] > 0).all(axis=1)


def _count_free_parameters(model: MilneEddington) -> int:
    """The number of parameters that are fitted: the filling factor, the last, needs stray light."""
    return me.N_PARAMETERS if model.stray_light is not None else me.FILLING_FACTOR


def left_out_of(
    wavelength: np.ndarray, tellurics: Sequence[Telluric], masked: Sequence[Sequence[float]]
) -> np.ndarray:
    """Mask of the wavelengths (nm) that are not fitted: in telluric lines and masked ranges."""
    left_out = mask_of(wavelength, tellurics)
    for first, last in masked:
        left_out |= (wavelength >= first) & (wavelength <= last)
    return left_out


def _weights(settings: InversionSettings, left_out: np.ndarray) -> np.ndarray:
    """Reciprocals of the noise, 0 for what is left out; shape (4, n_wavelengths)."""
    return np.array(settings.weights)[:, np.newaxis] / settings.noise * ~left_out


def _fit(
    model: MilneEddington,
    observed: np.ndarray,
    weights: np.ndarray,
    n_free: int,
    settings: InversionSettings,
    left_out: np.ndarray,
) -> least_squares.Fit:
    """The first fit of each pixel or, if that is not good, the best of several."""
    tables = ModelTables.of(model)

    def fit(rows: np.ndarray, start: np.ndarray) -> least_squares.Fit:
        return least_squares.fit(
            tables, observed[rows], weights, start, n_free, settings.max_iterations
        )

    clear = bridged(observed, model.wavelength, left_out)
    estimates = estimate(clear, model.wavelength, model.lines, left_out)
    best = fit(np.arange(len(observed)), first_start(model, clear, estimates))
    good = _GOOD_FIT * (np.count_nonzero(weights) - n_free)
    for field in _OTHER_FIELDS[: settings.restarts]:
        rows = np.flatnonzero((best.chi_squared > good) | ~best.converged)
        if len(rows):
            start = start_with_field(model, clear[rows], estimates.of(rows), field)
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
