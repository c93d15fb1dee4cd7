"""The opacities of one pixel's atmosphere at a few wavelengths, compiled by numba.

They are those of `milne_eddington`, with the same derivatives, but for the Voigt function in the
wings, which is cheaper and nearer to the truth.
"""

from __future__ import annotations

import numpy as np

from cvzmpi.level2.spectroscopy import milne_eddington as me
from cvzmpi.level2.spectroscopy.lanes import (
    BY_PARAMETER,
    CHUNK,
    DISTANCE,
    OPACITIES,
    PROFILES,
    ROW,
    SUMS,
    compiled,
    inlined,
)
from cvzmpi.level2.spectroscopy.model_tables import ModelTables
from cvzmpi.level2.spectroscopy.voigt import COEFFICIENTS, N_TERMS, SCALE

# In Doppler widths; there the continued fraction is right to 1e-9 of the largest value.
_FAR = 7.0

_INVERSE_SQRT_PI, _TWO_OVER_SQRT_PI = 1 / np.sqrt(np.pi), 2 / np.sqrt(np.pi)


@compiled
def sum_opacities(
    p: np.ndarray, tables: ModelTables, wavelength: np.ndarray, lanes: np.ndarray
) -> None:
    """The opacities and their derivatives by the parameters, at a few wavelengths."""
    lanes[PROFILES : PROFILES + 30 * ROW] = 0
    for line in range(len(tables.line_wavelength)):
        least, largest = _measure_distances(p, tables, line, wavelength, lanes)
        for q in range(3):
            _sum_components(p, tables, line, q, least, largest, lanes)
            _add_line(p, tables, line, q, lanes, lanes[PROFILES + 10 * q * ROW :])
    _project_all(p, lanes)


@compiled
def _measure_distances(
    p: np.ndarray, tables: ModelTables, line: int, wavelength: np.ndarray, lanes: np.ndarray
) -> tuple[float, float]:
    """Distances from the centre of a line in Doppler widths; returns the least and the largest.

    Beyond the last wavelength it is repeated.
    """
    inverse_width = 1 / p[me.DOPPLER_WIDTH]
    shift = tables.pm_per_km_s[line] * p[me.VELOCITY]
    least, largest = np.inf, -np.inf
    for i in range(CHUNK):
        from_line = (wavelength[min(i, len(wavelength) - 1)] - tables.line_wavelength[line]) * 1e3
        v = (from_line - shift) * inverse_width
        lanes[DISTANCE + i] = v
        least, largest = min(least, v), max(largest, v)
    return least, largest


@compiled
def _sum_components(
    p: np.ndarray,
    tables: ModelTables,
    line: int,
    q: int,
    least: float,
    largest: float,
    lanes: np.ndarray,
) -> None:
    """Sums over the components c of one polarisation of a line.

    The sums of `s_c w(z_c)`, `s_c d_c w(z_c)` and `s_c d_c^2 w(z_c)`, real and imaginary part each,
    where `s_c` is the strength and `d_c` the shift of a component.
    """
    damping = p[me.DAMPING]
    field = tables.splitting[line] / p[me.DOPPLER_WIDTH] * p[me.FIELD]
    lanes[SUMS : SUMS + 6 * ROW] = 0
    for c in range(tables.first_component[3 * line + q], tables.first_component[3 * line + q + 1]):
        shift = tables.components[c, 0]
        weight = tables.components[c, 1] * tables.line_strength[line]
        offset = shift * field
        if least - offset > _FAR or largest - offset < -_FAR:
            for i in range(CHUNK):
                w = _voigt_faraday_far(lanes[DISTANCE + i] - offset, damping)
                _add_component(weight, shift, w, i, lanes)
        else:
            for i in range(CHUNK):
                w = _voigt_faraday(lanes[DISTANCE + i] - offset, damping)
                _add_component(weight, shift, w, i, lanes)


