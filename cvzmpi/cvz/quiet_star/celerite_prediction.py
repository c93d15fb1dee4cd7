"""Mean and variance of a celerite Gaussian process at every cadence, in O(N).

Given y = mean + f + noise with covariance K = k(t, t) + D (D diagonal), the conditional
distribution of f has

    mean_n = y_n - D_n (K^-1 (y - mean))_n        var_n = D_n - D_n^2 (K^-1)_nn

because k = K - D. The diagonal of K^-1 costs one pass backwards: log det K = sum_n log d_n, and its
derivative with respect to K_nn is (K^-1)_nn (Jacobi's formula). celerite2's reverse-mode derivative
of the factorisation takes derivatives with respect to d (here 1 / d_n) and returns those with
respect to the diagonal a: exactly that diagonal.

Cadences that were not measured take part with D_n so large that they carry no information, to the
last bit. In the formulas above everything would then cancel, so they are used in this form:

    (K^-1)_nn = 1 / d_n + s_n,   d_n = D_n + v_n   gives   var_n = D_n v_n / d_n - D_n^2 s_n

where v_n = d_n (U W^T)_nn is the variance of f_n given the cadences before n (from the recursion
W_n = (V_n - U_n S_n) / d_n of the factorisation and U_n V_n^T = k(0)), and D_n^2 s_n is what the
later ones take away. For D_n -> infinity, s_n comes without the 1 / d_n when that is left out of
what goes into the derivative, which no other cadence notices.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from celerite2 import backprop, driver

from cvzmpi.cvz.quiet_star.celerite_kernels import KERNELS, Kernel

# Variance that stands for "not measured", as a multiple of the kernel's: everything above
# 1 / (floating point resolution) has the same effect, and its square must not overflow.
_NOT_MEASURED = 1e30

_NEARLY_NONE = 1e-9
"""White noise of a draw of the process alone, as a part of its variance: without any, its
covariance matrix is singular."""


def predict(
    kernel: Kernel,
    theta: np.ndarray,
    mean: float,
    time: np.ndarray,
    flux: np.ndarray,
    variance: np.ndarray,
    used: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Conditional mean and variance of the process, without the noise.

    Parameters
    ----------
    theta : ndarray of float64, shape (p,)
        Logarithms of its parameters.
    time : ndarray of float64, shape (n,)
        Strictly increasing, in days, centred near 0.
    flux, variance : ndarray of float64, shape (n,)
        Measurements and their noise variance (with jitter); looked at where `used` only.
    used : ndarray of bool, shape (n,)
        The cadences that the process is conditioned on.

    Returns
    -------
    mean, variance : ndarray of float64, shape (n,)
    """
    coefficients = np.exp(kernel.oscillators(theta)[0])
    noise = np.where(used, variance, _NOT_MEASURED * coefficients[:, 0].sum())
    residual = np.where(used, flux - mean, 0.0)[:, None]

    c, a, U, V = _matrices(coefficients, time, noise)
    n, J = U.shape
    d, W, S = backprop.factor_fwd(
        time, c, a, U, V, np.empty(n), np.empty((n, J)), np.empty((n, J, J))
    )
    z = driver.solve_lower(time, c, U, W, residual, residual.copy())
    z /= d[:, None]
    alpha = driver.solve_upper(time, c, U, W, z, z.copy())

    bd = np.where(used, 1 / d, 0.0)
    _, _, ba, _, _ = backprop.factor_rev(
        *(time, c, a, U, V, d, W, S, bd, np.zeros((n, J))),
        *(np.empty(n), np.empty(J), np.empty(n), np.empty((n, J)), np.empty((n, J))),
    )
    given_earlier = noise * np.einsum("nj,nj->n", U, W)
    return (mean + (residual - noise[:, None] * alpha)[:, 0], given_earlier - noise**2 * (ba - bd))


def drawn_deviation(
    kernel: str,
    parameters: Mapping[str, float],
    time: np.ndarray,
    variance: np.ndarray,
    used: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Draw how far the process is from its conditional mean.

    A process f and its noise are drawn without regard to any measurement, and f less the mean of
    the process given f and that noise is the deviation: it has the covariance of the process given
    the used cadences, whatever was measured there (Matheron's rule, e.g. Wilson et al. 2021, JMLR
    22, 105, section 3).

    Parameters
    ----------
    kernel, parameters : str and mapping
        As in `GaussianProcessFit`.
    time, variance, used : ndarray, shape (n,)
        As of `predict`; the variance is looked at where `used` only.
    rng : Generator

    Returns
    -------
    float64, shape (n,)
    """
    chosen = KERNELS[kernel]
    theta = np.log([parameters[name] for name in chosen.parameters])
    coefficients = np.exp(chosen.oscillators(theta)[0])
    n = len(time)
    c, a, U, V = _matrices(coefficients, time, np.full(n, _NEARLY_NONE * coefficients[:, 0].sum()))
    d, W = driver.factor(time, c, a, U, V, a.copy(), V.copy())
    normal, noise = rng.standard_normal((2, n))
    scaled = (np.sqrt(d) * normal)[:, None]
    process = scaled + driver.matmul_lower(time, c, U, W, scaled, np.zeros_like(scaled))
    measured = process[:, 0] + np.where(used, np.sqrt(variance), 0.0) * noise
    mean, _ = predict(chosen, theta, 0.0, time, measured, variance, used)
    deviation: np.ndarray = process[:, 0] - mean
    return deviation


def _matrices(
    coefficients: np.ndarray, time: np.ndarray, noise: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The covariance of oscillators and noise, as celerite2's driver takes it: c, a, U and V."""
    A, w, r = coefficients.T
    n, J = len(time), 2 * len(A)
    a, U, V = driver.get_celerite_matrices(
        *(np.empty(0), A, A / r, w, time, noise),
        *(np.empty(n), np.empty((n, J)), np.empty((n, J))),
    )
    return np.repeat(w / r, 2), a, U, V
