"""Stokes profiles of a Milne-Eddington atmosphere, and their derivatives.

Magnetic field, velocity, line width, damping and line strength do not change with depth, and the
source function is linear in optical depth. Then the transfer equation has the solution of Unno and
Rachkovsky (Landi Degl'Innocenti & Landolfi 2004, *Polarization in Spectral Lines*, eq. 9.110), and
all its derivatives can be written down (Orozco Suarez & del Toro Iniesta 2007, A&A 462, 1137).

All pixels of a batch are computed at once, with elementwise operations only: the result for a pixel
does not depend, bit for bit, on the others in the batch.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np

from cvzmpi.level2.spectroscopy.spectral_profile import SpectralProfile
from cvzmpi.level2.spectroscopy.unno_rachkovsky import emergent_stokes
from cvzmpi.level2.spectroscopy.voigt import voigt_faraday
from cvzmpi.level2.spectroscopy.zeeman import (
    FE_I_630,
    SPEED_OF_LIGHT,
    Line,
    relative_strengths,
    zeeman_pattern,
)

PARAMETERS = {
    "field_strength": "G",
    "inclination": "rad",
    "azimuth": "rad",
    "velocity": "km/s",
    "doppler_width": "pm",
    "damping": "",
    "line_strength": "",
    "source_constant": "",
    "source_gradient": "",
    "filling_factor": "",
}
"""The parameters of the atmosphere, in the order of the arrays, with their units.