@inlined
def _add_component(
    weight: float, shift: float, w: tuple[float, float], i: int, lanes: np.ndarray
) -> None:
    once, twice = weight * shift, weight * shift * shift
    lanes[SUMS + i] += weight * w[0]
    lanes[SUMS + ROW + i] += weight * w[1]
    lanes[SUMS + 2 * ROW + i] += once * w[0]
    lanes[SUMS + 3 * ROW + i] += once * w[1]
    lanes[SUMS + 4 * ROW + i] += twice * w[0]
    lanes[SUMS + 5 * ROW + i] += twice * w[1]


@compiled
def _add_line(
    p: np.ndarray,
    tables: ModelTables,
    line: int,
    q: int,
    lanes: np.ndarray,
    profiles: np.ndarray,
) -> None:
    """Add the sums of a line to the profiles of one polarisation, and to their derivatives.

    Pairs of rows, absorption and dispersion: the profile, and its derivatives by field, velocity,
    Doppler width and damping. The derivative of `w(z)` is `-2 z w + 2 i / sqrt(pi)`, and
    `z_c = z - d_c field`: so its sums over the components follow from those of w.
    """
    damping, inverse_width = p[me.DAMPING], 1 / p[me.DOPPLER_WIDTH]
    splitting = tables.splitting[line] * inverse_width
    field = splitting * p[me.FIELD]
    per_velocity = tables.pm_per_km_s[line] * inverse_width
    total = shifted_total = 0.0
    for c in range(tables.first_component[3 * line + q], tables.first_component[3 * line + q + 1]):
        weight = tables.components[c, 1] * tables.line_strength[line] * _TWO_OVER_SQRT_PI
        total += weight
        shifted_total += weight * tables.components[c, 0]
    for i in range(CHUNK):
        v = lanes[DISTANCE + i]
        real, imag = lanes[SUMS + i], lanes[SUMS + ROW + i]
        real_1, imag_1 = lanes[SUMS + 2 * ROW + i], lanes[SUMS + 3 * ROW + i]
        real_2, imag_2 = lanes[SUMS + 4 * ROW + i], lanes[SUMS + 5 * ROW + i]
        slope = -2 * (v * real - damping * imag - field * real_1)
        slope_i = total - 2 * (v * imag + damping * real - field * imag_1)
        shifted = -2 * (v * real_1 - damping * imag_1 - field * real_2)
        shifted_i = shifted_total - 2 * (v * imag_1 + damping * real_1 - field * imag_2)
        profiles[i] += real
        profiles[ROW + i] += imag
        profiles[2 * ROW + i] -= splitting * shifted
        profiles[3 * ROW + i] -= splitting * shifted_i
        profiles[4 * ROW + i] -= per_velocity * slope
        profiles[5 * ROW + i] -= per_velocity * slope_i
        profiles[6 * ROW + i] -= (slope * v - field * shifted) * inverse_width
        profiles[7 * ROW + i] -= (slope_i * v - field * shifted_i) * inverse_width
        profiles[8 * ROW + i] -= slope_i  # dw/da = i dw/dv
        profiles[9 * ROW + i] += slope


@compiled
def _project_all(p: np.ndarray, lanes: np.ndarray) -> None:
    """The opacities from the profiles of the three polarisations, and their derivatives."""
    cosine, sine = np.cos(p[me.INCLINATION]), np.sin(p[me.INCLINATION])
    strength = p[me.LINE_STRENGTH]
    of_sigma, of_linear, of_circular = (1 + cosine * cosine) / 2, sine * sine / 2, cosine / 2
    for i in range(CHUNK):
        _project(of_sigma, of_linear, of_circular, 0, 0, i, lanes)
    of_sigma, of_linear, of_circular = (
        strength * of_sigma,
        strength * of_linear,
        strength * of_circular,
    )
    for i in range(CHUNK):
        _project(of_sigma, of_linear, of_circular, 1, 1, i, lanes)
        _project(of_sigma, of_linear, of_circular, 2, 2, i, lanes)
    for i in range(CHUNK):
        _project(of_sigma, of_linear, of_circular, 3, 3, i, lanes)
        _project(of_sigma, of_linear, of_circular, 4, 4, i, lanes)
    of_linear, of_circular = strength * sine * cosine, -strength * sine / 2
    for i in range(CHUNK):
        _project(-of_linear, of_linear, of_circular, 0, 5, i, lanes)
    for i in range(5 * ROW):
        lanes[OPACITIES + i] = strength * lanes[BY_PARAMETER + i]


