"""The Milne-Eddington inversion of a batch of pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cvzmpi.level2.fitting import least_squares
from cvzmpi.level2.fitting.covariance import covariance_of
from cvzmpi.level2.pixels import clipping, noise, outliers
from cvzmpi.level2.pixels.bridging import bridged
from cvzmpi.level2.pixels.field_components import components
from cvzmpi.level2.pixels.field_detection import bound_fields, choose_by_evidence
from cvzmpi.level2.pixels.first_guess import (
    Estimates,
    estimate,
    first_start,
    start_with_field,
)
from cvzmpi.level2.pixels.inverted_pixels import CONVERGED, NOT_CONVERGED, Inverted
from cvzmpi.level2.pixels.outliers import Quality
from cvzmpi.level2.settings import InversionSettings
from cvzmpi.level2.spectroscopy import milne_eddington as me
from cvzmpi.level2.spectroscopy import spectral_window
from cvzmpi.level2.spectroscopy.milne_eddington import MilneEddington
from cvzmpi.level2.spectroscopy.model_tables import ModelTables
from cvzmpi.level2.spectroscopy.tellurics import EXPECTED, Telluric

# Pixels are fitted again, starting from these fields, if chi^2 per degree of freedom exceeds what
# their own noise makes of it by this factor.
_GOOD_FIT = 1.3
_OTHER_FIELDS = (2500.0, 1200.0, 500.0)  # G
_FILLING_FACTORS = 0.7, 0.3  # of the starts, where they are fitted
# Two starts that end at a chi^2 within this fraction have found all that the model can do.
_SAME_FIT = 1e-3
_POOR_FIT = 2.0  # a factor like that of a good fit
# The largest residual in noise alone, in its standard deviations: one of 500 million samples.
_LARGEST_OF_NOISE = 6.0
# Samples next to those that stand out by this many ranges of their neighbours: see `spikes`.
_SLACK_OBSERVED, _SLACK_LEFT = 3.0, 1.0


def invert(
    model: MilneEddington,
    observed: np.ndarray,
    settings: InversionSettings,
    tellurics: Sequence[Telluric] = EXPECTED,
    map_noise: float | None = None,
) -> Inverted:
    """Find the atmospheres whose profiles fit the observed ones best.

    The result of a pixel does not depend on the others; nor on their stray light, if the model has
    one for each.

    Parameters
    ----------
    observed : float, shape (n, 4, n_wavelengths)
        Stokes I, Q, U, V in units of the quiet Sun's continuum.
    tellurics : sequence of Telluric
        Where the lines of the Earth's atmosphere are.
    map_noise : float, optional
        The noise that the map tells, for pixels in which none can be measured.
    """
    observed = np.asarray(observed, float)
    result = Inverted.unusable(len(observed))
    hidden = tellurics if settings.exclude_tellurics else ()
    used = ~spectral_window.left_out_of(model.wavelength, hidden, settings.masked)
    missing = outliers.gaps(observed)
    dark = outliers.without_light(observed, missing, used)
    gappy = missing[:, :, used].any(axis=(1, 2))
    result.quality[...] = np.where(dark, Quality.NO_LIGHT, 0) | np.where(gappy, Quality.GAPS, 0)
    rows = np.flatnonzero(~dark)
    if len(rows) == 0:
        return result
    model = model.of_pixels(rows)
    pixels = Pixels.of(model, observed[rows], missing[rows], used, settings, map_noise)
    fit = pixels.best_fit()
    evidence = choose_by_evidence(
        model, pixels.tables, pixels.observed, pixels.weights, fit, settings.max_iterations
    )
    n_free = pixels.n_free
    chi_squared = fit.chi_squared / pixels.degrees_of_freedom()
    result.parameters[rows] = fit.parameters
    result.uncertainties[rows] = 0
    # What the fit leaves is the noise, whatever was assumed, misfits of the model included.
    scale = chi_squared[:, np.newaxis]
    covariance = scale[:, :, np.newaxis] * covariance_of(fit.curvature)
    result.uncertainties[rows, :n_free] = np.sqrt(np.einsum("nii->ni", covariance))
    result.uncertainties[rows, me.FIELD] = bound_fields(
        evidence, fit.parameters, result.uncertainties[rows]
    )
    result.field_significance[rows] = evidence.significance
    result.weak_field[rows] = evidence.weak_field.products()
    result.field_components[rows] = components(evidence, fit.parameters, covariance)
    result.chi_squared[rows] = chi_squared
    result.n_iterations[rows] = fit.n_iterations
    result.status[rows] = np.where(fit.converged, CONVERGED, NOT_CONVERGED)
    result.quality[rows] |= pixels.quality(fit)
    result.n_outliers[rows] = pixels.left_out[:, :, used].sum(axis=(1, 2))
    return result


def _count_free_parameters(model: MilneEddington) -> int:
    """The number of parameters that are fitted: the filling factor, the last, needs stray light."""
    return me.N_PARAMETERS if model.stray_light is not None else me.FILLING_FACTOR


@dataclass(frozen=True)
class Pixels:
    """The pixels of a batch that can be inverted, and what is known of their profiles."""

    model: MilneEddington
    settings: InversionSettings
    tables: ModelTables
    n_free: int
    used: np.ndarray  # bool, shape (n_wavelengths,); what is fitted, and no telluric line
    observed: np.ndarray  # float64, shape (n, 4, n_wavelengths); interpolated where left out
    missing: np.ndarray  # bool, shape (n, 4, n_wavelengths); gaps
    left_out: np.ndarray  # bool, shape (n, 4, n_wavelengths); gaps and spikes
    weights: np.ndarray  # float64, shape (n, 4, n_wavelengths); 0 where left out
    measured: np.ndarray  # float64, shape (n,); the noise seen in the pixel, NaN if none can be
    expected: np.ndarray  # float64, shape (n,); chi^2 per degree of freedom if noise is all

    @classmethod
    def of(
        cls,
        model: MilneEddington,
        observed: np.ndarray,
        missing: np.ndarray,
        used: np.ndarray,
        settings: InversionSettings,
        map_noise: float | None,
    ) -> Pixels:
        """Measure the noise, and bridge the gaps, of observed profiles."""
        observed = bridged(observed, model.wavelength, missing)
        measured = noise.measure(observed, _continuum(model, used))
        assumed = noise.to_assume(settings.noise, measured, map_noise)
        relative = np.array(settings.weights)
        weights = (relative / assumed[:, np.newaxis])[:, :, np.newaxis] * used
        weights[missing] = 0
        seen = np.mean(relative**2) * (measured / assumed) ** 2
        return cls(
            model=model,
            settings=settings,
            tables=ModelTables.of(model),
            n_free=_count_free_parameters(model),
            used=used,
            observed=observed,
            missing=missing,
            left_out=missing.copy(),
            weights=weights,
            measured=measured,
            expected=np.where(measured > 0, seen, 1),
        )

    def degrees_of_freedom(self) -> np.ndarray:
        """Samples that are fitted, less the free parameters; shape (n,)."""
        return np.count_nonzero(self.weights, axis=(1, 2)) - self.n_free

    def best_fit(self) -> least_squares.Fit:
        """The first fit of each pixel or, if that is not good, the best of several."""
        every = np.arange(len(self.observed))
        best = self._fit(every, self._first_start(every))
        # Large spikes spoil a fit; smaller ones show when it is good.
        self._fit_without_spikes(best, anew=True)
        self._fit_without_spikes(best, anew=False)
        self._fit_bad_ones_again(best)
        self._fit_without_spikes(best, anew=False)
        return best

    def _fit_bad_ones_again(self, best: least_squares.Fit) -> None:
        """Start from other fields where a fit is not good, until two starts end alike."""
        rows = np.flatnonzero(self._is_bad(best))
        clear, estimates = self._estimates(rows)
        for field in _OTHER_FIELDS[: self.settings.restarts]:
            if len(rows) == 0:
                return
            start = start_with_field(self.model.of_pixels(rows), clear, estimates, field)
            other = self._fit(rows, start)
            before = best.chi_squared[rows]
            both = best.converged[rows] & other.converged
            settled = both & (np.abs(other.chi_squared - before) < _SAME_FIT * before)
            best.take_better(rows, other)
            again = self._is_bad(best)[rows] & ~settled
            rows, clear, estimates = rows[again], clear[again], estimates.of(again)

    def _is_bad(self, fit: least_squares.Fit) -> np.ndarray:
        """Mask of the pixels for which another start may be better."""
        return self._exceeds(fit, _GOOD_FIT) | ~fit.converged

    def quality(self, fit: least_squares.Fit) -> np.ndarray:
        """The bits of each pixel; uint16, shape (n,)."""
        dof = self.degrees_of_freedom()
        spread = np.sqrt(np.where(self.measured > 0, self.expected, fit.chi_squared / dof))
        marks = {
            Quality.SPIKES: (self.left_out & ~self.missing).any(axis=(1, 2)),
            Quality.SATURATED: clipping.clipped(
                self.observed[:, 0], self.left_out[:, 0], self.measured
            ),
            Quality.FRINGES: outliers.fringed(
                fit.residuals,
                spread,
                _continuum(self.model, self.used),
                self._lines(),
                self.model.wavelength,
            ),
            Quality.POOR_FIT: self._exceeds(fit, _POOR_FIT),
        }
        bits = np.zeros(len(dof), np.uint16)
        for bit, marked in marks.items():
            bits[marked] |= np.uint16(bit)
        return bits

    def _first_start(self, rows: np.ndarray) -> np.ndarray:
        """Where to begin; several places for each pixel if its filling factor is fitted."""
        clear, estimates = self._estimates(rows)
        model = self.model.of_pixels(rows)
        if self.n_free <= me.FILLING_FACTOR:
            return first_start(model, clear, estimates)
        return np.stack([first_start(model, clear, estimates, part) for part in _FILLING_FACTORS])

    def _estimates(self, rows: np.ndarray) -> tuple[np.ndarray, Estimates]:
        """The profiles of some pixels, bridged where they are not fitted, and their estimates."""
        wavelength = self.model.wavelength
        clear = bridged(self.observed[rows], wavelength, ~self.used)
        return clear, estimate(clear, wavelength, self.model.lines, ~self.used)

    def _fit(self, rows: np.ndarray, start: np.ndarray) -> least_squares.Fit:
        return least_squares.fit(
            self.tables.of_pixels(rows),
            self.observed[rows],
            self.weights[rows],
            start,
            self.n_free,
            self.settings.max_iterations,
        )

    def _exceeds(self, fit: least_squares.Fit, factor: float) -> np.ndarray:
        """Mask of the pixels whose fit leaves more than `factor` times what noise would."""
        exceeds: np.ndarray = fit.chi_squared > factor * self.expected * self.degrees_of_freedom()
        return exceeds

    def _fit_without_spikes(self, best: least_squares.Fit, anew: bool) -> None:
        """Fit pixels without their spikes, and put that in place of the fits with them.

        Parameters
        ----------
        anew : bool
            As that of `leave_out_spikes`; and start from estimates without them.
        """
        rows = self.leave_out_spikes(best, anew)
        if len(rows):
            start = self._first_start(rows) if anew else best.parameters[rows]
            best.take(rows, self._fit(rows, start))

    def leave_out_spikes(self, best: least_squares.Fit, anew: bool) -> np.ndarray:
        """Leave out samples that stand out; returns the pixels that had some.

        Parameters
        ----------
        anew : bool
            Look for spikes in the observed profiles, not in what the fit leaves, which they may
            have spoiled.
        """
        spread = np.sqrt(best.chi_squared / self.degrees_of_freedom())
        largest = np.maximum(best.residuals.max(axis=(1, 2)), -best.residuals.min(axis=(1, 2)))
        rows = np.flatnonzero(largest > _LARGEST_OF_NOISE * spread)
        if len(rows) == 0:
            return rows
        wavelength, fitted = self.model.wavelength, self.weights[rows] > 0
        profiles, slack = self.observed[rows], _SLACK_OBSERVED
        more: np.ndarray | float = 0.0
        if not anew:
            profiles, slack = best.residuals[rows], _SLACK_LEFT
            more = self._sharpness_of_misfit(rows, profiles)
        found = outliers.spikes(profiles, slack, wavelength, more) & fitted
        n_found = found.sum(axis=(1, 2))
        few = (n_found > 0) & (n_found <= outliers.MOST_LEFT_OUT * fitted.sum(axis=(1, 2)))
        rows, found = rows[few], found[few]
        self.left_out[rows] |= found
        self.weights[rows] = np.where(found, 0, self.weights[rows])
        self.observed[rows] = bridged(self.observed[rows], wavelength, self.left_out[rows])
        return rows

    def _sharpness_of_misfit(self, rows: np.ndarray, residual: np.ndarray) -> np.ndarray:
        fitted = self.weights[rows] * self.observed[rows] - residual
        of_noise = np.sqrt(self.expected[rows])
        return outliers.sharpness_of_misfit(fitted, residual, self._lines(), of_noise)

    def _lines(self) -> np.ndarray:
        """Mask of the wavelengths where lines may be, and that are fitted."""
        lines = spectral_window.around_lines(self.model.wavelength, self.model.lines)
        return self.used & np.any(lines, axis=0)


def _continuum(model: MilneEddington, used: np.ndarray) -> np.ndarray:
    """Mask of the wavelengths far from the lines, and fitted."""
    return spectral_window.of_continuum(model.wavelength, model.lines, tellurics=()) & used
