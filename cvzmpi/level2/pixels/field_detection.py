"""Whether a pixel shows a magnetic field at all, and its atmosphere if it does not.

A fit always finds some field: noise looks like a weak one, and a line that is broader than the
model allows like one that only broadens. So the test is of the polarisation alone, which nothing
but a field causes: how much chi^2 of Q, U and V falls, in units of the noise, or of the misfit
where that is larger. It falls by the three amplitudes of a weak field (`weak_field`), whose
templates do not depend on the noise of Q, U and V, or by the profiles that were fitted, which a
strong field needs. Each of these two alone would have three degrees of freedom without a field;
the larger of them is taken as chi^2 with four. Of 20,000 simulated pixels without a field, 11
(0.06 %) exceed 3 sigma, and of 10,000 whose noise is 1.2 times what is assumed, 6.

Where the field is not detected, the atmosphere without a field is reported: the fit with the
splitting of all lines set to 0. Its field is 0, and the uncertainty of its field is what the
polarisation allows. Where a weak field is detected in Stokes V alone, nothing but the width of the
lines tells how much of it is transverse: then the uncertainty reaches down to the longitudinal
field.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import erfcx

from cvzmpi.level2.pixels import least_squares
from cvzmpi.level2.pixels.least_squares import Fit
from cvzmpi.level2.pixels.weak_field import WeakField, weak_field
from cvzmpi.level2.spectroscopy import milne_eddington as me
from cvzmpi.level2.spectroscopy.milne_eddington import MilneEddington
from cvzmpi.level2.spectroscopy.model_tables import ModelTables

DETECTED = 3.0
"""The significance from which on a field counts as detected, in sigma."""

# Below, the fitted profiles are asked as well.
_BEYOND_DOUBT = 10.0

# The fall of chi^2 of Q and U by two amplitudes that noise exceeds as often as 3 sigma.
_LINEAR_DETECTED = 11.83

# A field is weak below a splitting of so many Doppler widths.
_WEAK_SPLITTING = 0.5


@dataclass(frozen=True)
class FieldEvidence:
    """What the polarisation of a batch of pixels says about their fields."""

    # float64, shape (n,); in sigma: noise alone does not exceed it more often than a Gaussian
    # variable exceeds so many standard deviations to either side; above 10, a lower limit
    significance: np.ndarray
    weak_field: WeakField
    splitting: np.ndarray  # float64, shape (n,); by 1 G, in Doppler widths, of the widest line

    @property
    def detected(self) -> np.ndarray:
        """Mask of the pixels with a field."""
        return self.significance >= DETECTED

    def limit(self) -> np.ndarray:
        """The field in G that one standard deviation more of each amplitude gives."""
        found = self.weak_field
        longitudinal = np.abs(found.longitudinal) + found.longitudinal_error
        return np.hypot(longitudinal, found.transverse + found.transverse_error)


def choose_by_evidence(
    model: MilneEddington,
    tables: ModelTables,
    observed: np.ndarray,
    weights: np.ndarray,
    fit: Fit,
    max_iterations: int,
) -> FieldEvidence:
    """Test the field of each pixel; where it is not detected, put the fit without a field in place.

    Parameters
    ----------
    tables : ModelTables
        Of the model.
    observed : float64, shape (n, 4, n_wavelengths)
    weights : float64, shape (n, 4, n_wavelengths)
        Reciprocals of the standard deviations.
    fit : Fit
        Changed in place. An atmosphere without a field keeps the angles of the one with a field,
        and has no curvature along these three parameters: nothing determines them.
    """
    weak = weak_field(model, observed, weights, fit.parameters)
    significance = sigmas(weak.delta_chi_squared)
    rows = np.flatnonzero(significance < _BEYOND_DOUBT)
    if len(rows):
        of_rows = tables.of_pixels(rows)
        gain = _gain_by_fit(of_rows, observed[rows], weights[rows], fit.parameters[rows])
        significance[rows] = np.maximum(significance[rows], sigmas(gain))
    widest = max(line.splitting() * line.effective_lande for line in model.lines)
    splitting = widest / fit.parameters[:, me.DOPPLER_WIDTH]
    evidence = FieldEvidence(significance, weak, splitting)
    rows = np.flatnonzero(~evidence.detected)
    if len(rows):
        of_rows = tables.of_pixels(rows)
        _fit_without_field(of_rows, observed[rows], weights[rows], fit, rows, max_iterations)
    return evidence


def bound_fields(
    evidence: FieldEvidence, parameters: np.ndarray, uncertainties: np.ndarray
) -> np.ndarray:
    """The uncertainties of the fields, where there may be none, or no transverse one.

    Parameters
    ----------
    parameters, uncertainties : float64, shape (n, n_parameters)
        Of the pixels that the evidence is of.

    Returns
    -------
    float64, shape (n,)
        In G.
    """
    field, error = parameters[:, me.FIELD], uncertainties[:, me.FIELD]
    weak = field * evidence.splitting < _WEAK_SPLITTING
    only_v = weak & (evidence.weak_field.linear_delta_chi_squared < _LINEAR_DETECTED)
    transverse = field * (1 - np.abs(np.cos(parameters[:, me.INCLINATION])))
    error = np.where(only_v, np.fmax(error, transverse), error)
    return np.where(evidence.detected, error, evidence.limit())


def sigmas(delta_chi_squared: np.ndarray) -> np.ndarray:
    """The significance of a fall of chi^2 by four degrees of freedom, in sigma.

    The chance that noise exceeds it is `exp(-x / 2) (1 + x / 2)`.

    Parameters
    ----------
    delta_chi_squared : float64, shape (n,)
    """
    half = np.maximum(delta_chi_squared, 0) / 2
    logarithm = np.log1p(half) - half
    # Newton's method for log(erfc(z / sqrt(2))), from above: it is concave.
    z = np.sqrt(-2 * logarithm)
    for _ in range(8):
        scaled = erfcx(z / np.sqrt(2))
        excess = np.log(scaled) - z * z / 2 - logarithm
        z = np.maximum(z + excess * scaled / np.sqrt(2 / np.pi), 0)
    return z


def _gain_by_fit(
    tables: ModelTables, observed: np.ndarray, weights: np.ndarray, parameters: np.ndarray
) -> np.ndarray:
    """How much chi^2 of the polarisation is smaller with the fitted profiles than with none."""
    of_polarisation = weights.copy()
    of_polarisation[:, 0] = 0
    # No iteration: chi^2 where the fit is.
    chi_squared = least_squares.fit(tables, observed, of_polarisation, parameters, 1, 0).chi_squared
    weighted = of_polarisation * observed
    without = (weighted * weighted).reshape(len(observed), -1).sum(axis=1)
    used = np.count_nonzero(of_polarisation, axis=(1, 2))
    misfit = np.maximum(chi_squared / np.maximum(used, 1), 1)
    return (without - chi_squared) / misfit


def _fit_without_field(
    tables: ModelTables,
    observed: np.ndarray,
    weights: np.ndarray,
    fit: Fit,
    rows: np.ndarray,
    max_iterations: int,
) -> None:
    """Replace rows of a fit by fits that no field can change, starting from what was found."""
    unsplit = tables._replace(splitting=np.zeros_like(tables.splitting))
    start = fit.parameters[rows]
    start[:, me.FIELD] = 0
    n_free = fit.curvature.shape[1]
    without = least_squares.fit(unsplit, observed, weights, start, n_free, max_iterations)
    # The derivatives by them are 0 but for rounding.
    of_field = [me.FIELD, me.INCLINATION, me.AZIMUTH]
    without.parameters[:, of_field] = start[:, of_field]
    without.curvature[:, of_field] = without.curvature[:, :, of_field] = 0
    fit.take(rows, without)