The inclination is that of the field to the line of sight, 0 towards the observer; the azimuth is
counted from the direction of positive Stokes Q to that of positive U; a positive velocity is a
redshift. `damping` is in Doppler widths, `line_strength` is the opacity of the strongest line
relative to the continuum's, where the Voigt function is 1. The source function is
`source_constant + source_gradient * optical depth`, in units of the intensities. The filling factor
is the magnetic part of a pixel; the rest is stray light."""

N_PARAMETERS = len(PARAMETERS)
(
    FIELD,
    INCLINATION,
    AZIMUTH,
    VELOCITY,
    DOPPLER_WIDTH,
    DAMPING,
    LINE_STRENGTH,
    SOURCE_CONSTANT,
    SOURCE_GRADIENT,
    FILLING_FACTOR,
) = range(N_PARAMETERS)

_TWO_OVER_SQRT_PI = 2 / np.sqrt(np.pi)


class MilneEddington:
    """Stokes profiles at given wavelengths.

    Parameters
    ----------
    wavelength : float64, shape (n_wavelengths,)
        In air, nm.
    stray_light : float64, shape (n_wavelengths,) or (n_pixels, n_wavelengths), optional
        The unpolarised intensity of the rest of the pixel, for all pixels or for each. Without it,
        the filling factor has no effect. It is observed light, and not blurred once more.
    spectral_profile : SpectralProfile, optional
        What blurs the spectrum on its way to the detector.
    """

    def __init__(
        self,
        wavelength: np.ndarray,
        lines: tuple[Line, ...] = FE_I_630,
        stray_light: np.ndarray | None = None,
        spectral_profile: SpectralProfile | None = None,
    ) -> None:
        self.wavelength = np.asarray(wavelength, float)
        self.spectral_profile = spectral_profile
        # Beyond both ends as far as the profile reaches, so that it finds light everywhere.
        self.computed_wavelength = (
            self.wavelength
            if spectral_profile is None
            else spectral_profile.extended(self.wavelength)
        )
        self.lines = lines
        self.stray_light = stray_light
        self._strengths = relative_strengths(lines)
        self._patterns = [zeeman_pattern(line) for line in lines]

    def with_stray_light(self, stray_light: np.ndarray) -> MilneEddington:
        """The same model with other stray light."""
        other = copy.copy(self)
        other.stray_light = stray_light
        return other

    def of_pixels(self, rows: np.ndarray) -> MilneEddington:
        """The model of some pixels, where each has stray light of its own; else the same model."""
        if self.stray_light is None or self.stray_light.ndim == 1:
            return self
        return self.with_stray_light(self.stray_light[rows])

    def stokes(self, parameters: np.ndarray) -> np.ndarray:
        """Stokes I, Q, U, V.

        Parameters
        ----------
        parameters : float64, shape (n_pixels, n_parameters)
            In the order and units of `PARAMETERS`.

        Returns
        -------
        float64, shape (n_pixels, 4, n_wavelengths)
        """
        return self.stokes_and_derivatives(parameters)[0]

    def stokes_and_derivatives(self, parameters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Stokes I, Q, U, V and their derivatives by the parameters.

        Parameters
        ----------
        parameters : float64, shape (n_pixels, n_parameters)

        Returns
        -------
        stokes : float64, shape (n_pixels, 4, n_wavelengths)
        derivatives : float64, shape (n_pixels, n_parameters, 4, n_wavelengths)
        """
        columns = np.ascontiguousarray(parameters.T)[:, :, np.newaxis]
        opacities, by_parameter = self._opacities(columns)
        along_azimuth, by_opacity = emergent_stokes(
            opacities, columns[SOURCE_CONSTANT], columns[SOURCE_GRADIENT]
        )
        n_pixels, n_wavelengths = len(parameters), len(self.computed_wavelength)
        stokes = np.empty((n_pixels, 4, n_wavelengths))
        derivatives = np.zeros((n_pixels, N_PARAMETERS, 4, n_wavelengths))
        azimuth = columns[AZIMUTH]
        for index, opacity in by_parameter.items():
            change = [(by_opacity[s] * opacity).sum(axis=0) for s in range(4)]
            _turn(change, azimuth, derivatives[:, index])
        derivatives[:, SOURCE_CONSTANT, 0] = 1
        _turn(along_azimuth, azimuth, stokes)
        derivatives[:, SOURCE_GRADIENT] = stokes
        derivatives[:, SOURCE_GRADIENT, 0] -= columns[SOURCE_CONSTANT]
        derivatives[:, SOURCE_GRADIENT] /= columns[SOURCE_GRADIENT][:, np.newaxis]
        derivatives[:, AZIMUTH, 1] = -2 * stokes[:, 2]
        derivatives[:, AZIMUTH, 2] = 2 * stokes[:, 1]
        if self.spectral_profile is not None:
            stokes = self.spectral_profile.blur(stokes)
            derivatives = self.spectral_profile.blur(derivatives)
        if self.stray_light is not None:
            self._mix_in_stray_light(columns[FILLING_FACTOR], stokes, derivatives)
        return stokes, derivatives

    def _opacities(self, columns: np.ndarray) -> tuple[np.ndarray, dict[int, np.ndarray]]:
        """The rows that `emergent_stokes` takes, and their derivatives by the parameters."""
        inclination, strength = columns[INCLINATION], columns[LINE_STRENGTH]
        profile, profile_by = self._profiles(columns)
        relative = _project(profile, inclination)
        by = {index: strength * _project(p, inclination) for index, p in profile_by.items()}
        by[INCLINATION] = strength * _project_by_inclination(profile, inclination)
        by[LINE_STRENGTH] = relative
        return strength * relative, by

    def _profiles(self, columns: np.ndarray) -> tuple[_Complex, dict[int, _Complex]]:
        """Sums of the Zeeman components of all lines, and their derivatives by the parameters.

        Each has a real part (absorption) and an imaginary part (dispersion), of shape
        (3, n_pixels, n_wavelengths), by polarisation from -1 to 1.
        """
        field, velocity = columns[FIELD], columns[VELOCITY]
        width, damping = columns[DOPPLER_WIDTH], columns[DAMPING]
        shape = (3, columns.shape[1], len(self.computed_wavelength))

        def zeros() -> _Complex:
            return np.zeros(shape), np.zeros(shape)

        profile = zeros()
        by = {index: zeros() for index in (FIELD, VELOCITY, DOPPLER_WIDTH)}
        by_distance = zeros()
        for line, strength, pattern in zip(
            self.lines, self._strengths, self._patterns, strict=True
        ):
            pm_per_km_s = line.wavelength * 1e3 / SPEED_OF_LIGHT
            v = (
                (self.computed_wavelength - line.wavelength) * 1e3 - pm_per_km_s * velocity
            ) / width
            splitting = line.splitting() / width  # Doppler widths per gauss
            slope, shifted_slope = zeros(), zeros()
            for component in pattern:
                q = component.polarisation + 1
                x = v - (component.shift * splitting) * field
                weight = strength * component.strength
                w = voigt_faraday(x, damping)
                for part, derivative in enumerate(_derivative(x, damping, w)):
                    profile[part][q] += weight * w[part]
                    derivative *= weight
                    slope[part][q] += derivative
                    derivative *= component.shift
                    shifted_slope[part][q] += derivative
            for part in (0, 1):
                by_distance[part][...] += slope[part]
                by[VELOCITY][part][...] -= (pm_per_km_s / width) * slope[part]
                by[FIELD][part][...] -= splitting * shifted_slope[part]
                slope[part][...] *= v
                shifted_slope[part][...] *= splitting * field
                slope[part][...] -= shifted_slope[part]
                by[DOPPLER_WIDTH][part][...] -= slope[part] / width
        by[DAMPING] = -by_distance[1], by_distance[0]  # dw/da = i dw/dv
        return profile, by

    def _mix_in_stray_light(
        self, filling_factor: np.ndarray, stokes: np.ndarray, derivatives: np.ndarray
    ) -> None:
        assert self.stray_light is not None
        derivatives *= filling_factor[:, np.newaxis, np.newaxis]
        derivatives[:, FILLING_FACTOR] = stokes
        derivatives[:, FILLING_FACTOR, 0] -= self.stray_light
        stokes *= filling_factor[:, np.newaxis]
        stokes[:, 0] += (1 - filling_factor) * self.stray_light


