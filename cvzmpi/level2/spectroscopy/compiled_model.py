"""The Milne-Eddington model of one pixel, compiled by numba for the inversion.

It is the model of `milne_eddington`, with the same derivatives; that module explains the formulas,
and tests compare the two. Wavelengths are taken in blocks whose intermediate results stay in the
processor's first cache.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from cvzmpi.level2.spectroscopy import milne_eddington as me
from cvzmpi.level2.spectroscopy.model_tables import (
    BLOCK,
    N_OPACITY_PARAMETERS,
    ModelTables,
    Workspace,
)
from cvzmpi.level2.spectroscopy.voigt import COEFFICIENTS, N_TERMS, SCALE

# Without any liberty in arithmetic: the bits are those of the order that is written here.
compiled = njit(error_model="numpy")

_INVERSE_SQRT_PI, _TWO_OVER_SQRT_PI = 1 / np.sqrt(np.pi), 2 / np.sqrt(np.pi)


@compiled
def compute(p: np.ndarray, tables: ModelTables, work: Workspace) -> None:
    """Put Stokes I, Q, U, V of one pixel and their derivatives into `work`.

    Parameters
    ----------
    p : float64, shape (n_parameters,)
    """
    n_computed = len(tables.wavelength)
    for first in range(0, n_computed, BLOCK):
        n = min(BLOCK, n_computed - first)
        _sum_components(p, tables, first, n, work)
        _project_all(p, n, work)
        _emerge(p, first, n, work)
    if len(tables.taps):
        _blur_all(p, tables, work)
    if len(tables.stray_light):
        _mix_in_stray_light(p[me.FILLING_FACTOR], tables.stray_light, work)


@compiled
def _sum_components(
    p: np.ndarray, tables: ModelTables, first: int, n: int, work: Workspace
) -> None:
    """The sums of the Zeeman components of all lines, as `MilneEddington._profiles`."""
    field, velocity, damping = p[me.FIELD], p[me.VELOCITY], p[me.DAMPING]
    inverse_width = 1 / p[me.DOPPLER_WIDTH]
    profile, by_field, by_velocity = work.profiles[0], work.profiles[1], work.profiles[2]
    by_width, by_damping = work.profiles[3], work.profiles[4]
    slope, shifted_slope = work.slopes[0], work.slopes[1]
    distance = work.distance
    work.profiles[:] = 0
    for line in range(len(tables.line_wavelength)):
        splitting = tables.splitting[line] * inverse_width
        pm_per_km_s = tables.pm_per_km_s[line]
        for i in range(n):
            from_line = (tables.wavelength[first + i] - tables.line_wavelength[line]) * 1e3
            distance[i] = (from_line - pm_per_km_s * velocity) * inverse_width
        work.slopes[:] = 0
        for c in range(len(tables.components)):
            if tables.components[c, 0] == line:
                q = int(tables.components[c, 1])
                shift = tables.components[c, 2]
                weight = tables.components[c, 3] * tables.line_strength[line]
                offset = shift * splitting * field
                for i in range(n):
                    x = distance[i] - offset
                    absorption, dispersion = _voigt_faraday(x, damping)
                    profile[q, i] += weight * absorption
                    profile[q + 3, i] += weight * dispersion
                    # dw/dz = -2 z w + 2 i / sqrt(pi), where z = x + i a
                    real = weight * -2 * (x * absorption - damping * dispersion)
                    imaginary = x * dispersion + damping * absorption
                    imaginary = weight * (_TWO_OVER_SQRT_PI - 2 * imaginary)
                    slope[q, i] += real
                    slope[q + 3, i] += imaginary
                    shifted_slope[q, i] += shift * real
                    shifted_slope[q + 3, i] += shift * imaginary
        for q in range(6):
            for i in range(n):
                s, shifted = slope[q, i], shifted_slope[q, i]
                by_velocity[q, i] -= pm_per_km_s * inverse_width * s
                by_field[q, i] -= splitting * shifted
                by_width[q, i] -= (s * distance[i] - splitting * field * shifted) * inverse_width
        for q in range(3):  # dw/da = i dw/dv
            for i in range(n):
                by_damping[q, i] -= slope[q + 3, i]
                by_damping[q + 3, i] += slope[q, i]


@njit(inline="always", error_model="numpy")
def _voigt_faraday(v: float, a: float) -> tuple[float, float]:
    """The Voigt and the Faraday-Voigt function, as `voigt.voigt_faraday`."""
    above = SCALE + a
    inverse = 1 / (above * above + v * v)
    u_real, u_imag = above * inverse, v * inverse
    z_real, z_imag = 2 * SCALE * u_real - 1, 2 * SCALE * u_imag
    double, squared = 2 * z_real, z_real * z_real + z_imag * z_imag
    first, second = COEFFICIENTS[-1], 0.0
    for k in range(N_TERMS - 2, 0, -1):
        first, second = double * first - squared * second + COEFFICIENTS[k], first
    p_real = COEFFICIENTS[0] + z_real * first - squared * second
    p_imag = z_imag * first
    s_real = 2 * (p_real * u_real - p_imag * u_imag) + _INVERSE_SQRT_PI
    s_imag = 2 * (p_real * u_imag + p_imag * u_real)
    return u_real * s_real - u_imag * s_imag, u_real * s_imag + u_imag * s_real


@compiled
def _project_all(p: np.ndarray, n: int, work: Workspace) -> None:
    """The opacities, and their derivatives by the parameters."""
    strength = p[me.LINE_STRENGTH]
    cosine, sine = np.cos(p[me.INCLINATION]), np.sin(p[me.INCLINATION])
    profile, by_field, by_velocity = work.profiles[0], work.profiles[1], work.profiles[2]
    by_width, by_damping = work.profiles[3], work.profiles[4]
    by = work.opacity_derivatives
    _project(profile, n, cosine, sine, 1.0, by[me.LINE_STRENGTH])
    _project(by_field, n, cosine, sine, strength, by[me.FIELD])
    _project(by_velocity, n, cosine, sine, strength, by[me.VELOCITY])
    _project(by_width, n, cosine, sine, strength, by[me.DOPPLER_WIDTH])
    _project(by_damping, n, cosine, sine, strength, by[me.DAMPING])
    of_inclination, of_strength = by[me.INCLINATION], by[me.LINE_STRENGTH]
    for part in range(2):
        blue, pi, red = profile[3 * part], profile[3 * part + 1], profile[3 * part + 2]
        linear, circular = of_inclination[1 + 2 * part], of_inclination[2 + 2 * part]
        for i in range(n):
            linear[i] = strength * sine * cosine * (pi[i] - (blue[i] + red[i]) / 2)
            circular[i] = -strength * sine / 2 * (red[i] - blue[i])
    for i in range(n):
        of_inclination[0, i] = of_inclination[1, i]
    for k in range(5):
        for i in range(n):
            work.opacities[k, i] = strength * of_strength[k, i]


@compiled
def _project(
    profile: np.ndarray, n: int, cosine: float, sine: float, factor: float, opacities: np.ndarray
) -> None:
    """Opacities from the profiles of the three polarisations, as `milne_eddington._project`."""
    of_pi, of_sigma = factor * sine * sine / 2, factor * (1 + cosine * cosine) / 2
    of_difference = factor * cosine / 2
    for i in range(n):
        blue, pi, red = profile[0, i], profile[1, i], profile[2, i]
        sigma = (blue + red) / 2
        opacities[0, i] = of_pi * pi + of_sigma * sigma
        opacities[1, i] = of_pi * (pi - sigma)
        opacities[2, i] = of_difference * (red - blue)
        blue, pi, red = profile[3, i], profile[4, i], profile[5, i]
        opacities[3, i] = of_pi * (pi - (blue + red) / 2)
        opacities[4, i] = of_difference * (red - blue)


@compiled
def _emerge(p: np.ndarray, first: int, n: int, work: Workspace) -> None:
    """Stokes I, Q, U, V from the opacities, as `unno_rachkovsky.emergent_stokes`."""
    constant, gradient = p[me.SOURCE_CONSTANT], p[me.SOURCE_GRADIENT]
    cosine, sine = np.cos(2 * p[me.AZIMUTH]), np.sin(2 * p[me.AZIMUTH])
    stokes, derivatives = work.sharp_stokes, work.sharp_derivatives
    for i in range(n):
        at = first + i
        a = 1 + work.opacities[0, i]
        eta_q, eta_v = work.opacities[1, i], work.opacities[2, i]
        rho_q, rho_v = work.opacities[3, i], work.opacities[4, i]
        a2 = a * a
        mixed = eta_q * rho_q + eta_v * rho_v
        dispersion = rho_q * rho_q + rho_v * rho_v
        absorption = eta_q * eta_q + eta_v * eta_v
        inverse = 1 / (a2 * (a2 + dispersion - absorption) - mixed * mixed)
        cross = eta_q * rho_v - eta_v * rho_q
        i_ = a * (a2 + dispersion) * inverse
        q = -(a2 * eta_q + rho_q * mixed) * inverse
        u = -a * cross * inverse
        v = -(a2 * eta_v + rho_v * mixed) * inverse
        by_a = 2 * a * (2 * a2 + dispersion - absorption)
        by_rho_q = 2 * (a2 * rho_q - mixed * eta_q)
        by_rho_v = 2 * (a2 * rho_v - mixed * eta_v)
        # The derivatives of the determinant by eta_q and eta_v are 2 q and 2 v over `inverse`.
        by_eta_q = -2 * (a2 * eta_q + rho_q * mixed)
        by_eta_v = -2 * (a2 * eta_v + rho_v * mixed)
        factor = gradient * inverse
        rho_qv = rho_q * rho_v
        for k in range(N_OPACITY_PARAMETERS):
            if k == me.AZIMUTH:
                continue
            da = work.opacity_derivatives[k, 0, i]
            d_eta_q, d_eta_v = work.opacity_derivatives[k, 1, i], work.opacity_derivatives[k, 2, i]
            d_rho_q, d_rho_v = work.opacity_derivatives[k, 3, i], work.opacity_derivatives[k, 4, i]
            of_determinant = (
                by_a * da
                + by_eta_q * d_eta_q
                + by_eta_v * d_eta_v
                + by_rho_q * d_rho_q
                + by_rho_v * d_rho_v
            )
            di = (3 * a2 + dispersion) * da + 2 * a * (rho_q * d_rho_q + rho_v * d_rho_v)
            dq = -(
                2 * a * eta_q * da
                + (a2 + rho_q * rho_q) * d_eta_q
                + rho_qv * d_eta_v
                + (mixed + rho_q * eta_q) * d_rho_q
                + rho_q * eta_v * d_rho_v
            )
            du = -cross * da + a * (
                rho_q * d_eta_v - rho_v * d_eta_q + eta_v * d_rho_q - eta_q * d_rho_v
            )
            dv = -(
                2 * a * eta_v * da
                + rho_qv * d_eta_q
                + (a2 + rho_v * rho_v) * d_eta_v
                + rho_v * eta_q * d_rho_q
                + (mixed + rho_v * eta_v) * d_rho_v
            )
            dq = factor * (dq - q * of_determinant)
            du = factor * (du - u * of_determinant)
            derivatives[k, 0, at] = factor * (di - i_ * of_determinant)
            derivatives[k, 1, at] = cosine * dq - sine * du
            derivatives[k, 2, at] = sine * dq + cosine * du
            derivatives[k, 3, at] = factor * (dv - v * of_determinant)
        turned_q, turned_u = cosine * q - sine * u, sine * q + cosine * u
        derivatives[me.SOURCE_CONSTANT, 0, at] = 1
        derivatives[me.SOURCE_GRADIENT, 0, at] = i_
        derivatives[me.SOURCE_GRADIENT, 1, at] = turned_q
        derivatives[me.SOURCE_GRADIENT, 2, at] = turned_u
        derivatives[me.SOURCE_GRADIENT, 3, at] = v
        stokes[0, at] = constant + gradient * i_
        stokes[1, at] = gradient * turned_q
        stokes[2, at] = gradient * turned_u
        stokes[3, at] = gradient * v
        derivatives[me.AZIMUTH, 1, at] = -2 * stokes[2, at]
        derivatives[me.AZIMUTH, 2, at] = 2 * stokes[1, at]


@compiled
def _blur_all(p: np.ndarray, tables: ModelTables, work: Workspace) -> None:
    """Blur Stokes I, Q, U, V and their derivatives by the spectral profile.

    The derivatives by azimuth and source function follow from the blurred profiles.
    """
    constant, gradient = p[me.SOURCE_CONSTANT], p[me.SOURCE_GRADIENT]
    stokes, derivatives = work.stokes, work.derivatives
    for s in range(4):
        _blur(work.sharp_stokes[s], tables.taps, tables.oversampling, stokes[s])
        for k in range(N_OPACITY_PARAMETERS):
            if k != me.AZIMUTH:
                sharp = work.sharp_derivatives[k, s]
                _blur(sharp, tables.taps, tables.oversampling, derivatives[k, s])
    for i in range(stokes.shape[1]):
        derivatives[me.AZIMUTH, 1, i] = -2 * stokes[2, i]
        derivatives[me.AZIMUTH, 2, i] = 2 * stokes[1, i]
        derivatives[me.SOURCE_CONSTANT, 0, i] = 1
        derivatives[me.SOURCE_GRADIENT, 0, i] = (stokes[0, i] - constant) / gradient
        for s in range(1, 4):
            derivatives[me.SOURCE_GRADIENT, s, i] = stokes[s, i] / gradient


@compiled
def _blur(sharp: np.ndarray, taps: np.ndarray, oversampling: int, blurred: np.ndarray) -> None:
    """The sums of neighbouring wavelengths with the weights `taps`, as `SpectralProfile.blur`."""
    n = len(blurred)
    blurred[:] = 0
    for k in range(len(taps)):
        tap = taps[k]
        if oversampling == 1:  # of its own, since a processor takes several wavelengths at once
            for i in range(n):
                blurred[i] += tap * sharp[i + k]
        else:
            for i in range(n):
                blurred[i] += tap * sharp[i * oversampling + k]


@compiled
def _mix_in_stray_light(filling_factor: float, stray_light: np.ndarray, work: Workspace) -> None:
    """The unpolarised light of the rest of the pixel, as `MilneEddington._mix_in_stray_light`."""
    stokes, derivatives = work.stokes, work.derivatives
    for s in range(4):
        for i in range(len(stray_light)):
            for k in range(me.FILLING_FACTOR):
                derivatives[k, s, i] *= filling_factor
            other = stray_light[i] if s == 0 else 0.0
            derivatives[me.FILLING_FACTOR, s, i] = stokes[s, i] - other
            stokes[s, i] = filling_factor * stokes[s, i] + (1 - filling_factor) * other
