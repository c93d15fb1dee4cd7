"""The components of a pixel's field along and across the line of sight, and what is known of them.

A standard deviation describes a weak field badly: Stokes V gives its longitudinal component to a
gauss or two, Q and U only the square of the transverse one, and none is below 0. So the field
strength and the transverse component have the limits of intervals in which the true value is with a
probability of 68.3 %, whatever the field.

Where Q and U show the field, the fit determines its square with a symmetric error. Elsewhere Q and
U limit it: their amplitude, the square of the transverse component in noise, has the distribution
of Rice, whose intervals are those of Feldman & Cousins (1998, Phys. Rev. D 57, 3873). How far lines
are broadened says nothing there.
"""

from __future__ import annotations

import numpy as np

from cvzmpi.level2.pixels.field_detection import FieldEvidence
from cvzmpi.level2.spectroscopy import milne_eddington as me

COMPONENTS = (
    *("longitudinal", "longitudinal_error", "transverse", "transverse_lower", "transverse_upper"),
    *("strength_lower", "strength_upper"),
)
"""What an inverted map has of the components of the field, in G."""

# Observed amplitudes in units of their noise, and the limits of the true ones.
_AMPLITUDE = np.array(
    [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.55, 1.6, 1.75, 2, 2.5, 3, 4, 5, 6, 8], float
)
_LOWER = np.array([*[0] * 7, 0, 0.32, 0.52, 0.78, 1.2, 1.68, 2.84, 3.9, 4.92, 6.94])
_UPPER = np.array(
    [
        *(0.16, 0.34, 0.68, 1.08, 1.42, 1.78, 2.14, 2.21, 2.28, 2.46, 2.76, 3.3, 3.84),
        *(4.88, 5.9, 6.92, 8.94),
    ]
)
# Where the limits allow no transverse component, the longitudinal one may be less by so many of its
# standard deviations: then nearly all of the probability is that of the transverse component.
_ALONG_AT_ZERO = 3.0


def components(
    evidence: FieldEvidence, parameters: np.ndarray, covariance: np.ndarray
) -> np.ndarray:
    """`COMPONENTS` of some pixels, each on its own; float64, shape (n, n_components).

    Parameters
    ----------
    parameters : float64, shape (n, n_parameters)
        Of the pixels that the evidence is of.
    covariance : float64, shape (n, n_free, n_free)
        Of the fit.
    """
    weak = evidence.weak_field
    field, inclination = parameters[:, me.FIELD], parameters[:, me.INCLINATION]
    cosine, sine = np.cos(inclination), np.sin(inclination)
    along = np.where(evidence.detected, field * cosine, weak.longitudinal)
    along_error = np.where(
        evidence.detected, _error(covariance, cosine, -field * sine), weak.longitudinal_error
    )
    by_fit = evidence.detected & ~evidence.only_longitudinal(field)
    square, square_error = weak.transverse_square, weak.transverse_square_error
    lowest, highest = limits_of_amplitude(square, square_error)
    across = np.where(by_fit, field * sine, weak.transverse)
    fitted = _around(across, _error(covariance, sine, field * cosine))
    less = np.where(lowest > 0, 1, _ALONG_AT_ZERO) * along_error
    surely_along = np.maximum(np.abs(along) - less, 0)
    strength = _around(field, _error(covariance, np.ones_like(sine), np.zeros_like(sine)))
    columns = {
        "longitudinal": along,
        "longitudinal_error": along_error,
        "transverse": across,
        "transverse_lower": np.where(by_fit, fitted[0], np.sqrt(lowest)),
        "transverse_upper": np.where(by_fit, fitted[1], np.sqrt(highest)),
        "strength_lower": np.where(by_fit, strength[0], np.sqrt(surely_along**2 + lowest)),
        "strength_upper": np.where(by_fit, strength[1], np.sqrt(along**2 + highest)),
    }
    return np.stack([columns[name] for name in COMPONENTS], axis=1)


def limits_of_amplitude(amplitude: np.ndarray, noise: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The limits of an amplitude of two components, which have the same noise.

    Parameters
    ----------
    amplitude, noise : float64, shape (n,)
        As observed; the noise is the standard deviation of each component.
    """
    observed = amplitude / noise
    large = observed > _AMPLITUDE[-1]
    without_bias = observed - 0.5 / np.maximum(observed, 1)
    lower = np.where(large, without_bias - 1, np.interp(observed, _AMPLITUDE, _LOWER))
    upper = np.where(large, without_bias + 1, np.interp(observed, _AMPLITUDE, _UPPER))
    return lower * noise, upper * noise


def _around(value: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The limits of a positive quantity whose square has a symmetric error."""
    square, of_square = value**2, 2 * value * error
    return np.sqrt(np.maximum(square - of_square, 0)), np.sqrt(square + of_square)


def _error(covariance: np.ndarray, by_field: np.ndarray, by_inclination: np.ndarray) -> np.ndarray:
    """The standard deviation of a quantity, by its derivatives."""
    of_field = by_field**2 * covariance[:, me.FIELD, me.FIELD]
    of_inclination = by_inclination**2 * covariance[:, me.INCLINATION, me.INCLINATION]
    of_both = 2 * by_field * by_inclination * covariance[:, me.FIELD, me.INCLINATION]
    return np.sqrt(np.maximum(of_field + of_inclination + of_both, 0))