_Complex = tuple[np.ndarray, np.ndarray]
"""Real and imaginary part, in two arrays since complex arithmetic is slower."""


def _derivative(x: np.ndarray, a: np.ndarray, w: _Complex) -> _Complex:
    """The derivative of w(z): -2 z w + 2 i / sqrt(pi), where z = x + i a."""
    absorption, dispersion = w
    real = -2 * (x * absorption - a * dispersion)
    imag = _TWO_OVER_SQRT_PI - 2 * (x * dispersion + a * absorption)
    return real, imag


def _project(profile: _Complex, inclination: np.ndarray) -> np.ndarray:
    """Opacities, for line strength 1, from the profiles of the three polarisations.

    Landi Degl'Innocenti & Landolfi 2004, eq. 9.32, with Stokes Q along the azimuth.
    """
    cosine, sine = np.cos(inclination), np.sin(inclination)
    opacities = np.empty((5, *profile[0].shape[1:]))
    for part, rows in ((0, (1, 2)), (1, (3, 4))):
        blue, pi, red = profile[part]
        sigma = (blue + red) / 2
        opacities[rows[0]] = (sine * sine / 2) * (pi - sigma)
        opacities[rows[1]] = (cosine / 2) * (red - blue)
        if part == 0:
            opacities[0] = (sine * sine / 2) * pi + ((1 + cosine * cosine) / 2) * sigma
    return opacities


def _project_by_inclination(profile: _Complex, inclination: np.ndarray) -> np.ndarray:
    """The derivative of `_project`."""
    cosine, sine = np.cos(inclination), np.sin(inclination)
    opacities = np.empty((5, *profile[0].shape[1:]))
    for part, rows in ((0, (1, 2)), (1, (3, 4))):
        blue, pi, red = profile[part]
        opacities[rows[0]] = (sine * cosine) * (pi - (blue + red) / 2)
        opacities[rows[1]] = (-sine / 2) * (red - blue)
    opacities[0] = opacities[1]
    return opacities


def _turn(
    stokes: Sequence[np.ndarray] | np.ndarray, azimuth: np.ndarray, turned: np.ndarray
) -> None:
    """Rotate Stokes I, Q, U, V from the frame along the azimuth to the frame of the observer."""
    cosine, sine = np.cos(2 * azimuth), np.sin(2 * azimuth)
    turned[:, 0] = stokes[0]
    turned[:, 1] = cosine * stokes[1] - sine * stokes[2]
    turned[:, 2] = sine * stokes[1] + cosine * stokes[2]
    turned[:, 3] = stokes[3]
