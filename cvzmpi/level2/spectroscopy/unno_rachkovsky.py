"""The solution of Unno and Rachkovsky: Stokes profiles from opacities.

Landi Degl'Innocenti & Landolfi 2004, *Polarization in Spectral Lines*, eq. 9.110. It is written
here in the frame in which Stokes Q is along the field's azimuth, where the opacities of U vanish.
"""

from __future__ import annotations

import numpy as np

ABSORPTION_I, ABSORPTION_Q, ABSORPTION_V, DISPERSION_Q, DISPERSION_V = range(5)
"""The opacities of the lines relative to that of the continuum, as rows of an array."""


def emergent_stokes(
    opacities: np.ndarray, source_constant: np.ndarray, source_gradient: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Stokes I, Q, U, V at the surface, and their derivatives by the opacities.

    Parameters
    ----------
    opacities : float64, shape (5, n_pixels, n_wavelengths)
    source_constant, source_gradient : float64, shape (n_pixels, 1)
        Of the source function, which is linear in optical depth.

    Returns
    -------
    stokes : float64, shape (4, n_pixels, n_wavelengths)
    derivatives : float64, shape (4, 5, n_pixels, n_wavelengths)
    """
    a = 1 + opacities[ABSORPTION_I]
    eta_q, eta_v, rho_q, rho_v = opacities[1:]
    a2 = a * a
    mixed = eta_q * rho_q + eta_v * rho_v
    dispersion = rho_q * rho_q + rho_v * rho_v
    absorption = eta_q * eta_q + eta_v * eta_v
    determinant = a2 * (a2 + dispersion - absorption) - mixed * mixed
    inverse = 1 / determinant
    cross = eta_q * rho_v - eta_v * rho_q
    zero = np.zeros_like(a)
    numerators = np.array(
        [
            a * (a2 + dispersion),
            -(a2 * eta_q + rho_q * mixed),
            -a * cross,
            -(a2 * eta_v + rho_v * mixed),
        ]
    )
    of_determinant = (
        2 * a * (2 * a2 + dispersion - absorption),
        2 * numerators[1],
        2 * numerators[3],
        2 * (a2 * rho_q - mixed * eta_q),
        2 * (a2 * rho_v - mixed * eta_v),
    )
    rho_qv = rho_q * rho_v
    of_numerators = (
        (3 * a2 + dispersion, zero, zero, 2 * a * rho_q, 2 * a * rho_v),
        (-2 * a * eta_q, -(a2 + rho_q * rho_q), -rho_qv, -(mixed + rho_q * eta_q), -rho_q * eta_v),
        (-cross, -a * rho_v, a * rho_q, a * eta_v, -a * eta_q),
        (-2 * a * eta_v, -rho_qv, -(a2 + rho_v * rho_v), -rho_v * eta_q, -(mixed + rho_v * eta_v)),
    )
    stokes = numerators
    stokes *= inverse
    derivatives = np.empty((4, 5, *a.shape))
    factor = source_gradient * inverse
    for s in range(4):
        for k in range(5):
            out = derivatives[s, k]
            np.multiply(stokes[s], of_determinant[k], out=out)
            np.subtract(of_numerators[s][k], out, out=out)
            out *= factor
    stokes *= source_gradient
    stokes[0] += source_constant
    return stokes, derivatives
