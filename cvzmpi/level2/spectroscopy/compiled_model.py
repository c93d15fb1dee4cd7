"""The Milne-Eddington model of one pixel, compiled by numba for the inversion.

It is the model of `milne_eddington`, with the same derivatives; that module explains the formulas,
and tests compare the two.
"""

from __future__ import annotations

import numpy as np

from cvzmpi.level2.spectroscopy import milne_eddington as me
from cvzmpi.level2.spectroscopy.compiled_opacities import sum_opacities
from cvzmpi.level2.spectroscopy.lanes import (
    BY_OPACITY,
    BY_PARAMETER,
    CHANGING,
    CHUNK,
    N_CHANGING,
    OPACITIES,
    ROW,
    SLOPES,
    STOKES,
    compiled,
    inlined,
)
from cvzmpi.level2.spectroscopy.model_tables import ModelTables, Workspace

# The first so many parameters change the opacities; but for the azimuth, which turns Q and U.
_N_OPACITY_PARAMETERS = me.LINE_STRENGTH + 1


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
        sum_opacities(p, tables, tables.wavelength[first : first + n], work.lanes)
        _emerge(p, work.lanes)
        _store(p, first, n, work)
    if len(tables.taps):
        _blur_all(p, tables, work)
    if len(tables.stray_light):
        _mix_in_stray_light(p[me.FILLING_FACTOR], tables.stray_light, work)


@compiled
def _emerge(p: np.ndarray, lanes: np.ndarray) -> None:
    """Stokes I, Q, U, V from the opacities, as `unno_rachkovsky.emergent_stokes`.

    And their derivatives by the five opacities. All without the source function: its constant is
    not added, and its gradient is 1.
    """
    cosine, sine = np.cos(2 * p[me.AZIMUTH]), np.sin(2 * p[me.AZIMUTH])
    for i in range(CHUNK):
        a = 1 + lanes[OPACITIES + i]
        eta_q, eta_v = lanes[OPACITIES + ROW + i], lanes[OPACITIES + 2 * ROW + i]
        rho_q, rho_v = lanes[OPACITIES + 3 * ROW + i], lanes[OPACITIES + 4 * ROW + i]
        a2 = a * a
        mixed = eta_q * rho_q + eta_v * rho_v
        dispersion = rho_q * rho_q + rho_v * rho_v
        absorption = eta_q * eta_q + eta_v * eta_v
        inverse = 1 / (a2 * (a2 + dispersion - absorption) - mixed * mixed)
        cross = eta_q * rho_v - eta_v * rho_q
        of_q, of_v = a2 * eta_q + rho_q * mixed, a2 * eta_v + rho_v * mixed
        stokes_i = a * (a2 + dispersion) * inverse
        q, u, v = -of_q * inverse, -a * cross * inverse, -of_v * inverse
        lanes[STOKES + i] = stokes_i
        lanes[STOKES + ROW + i] = cosine * q - sine * u
        lanes[STOKES + 2 * ROW + i] = sine * q + cosine * u
        lanes[STOKES + 3 * ROW + i] = v
        # Of the determinant, by the opacities in their order.
        by_a = 2 * a * (2 * a2 + dispersion - absorption)
        by_eta_q, by_eta_v = -2 * of_q, -2 * of_v
        by_rho_q, by_rho_v = 2 * (a2 * rho_q - mixed * eta_q), 2 * (a2 * rho_v - mixed * eta_v)
        a_rho_q, a_rho_v, rho_qv = 2 * a * rho_q, 2 * a * rho_v, rho_q * rho_v
        lanes[BY_OPACITY + i] = (3 * a2 + dispersion - stokes_i * by_a) * inverse
        lanes[BY_OPACITY + ROW + i] = -stokes_i * by_eta_q * inverse
        lanes[BY_OPACITY + 2 * ROW + i] = -stokes_i * by_eta_v * inverse
        lanes[BY_OPACITY + 3 * ROW + i] = (a_rho_q - stokes_i * by_rho_q) * inverse
        lanes[BY_OPACITY + 4 * ROW + i] = (a_rho_v - stokes_i * by_rho_v) * inverse
        q_a, u_a = -2 * a * eta_q - q * by_a, -cross - u * by_a
        q_eta_q, u_eta_q = -(a2 + rho_q * rho_q) - q * by_eta_q, -a * rho_v - u * by_eta_q
        q_eta_v, u_eta_v = -rho_qv - q * by_eta_v, a * rho_q - u * by_eta_v
        q_rho_q = -(mixed + rho_q * eta_q) - q * by_rho_q
        q_rho_v = -rho_q * eta_v - q * by_rho_v
        u_rho_q, u_rho_v = a * eta_v - u * by_rho_q, -a * eta_q - u * by_rho_v
        turn, other = cosine * inverse, sine * inverse
        lanes[BY_OPACITY + 5 * ROW + i] = turn * q_a - other * u_a
        lanes[BY_OPACITY + 6 * ROW + i] = turn * q_eta_q - other * u_eta_q
        lanes[BY_OPACITY + 7 * ROW + i] = turn * q_eta_v - other * u_eta_v
        lanes[BY_OPACITY + 8 * ROW + i] = turn * q_rho_q - other * u_rho_q
        lanes[BY_OPACITY + 9 * ROW + i] = turn * q_rho_v - other * u_rho_v
        lanes[BY_OPACITY + 10 * ROW + i] = other * q_a + turn * u_a
        lanes[BY_OPACITY + 11 * ROW + i] = other * q_eta_q + turn * u_eta_q
        lanes[BY_OPACITY + 12 * ROW + i] = other * q_eta_v + turn * u_eta_v
        lanes[BY_OPACITY + 13 * ROW + i] = other * q_rho_q + turn * u_rho_q
        lanes[BY_OPACITY + 14 * ROW + i] = other * q_rho_v + turn * u_rho_v
        lanes[BY_OPACITY + 15 * ROW + i] = (-2 * a * eta_v - v * by_a) * inverse
        lanes[BY_OPACITY + 16 * ROW + i] = (-rho_qv - v * by_eta_q) * inverse
        lanes[BY_OPACITY + 17 * ROW + i] = (-(a2 + rho_v * rho_v) - v * by_eta_v) * inverse
        lanes[BY_OPACITY + 18 * ROW + i] = (-rho_v * eta_q - v * by_rho_q) * inverse
        lanes[BY_OPACITY + 19 * ROW + i] = (-(mixed + rho_v * eta_v) - v * by_rho_v) * inverse