@inlined
def _project(
    of_sigma: float,
    of_linear: float,
    of_circular: float,
    k: int,
    to: int,
    i: int,
    lanes: np.ndarray,
) -> None:
    """Opacities from profiles, as `milne_eddington._project`."""
    a, b = PROFILES + 2 * k * ROW + i, BY_PARAMETER + 5 * to * ROW + i
    blue, pi, red = lanes[a], lanes[a + 10 * ROW], lanes[a + 20 * ROW]
    sigma = (blue + red) / 2
    lanes[b] = of_linear * pi + of_sigma * sigma
    lanes[b + ROW] = of_linear * (pi - sigma)
    lanes[b + 2 * ROW] = of_circular * (red - blue)
    blue, pi, red = lanes[a + ROW], lanes[a + 11 * ROW], lanes[a + 21 * ROW]
    lanes[b + 3 * ROW] = of_linear * (pi - (blue + red) / 2)
    lanes[b + 4 * ROW] = of_circular * (red - blue)


@inlined
def _voigt_faraday(v: float, a: float) -> tuple[float, float]:
    """The Voigt and the Faraday-Voigt function, as `voigt.voigt_faraday`."""
    above = SCALE + a
    inverse = 1 / (above * above + v * v)
    u_real, u_imag = above * inverse, v * inverse
    z_real, z_imag = 2 * SCALE * u_real - 1, 2 * SCALE * u_imag
    double, squared = 2 * z_real, z_real * z_real + z_imag * z_imag
    first, second = COEFFICIENTS[-1], 0.0
    for k in range(N_TERMS - 2, 0, -1):
        # The term that is known longer is taken first.
        first, second = double * first + (COEFFICIENTS[k] - squared * second), first
    p_real = COEFFICIENTS[0] + z_real * first - squared * second
    p_imag = z_imag * first
    s_real = 2 * (p_real * u_real - p_imag * u_imag) + _INVERSE_SQRT_PI
    s_imag = 2 * (p_real * u_imag + p_imag * u_real)
    return u_real * s_real - u_imag * s_imag, u_real * s_imag + u_imag * s_real


@inlined
def _voigt_faraday_far(v: float, a: float) -> tuple[float, float]:
    """The same far from the centre, by five terms of Laplace's continued fraction.

    `w(z) = (i / sqrt(pi)) (t^2 - 9/2 t + 2) / (z (t^2 - 5 t + 15/4))` with `t = z^2` (Gautschi
    1970, SIAM J. Numer. Anal. 7, 187, sec. 2). The relative error is about `3.75 |z|^-10`.
    """
    t_real, t_imag = v * v - a * a, 2 * v * a
    square_real, square_imag = t_real * t_real - t_imag * t_imag, 2 * t_real * t_imag
    above_real, above_imag = square_real - 4.5 * t_real + 2, square_imag - 4.5 * t_imag
    d_real, d_imag = square_real - 5 * t_real + 3.75, square_imag - 5 * t_imag
    below_real, below_imag = d_real * v - d_imag * a, d_real * a + d_imag * v
    factor = _INVERSE_SQRT_PI / (below_real * below_real + below_imag * below_imag)
    real = above_real * below_real + above_imag * below_imag
    imag = above_imag * below_real - above_real * below_imag
    return -imag * factor, real * factor
