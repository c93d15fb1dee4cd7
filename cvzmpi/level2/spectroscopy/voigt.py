"""The Voigt and the Faraday-Voigt function, by a rational approximation.

Both are parts of one complex function, w(v + ia) = H(a, v) + i L(a, v). Weideman (1994, SIAM J.
Numer. Anal. 31, 1497) expands it into a polynomial of Z = (S + iz) / (S - iz), with a scale S. With
20 terms the error is below 4e-9 for all a >= 0, and below 2e-8 relative to |w|; spectra are
measured to 1e-4 at best. It is several times faster than `scipy.special.wofz`. It consists of real
additions, multiplications and divisions, which NumPy rounds alike at all places of an array:
therefore the inversion of a pixel does not depend on its neighbours.
"""

from __future__ import annotations

import numpy as np

N_TERMS = 20
_INVERSE_SQRT_PI = 1 / np.sqrt(np.pi)


def voigt_faraday(v: np.ndarray, a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The Voigt function H(a, v) and the Faraday-Voigt function L(a, v).

    Parameters
    ----------
    v : ndarray
        Distance from the line's centre in Doppler widths.
    a : ndarray
        Damping in Doppler widths, not negative; broadcasts against `v`.

    Returns
    -------
    H, L : ndarray
        H(0, v) = exp(-v^2).
    """
    above = SCALE + a
    inverse = 1 / (above * above + v * v)
    u_real, u_imag = above * inverse, v * inverse  # 1 / (S - iz)
    z_real = 2 * SCALE * u_real - 1
    z_imag = 2 * SCALE * u_imag
    # A polynomial with real coefficients at a complex point, in real arithmetic (Knuth, TAOCP 2,
    # 4.6.4, eq. 3): four operations a term.
    double, squared = 2 * z_real, z_real * z_real + z_imag * z_imag
    first = np.full_like(z_real, COEFFICIENTS[-1])
    second = np.zeros_like(z_real)
    term = np.empty_like(z_real)
    for coefficient in COEFFICIENTS[-2:0:-1]:
        np.multiply(squared, second, out=second)
        np.multiply(double, first, out=term)
        np.subtract(term, second, out=second)
        second += coefficient
        first, second = second, first
    p_real = COEFFICIENTS[0] + z_real * first - squared * second
    p_imag = z_imag * first
    # w = u (2 u P + 1 / sqrt(pi))
    s_real = 2 * (p_real * u_real - p_imag * u_imag) + _INVERSE_SQRT_PI
    s_imag = 2 * (p_real * u_imag + p_imag * u_real)
    return u_real * s_real - u_imag * s_imag, u_real * s_imag + u_imag * s_real


def _weideman(n_terms: int) -> tuple[float, np.ndarray]:
    """The scale S and the coefficients, lowest power first."""
    n_points = 2 * n_terms
    scale = np.sqrt(n_terms / np.sqrt(2))
    angle = np.arange(1 - n_points, n_points) * np.pi / n_points
    t = scale * np.tan(angle / 2)
    function = np.concatenate([[0.0], np.exp(-(t**2)) * (scale**2 + t**2)])
    transform = np.fft.fft(np.fft.fftshift(function)).real / (2 * n_points)
    return float(scale), transform[1 : n_terms + 1]


SCALE, COEFFICIENTS = _weideman(N_TERMS)
