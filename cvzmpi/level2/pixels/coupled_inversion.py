"""The inversion of pixels that are drawn towards their neighbours: see `coupled_fit`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cvzmpi.level2.pixels import coupled_fit, least_squares, outliers
from cvzmpi.level2.pixels.coupled_fit import N_OF_FIELD
from cvzmpi.level2.pixels.inverted_pixels import CONVERGED, NOT_CONVERGED, UNUSABLE
from cvzmpi.level2.pixels.pixel_inversion import Pixels, left_out_of
from cvzmpi.level2.settings import InversionSettings
from cvzmpi.level2.spectroscopy import milne_eddington as me
from cvzmpi.level2.spectroscopy.milne_eddington import MilneEddington
from cvzmpi.level2.spectroscopy.tellurics import Telluric


@dataclass(frozen=True)
class Neighbourhood:
    """What the last sweep found for a batch of pixels, and for those around them."""

    # float64, shape (n, n_parameters); NaN for unusable pixels; a field of 0 is none detected
    parameters: np.ndarray
    # `mean`, `precision`: float64, shape (n, N_QUANTITIES); see `coupled_fit.fit`
    mean: np.ndarray
    precision: np.ndarray


@dataclass(frozen=True)
class Swept:
    """The results of a sweep for a batch of pixels; as those of `Inverted`."""

    parameters: np.ndarray
    chi_squared: np.ndarray
    n_iterations: np.ndarray
    status: np.ndarray


def sweep(
    model: MilneEddington,
    observed: np.ndarray,
    around: Neighbourhood,
    settings: InversionSettings,
    tellurics: Sequence[Telluric],
    map_noise: float | None = None,
) -> Swept:
    """Fit pixels again, from what they have, drawn towards their neighbours.

    A pixel without a detected field is fitted without one: what the neighbours have is no evidence.

    Parameters
    ----------
    observed : float, shape (n, 4, n_wavelengths)
        Stokes I, Q, U, V in units of the quiet Sun's continuum.
    tellurics, map_noise
        As those of `pixel_inversion.invert`.
    """
    observed = np.asarray(observed, float)
    n = len(observed)
    swept = Swept(
        parameters=around.parameters.copy(),
        chi_squared=np.full(n, np.nan),
        n_iterations=np.zeros(n, np.int64),
        status=np.full(n, UNUSABLE, np.uint8),
    )
    rows = np.flatnonzero(np.isfinite(around.parameters).all(axis=1))
    if len(rows) == 0:
        return swept
    hidden = tellurics if settings.exclude_tellurics else ()
    used = ~left_out_of(model.wavelength, hidden, settings.masked)
    missing = outliers.gaps(observed[rows])
    of_rows = model.of_pixels(rows)
    pixels = Pixels.of(of_rows, observed[rows], missing, used, settings, map_noise)
    _leave_out_spikes(pixels, around.parameters[rows])
    for of_field in (True, False):
        chosen = np.flatnonzero((around.parameters[rows, me.FIELD] > 0) == of_field)
        if len(chosen):
            _sweep_some(pixels, around, rows, chosen, of_field, swept)
    return swept


def _leave_out_spikes(pixels: Pixels, start: np.ndarray) -> None:
    """Leave out what stands out from the profiles of the last sweep's atmospheres."""
    before = least_squares.fit(
        pixels.tables, pixels.observed, pixels.weights, start, pixels.n_free, 0
    )
    pixels.leave_out_spikes(before, anew=False)


def _sweep_some(
    pixels: Pixels,
    around: Neighbourhood,
    rows: np.ndarray,
    chosen: np.ndarray,
    of_field: bool,
    swept: Swept,
) -> None:
    """Fit those with, or without, a field; `chosen` are places in `rows`."""
    tables = pixels.tables.of_pixels(chosen)
    at = rows[chosen]
    start, precision = around.parameters[at], around.precision[at].copy()
    if not of_field:
        tables = tables._replace(splitting=np.zeros_like(tables.splitting))
        precision[:, :N_OF_FIELD] = 0
    fit = coupled_fit.fit(
        tables,
        pixels.observed[chosen],
        pixels.weights[chosen],
        start,
        around.mean[at],
        precision,
        pixels.n_free,
        pixels.settings.max_iterations,
    )
    if not of_field:
        angles = [me.FIELD, me.INCLINATION, me.AZIMUTH]
        fit.parameters[:, angles] = start[:, angles]
    swept.parameters[at] = fit.parameters
    swept.chi_squared[at] = fit.chi_squared / pixels.degrees_of_freedom()[chosen]
    swept.n_iterations[at] = fit.n_iterations
    swept.status[at] = np.where(fit.converged, CONVERGED, NOT_CONVERGED)
