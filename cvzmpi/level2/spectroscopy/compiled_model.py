"""The Milne-Eddington model of one pixel, compiled by numba for the inversion.

It is the model of `milne_eddington`, with the same derivatives; that module explains the formulas,
and tests compare the two. A few wavelengths are taken at a time. All that is known of them is in
one array, `lanes`, in rows of `CHUNK` numbers, whose places are constants: so the compiler knows
that no row overlaps another, and takes as many wavelengths at once as the processor can.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from cvzmpi.level2.spectroscopy import milne_eddington as me
from cvzmpi.level2.spectroscopy.model_tables import CHUNK, ModelTables, Workspace
from cvzmpi.level2.spectroscopy.voigt import COEFFICIENTS, N_TERMS, SCALE

# Without any liberty in arithmetic: the bits are those of the order that is written here.
compiled = njit(error_model="numpy")

# In Doppler widths; there the continued fraction is right to 1e-9 of the largest value.
_FAR = 7.0

_INVERSE_SQRT_PI, _TWO_OVER_SQRT_PI = 1 / np.sqrt(np.pi), 2 / np.sqrt(np.pi)

# Where the rows are in `lanes`.
_ROW = CHUNK
_DISTANCE = 0  # from the centre of a line
_SUMS = _ROW  # 6 rows, see `_sum_components`
_PROFILES = _SUMS + 6 * _ROW  # 10 rows for each polarisation, see `_add_line`
_OPACITIES = _PROFILES + 30 * _ROW  # 5 rows: eta_I, eta_Q, eta_V, rho_Q, rho_V
# 5 rows each, by line strength, field, velocity, Doppler width, damping and inclination
_BY_PARAMETER = _OPACITIES + 5 * _ROW
_N_CHANGING = 6
_STOKES = _BY_PARAMETER + 5 * _N_CHANGING * _ROW  # 4 rows
_BY_OPACITY = _STOKES + 4 * _ROW  # 20 rows: derivatives of I, Q, U, V by the five opacities
_SLOPES = _BY_OPACITY + 20 * _ROW  # 4 rows: derivatives by a parameter

_N_OPACITY_PARAMETERS = me.LINE_STRENGTH + 1
_CHANGING = np.array(
    [me.LINE_STRENGTH, me.FIELD, me.VELOCITY, me.DOPPLER_WIDTH, me.DAMPING, me.INCLINATION]
)


@compiled
def compute(p: np.ndarray, tables: ModelTables, work: Workspace) -> None:
    """Put Stokes I, Q, U, V of one pixel and their derivatives into `work`.

    Parameters
    ----------
    p : float64, shape (n_parameters,)
    """
    n_computed = len(tables.wavelength)
    for first in range(0, n_computed, CHUNK):
        n = min(CHUNK, n_computed - first)
        _sum_opacities(p, tables, tables.wavelength[first : first + n], work.lanes)
        _emerge(p, work.lanes)
        _store(p, first, n, work)
    if len(tables.taps):
        _blur_all(p, tables, work)
    if len(tables.stray_light):
        _mix_in_stray_light(p[me.FILLING_FACTOR], tables.stray_light, work)


@compiled
def _sum_opacities(
    p: np.ndarray, tables: ModelTables, wavelength: np.ndarray, lanes: np.ndarray
) -> None:
    """The opacities and their derivatives by the parameters, at a few wavelengths."""
    lanes[_PROFILES : _PROFILES + 30 * _ROW] = 0
    for line in range(len(tables.line_wavelength)):
        least, largest = _measure_distances(p, tables, line, wavelength, lanes)
        for q in range(3):
            _sum_components(p, tables, line, q, least, largest, lanes)
            _add_line(p, tables, line, q, lanes, lanes[_PROFILES + 10 * q * _ROW :])
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
        lanes[_DISTANCE + i] = v
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
    lanes[_SUMS : _SUMS + 6 * _ROW] = 0
    for c in range(tables.first_component[3 * line + q], tables.first_component[3 * line + q + 1]):
        shift = tables.components[c, 0]
        weight = tables.components[c, 1] * tables.line_strength[line]
        offset = shift * field
        if least - offset > _FAR or largest - offset < -_FAR:
            for i in range(CHUNK):
                w = _voigt_faraday_far(lanes[_DISTANCE + i] - offset, damping)
                _add_component(weight, shift, w, i, lanes)
        else:
            for i in range(CHUNK):
                w = _voigt_faraday(lanes[_DISTANCE + i] - offset, damping)
                _add_component(weight, shift, w, i, lanes)


@njit(inline="always", error_model="numpy")
def _add_component(
    weight: float, shift: float, w: tuple[float, float], i: int, lanes: np.ndarray
) -> None:
    once, twice = weight * shift, weight * shift * shift
    lanes[_SUMS + i] += weight * w[0]
    lanes[_SUMS + _ROW + i] += weight * w[1]
    lanes[_SUMS + 2 * _ROW + i] += once * w[0]
    lanes[_SUMS + 3 * _ROW + i] += once * w[1]
    lanes[_SUMS + 4 * _ROW + i] += twice * w[0]
    lanes[_SUMS + 5 * _ROW + i] += twice * w[1]


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
        v = lanes[_DISTANCE + i]
        real, imag = lanes[_SUMS + i], lanes[_SUMS + _ROW + i]
        real_1, imag_1 = lanes[_SUMS + 2 * _ROW + i], lanes[_SUMS + 3 * _ROW + i]
        real_2, imag_2 = lanes[_SUMS + 4 * _ROW + i], lanes[_SUMS + 5 * _ROW + i]
        slope = -2 * (v * real - damping * imag - field * real_1)
        slope_i = total - 2 * (v * imag + damping * real - field * imag_1)
        shifted = -2 * (v * real_1 - damping * imag_1 - field * real_2)
        shifted_i = shifted_total - 2 * (v * imag_1 + damping * real_1 - field * imag_2)
        profiles[i] += real
        profiles[_ROW + i] += imag
        profiles[2 * _ROW + i] -= splitting * shifted
        profiles[3 * _ROW + i] -= splitting * shifted_i
        profiles[4 * _ROW + i] -= per_velocity * slope
        profiles[5 * _ROW + i] -= per_velocity * slope_i
        profiles[6 * _ROW + i] -= (slope * v - field * shifted) * inverse_width
        profiles[7 * _ROW + i] -= (slope_i * v - field * shifted_i) * inverse_width
        profiles[8 * _ROW + i] -= slope_i  # dw/da = i dw/dv
        profiles[9 * _ROW + i] += slope


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
    for i in range(5 * _ROW):
        lanes[_OPACITIES + i] = strength * lanes[_BY_PARAMETER + i]


@njit(inline="always", error_model="numpy")
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
    a, b = _PROFILES + 2 * k * _ROW + i, _BY_PARAMETER + 5 * to * _ROW + i
    blue, pi, red = lanes[a], lanes[a + 10 * _ROW], lanes[a + 20 * _ROW]
    sigma = (blue + red) / 2
    lanes[b] = of_linear * pi + of_sigma * sigma
    lanes[b + _ROW] = of_linear * (pi - sigma)
    lanes[b + 2 * _ROW] = of_circular * (red - blue)
    blue, pi, red = lanes[a + _ROW], lanes[a + 11 * _ROW], lanes[a + 21 * _ROW]
    lanes[b + 3 * _ROW] = of_linear * (pi - (blue + red) / 2)
    lanes[b + 4 * _ROW] = of_circular * (red - blue)


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
        # The term that is known longer is taken first.
        first, second = double * first + (COEFFICIENTS[k] - squared * second), first
    p_real = COEFFICIENTS[0] + z_real * first - squared * second
    p_imag = z_imag * first
    s_real = 2 * (p_real * u_real - p_imag * u_imag) + _INVERSE_SQRT_PI
    s_imag = 2 * (p_real * u_imag + p_imag * u_real)
    return u_real * s_real - u_imag * s_imag, u_real * s_imag + u_imag * s_real


@njit(inline="always", error_model="numpy")
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


@compiled
def _emerge(p: np.ndarray, lanes: np.ndarray) -> None:
    """Stokes I, Q, U, V from the opacities, as `unno_rachkovsky.emergent_stokes`.

    And their derivatives by the five opacities. All without the source function: its constant is
    not added, and its gradient is 1.
    """
    cosine, sine = np.cos(2 * p[me.AZIMUTH]), np.sin(2 * p[me.AZIMUTH])
    for i in range(CHUNK):
        a = 1 + lanes[_OPACITIES + i]
        eta_q, eta_v = lanes[_OPACITIES + _ROW + i], lanes[_OPACITIES + 2 * _ROW + i]
        rho_q, rho_v = lanes[_OPACITIES + 3 * _ROW + i], lanes[_OPACITIES + 4 * _ROW + i]
        a2 = a * a
        mixed = eta_q * rho_q + eta_v * rho_v
        dispersion = rho_q * rho_q + rho_v * rho_v
        absorption = eta_q * eta_q + eta_v * eta_v
        inverse = 1 / (a2 * (a2 + dispersion - absorption) - mixed * mixed)
        cross = eta_q * rho_v - eta_v * rho_q
        of_q, of_v = a2 * eta_q + rho_q * mixed, a2 * eta_v + rho_v * mixed
        stokes_i = a * (a2 + dispersion) * inverse
        q, u, v = -of_q * inverse, -a * cross * inverse, -of_v * inverse
        lanes[_STOKES + i] = stokes_i
        lanes[_STOKES + _ROW + i] = cosine * q - sine * u
        lanes[_STOKES + 2 * _ROW + i] = sine * q + cosine * u
        lanes[_STOKES + 3 * _ROW + i] = v
        # Of the determinant, by the opacities in their order.
        by_a = 2 * a * (2 * a2 + dispersion - absorption)
        by_eta_q, by_eta_v = -2 * of_q, -2 * of_v
        by_rho_q, by_rho_v = 2 * (a2 * rho_q - mixed * eta_q), 2 * (a2 * rho_v - mixed * eta_v)
        a_rho_q, a_rho_v, rho_qv = 2 * a * rho_q, 2 * a * rho_v, rho_q * rho_v
        lanes[_BY_OPACITY + i] = (3 * a2 + dispersion - stokes_i * by_a) * inverse
        lanes[_BY_OPACITY + _ROW + i] = -stokes_i * by_eta_q * inverse
        lanes[_BY_OPACITY + 2 * _ROW + i] = -stokes_i * by_eta_v * inverse
        lanes[_BY_OPACITY + 3 * _ROW + i] = (a_rho_q - stokes_i * by_rho_q) * inverse
        lanes[_BY_OPACITY + 4 * _ROW + i] = (a_rho_v - stokes_i * by_rho_v) * inverse
        q_a, u_a = -2 * a * eta_q - q * by_a, -cross - u * by_a
        q_eta_q, u_eta_q = -(a2 + rho_q * rho_q) - q * by_eta_q, -a * rho_v - u * by_eta_q
        q_eta_v, u_eta_v = -rho_qv - q * by_eta_v, a * rho_q - u * by_eta_v
        q_rho_q = -(mixed + rho_q * eta_q) - q * by_rho_q
        q_rho_v = -rho_q * eta_v - q * by_rho_v
        u_rho_q, u_rho_v = a * eta_v - u * by_rho_q, -a * eta_q - u * by_rho_v
        turn, other = cosine * inverse, sine * inverse
        lanes[_BY_OPACITY + 5 * _ROW + i] = turn * q_a - other * u_a
        lanes[_BY_OPACITY + 6 * _ROW + i] = turn * q_eta_q - other * u_eta_q
        lanes[_BY_OPACITY + 7 * _ROW + i] = turn * q_eta_v - other * u_eta_v
        lanes[_BY_OPACITY + 8 * _ROW + i] = turn * q_rho_q - other * u_rho_q
        lanes[_BY_OPACITY + 9 * _ROW + i] = turn * q_rho_v - other * u_rho_v
        lanes[_BY_OPACITY + 10 * _ROW + i] = other * q_a + turn * u_a
        lanes[_BY_OPACITY + 11 * _ROW + i] = other * q_eta_q + turn * u_eta_q
        lanes[_BY_OPACITY + 12 * _ROW + i] = other * q_eta_v + turn * u_eta_v
        lanes[_BY_OPACITY + 13 * _ROW + i] = other * q_rho_q + turn * u_rho_q
        lanes[_BY_OPACITY + 14 * _ROW + i] = other * q_rho_v + turn * u_rho_v
        lanes[_BY_OPACITY + 15 * _ROW + i] = (-2 * a * eta_v - v * by_a) * inverse
        lanes[_BY_OPACITY + 16 * _ROW + i] = (-rho_qv - v * by_eta_q) * inverse
        lanes[_BY_OPACITY + 17 * _ROW + i] = (-(a2 + rho_v * rho_v) - v * by_eta_v) * inverse
        lanes[_BY_OPACITY + 18 * _ROW + i] = (-rho_v * eta_q - v * by_rho_q) * inverse
        lanes[_BY_OPACITY + 19 * _ROW + i] = (-(mixed + rho_v * eta_v) - v * by_rho_v) * inverse


@compiled
def _store(p: np.ndarray, first: int, n: int, work: Workspace) -> None:
    """Put what emerges at a few wavelengths, and its derivatives, to those of all wavelengths."""
    constant, gradient = p[me.SOURCE_CONSTANT], p[me.SOURCE_GRADIENT]
    lanes, stokes, by = work.lanes, work.sharp_stokes, work.sharp_derivatives
    for k in range(_N_CHANGING):
        _multiply(gradient, lanes[_BY_PARAMETER + 5 * k * _ROW :], lanes)
        for s in range(4):
            _put(1.0, 0.0, lanes[_SLOPES + s * _ROW :], by[_CHANGING[k], s, first : first + n])
    for s in range(4):
        row = lanes[_STOKES + s * _ROW :]
        _put(1.0, 0.0, row, by[me.SOURCE_GRADIENT, s, first : first + n])
        _put(gradient, constant if s == 0 else 0.0, row, stokes[s, first : first + n])
    _put(0.0, 1.0, lanes[_STOKES:], by[me.SOURCE_CONSTANT, 0, first : first + n])
    _put(-2.0, 0.0, stokes[2, first : first + n], by[me.AZIMUTH, 1, first : first + n])
    _put(2.0, 0.0, stokes[1, first : first + n], by[me.AZIMUTH, 2, first : first + n])


@njit(inline="always", error_model="numpy")
def _put(factor: float, constant: float, values: np.ndarray, to: np.ndarray) -> None:
    for i in range(len(to)):
        to[i] = constant + factor * values[i]


@compiled
def _multiply(gradient: float, opacity: np.ndarray, lanes: np.ndarray) -> None:
    """The derivatives of Stokes I, Q, U, V by a parameter, from those of the opacities by it."""
    for i in range(CHUNK):
        of_i, of_q, of_v = (
            gradient * opacity[i],
            gradient * opacity[_ROW + i],
            gradient * opacity[2 * _ROW + i],
        )
        of_rho_q, of_rho_v = gradient * opacity[3 * _ROW + i], gradient * opacity[4 * _ROW + i]
        for s in range(4):
            lanes[_SLOPES + s * _ROW + i] = (
                of_i * lanes[_BY_OPACITY + 5 * s * _ROW + i]
                + of_q * lanes[_BY_OPACITY + (5 * s + 1) * _ROW + i]
                + of_v * lanes[_BY_OPACITY + (5 * s + 2) * _ROW + i]
                + of_rho_q * lanes[_BY_OPACITY + (5 * s + 3) * _ROW + i]
                + of_rho_v * lanes[_BY_OPACITY + (5 * s + 4) * _ROW + i]
            )


@compiled
def _blur_all(p: np.ndarray, tables: ModelTables, work: Workspace) -> None:
    """Blur Stokes I, Q, U, V and their derivatives by the spectral profile.

    The derivatives by azimuth and source function follow from the blurred profiles.
    """
    constant, gradient = p[me.SOURCE_CONSTANT], p[me.SOURCE_GRADIENT]
    stokes, derivatives = work.stokes, work.derivatives
    for s in range(4):
        _blur(work.sharp_stokes[s], tables.taps, tables.oversampling, stokes[s])
        for k in range(_N_OPACITY_PARAMETERS):
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