@compiled
def _store(p: np.ndarray, first: int, n: int, work: Workspace) -> None:
    """Put what emerges at a few wavelengths, and its derivatives, to those of all wavelengths."""
    constant, gradient = p[me.SOURCE_CONSTANT], p[me.SOURCE_GRADIENT]
    lanes, stokes, by = work.lanes, work.sharp_stokes, work.sharp_derivatives
    for k in range(N_CHANGING):
        _multiply(gradient, lanes[BY_PARAMETER + 5 * k * ROW :], lanes)
        for s in range(4):
            _put(1.0, 0.0, lanes[SLOPES + s * ROW :], by[CHANGING[k], s, first : first + n])
    for s in range(4):
        row = lanes[STOKES + s * ROW :]
        _put(1.0, 0.0, row, by[me.SOURCE_GRADIENT, s, first : first + n])
        _put(gradient, constant if s == 0 else 0.0, row, stokes[s, first : first + n])
    _put(0.0, 1.0, lanes[STOKES:], by[me.SOURCE_CONSTANT, 0, first : first + n])
    _put(-2.0, 0.0, stokes[2, first : first + n], by[me.AZIMUTH, 1, first : first + n])
    _put(2.0, 0.0, stokes[1, first : first + n], by[me.AZIMUTH, 2, first : first + n])


@inlined
def _put(factor: float, constant: float, values: np.ndarray, to: np.ndarray) -> None:
    for i in range(len(to)):
        to[i] = constant + factor * values[i]


@compiled
def _multiply(gradient: float, opacity: np.ndarray, lanes: np.ndarray) -> None:
    """The derivatives of Stokes I, Q, U, V by a parameter, from those of the opacities by it."""
    for i in range(CHUNK):
        of_i, of_q, of_v = (
            gradient * opacity[i],
            gradient * opacity[ROW + i],
            gradient * opacity[2 * ROW + i],
        )
        of_rho_q, of_rho_v = gradient * opacity[3 * ROW + i], gradient * opacity[4 * ROW + i]
        for s in range(4):
            lanes[SLOPES + s * ROW + i] = (
                of_i * lanes[BY_OPACITY + 5 * s * ROW + i]
                + of_q * lanes[BY_OPACITY + (5 * s + 1) * ROW + i]
                + of_v * lanes[BY_OPACITY + (5 * s + 2) * ROW + i]
                + of_rho_q * lanes[BY_OPACITY + (5 * s + 3) * ROW + i]
                + of_rho_v * lanes[BY_OPACITY + (5 * s + 4) * ROW + i]
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
