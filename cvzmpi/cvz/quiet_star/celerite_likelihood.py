"""Likelihood of a celerite Gaussian process, its gradient in O(N), and its maximum.

celerite2 supplies the numerical core: the Cholesky factorisation K = L diag(d) L^T of the
covariance matrix and its reverse-mode derivative. Here they are chained to the logarithms of the
kernel's parameters.

In celerite's notation (Foreman-Mackey et al. 2017, AJ 154, 220, section 5; Foreman-Mackey 2018,
RNAAS 2, 31) K has the diagonal a and below it K_nm = sum_j U_nj V_mj exp(-c_j (t_n - t_m)).
An oscillator with variance A, frequency w and ratio r (see `celerite_kernels`) fills two columns:

    U = A (cos wt + sin wt / r,  sin wt - cos wt / r)     V = (cos wt, sin wt)     c = w / r
"""

from __future__ import annotations

from typing import Any

import numpy as np
from celerite2 import backprop, driver

from cvzmpi.cvz.quiet_star.celerite_kernels import Kernel

RANK = 4  # two oscillators with two columns each; celerite2's gradients are wrong above 4
_EMPTY = np.empty(0)
SINGULAR = 1e10  # what `maximise` has for a likelihood that cannot be computed


class CeleriteLikelihood:
    """Gaussian process with a constant mean, white noise and a kernel of two oscillators.

    The mean is not a parameter: it takes its best value for every set of parameters, the
    generalised least-squares mean (1^T K^-1 y) / (1^T K^-1 1). As the likelihood is stationary
    there, its gradient is the one at a fixed mean.

    Parameters
    ----------
    time : ndarray of float64, shape (n,)
        Strictly increasing, in days; centred near 0, so that sines keep their accuracy.
    flux : ndarray of float64, shape (n,)
        Relative flux.
    variance : ndarray of float64, shape (n,)
        Known variance of each point.
    jitter_weight : ndarray of float64, shape (n,)
        How much of the jitter's variance each point has on top: 1, or 1/m for the mean of m.
    """

    def __init__(
        self,
        kernel: Kernel,
        time: np.ndarray,
        flux: np.ndarray,
        variance: np.ndarray,
        jitter_weight: np.ndarray,
    ) -> None:
        n = self.n_points = len(time)
        self.kernel = kernel
        self.n_evaluations = 0
        self._time = np.ascontiguousarray(time)
        self._variance = variance
        self._jitter_weight = jitter_weight
        self._flux, self._both = flux[:, None].copy(), np.stack([flux, np.ones(n)], axis=1)
        # celerite2 writes into these at each evaluation: allocating them anew costs a fifth.
        self._a, self._d = np.empty(n), np.empty(n)
        self._U, self._V, self._W = (np.empty((n, RANK)) for _ in range(3))
        self._S = np.empty((n, RANK, RANK))
        self._z, self._z_both = np.empty((n, 1)), np.empty((n, 2))
        self._F, self._F_both = np.empty((n, RANK, 1)), np.empty((n, RANK, 2))
        self._bt, self._ba, self._by = np.empty(n), np.empty(n), np.empty((n, 1))
        self._bc, self._bc_solve = np.empty(RANK), np.empty(RANK)
        self._bU, self._bU_solve, self._bV, self._bW = (np.empty((n, RANK)) for _ in range(4))

    def __call__(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Log-likelihood and its gradient.

        Parameters
        ----------
        theta : ndarray of float64, shape (6,)
            Logarithms of the kernel's parameters and of the jitter's standard deviation.

        Returns
        -------
        log_likelihood : float
        gradient : ndarray of float64, shape (6,)

        Raises
        ------
        celerite2.backprop.LinAlgError
            The covariance matrix is not positive definite in floating point numbers.
        """
        self.n_evaluations += 1
        coefficients, logs_by_theta, jitter_variance = self._coefficients(theta)
        c = self._factorise(coefficients, self._variance + jitter_variance * self._jitter_weight)
        mean = self._whiten(c)
        z, d = self._z[:, 0], self._d
        value = -0.5 * float(np.sum(z * z / d) + np.sum(np.log(d)) + len(z) * np.log(2 * np.pi))
        # Reverse: from the value to z and d, through the solve and the factorisation, to c, a, U, V
        bz = -z / d
        bd = 0.5 * (bz * bz - 1 / d)
        t, U, V, W = self._time, self._U, self._V, self._W
        backprop.solve_lower_rev(
            *(t, c, U, W, self._flux - mean, self._z, self._F, bz[:, None]),
            *(self._bt, self._bc_solve, self._bU_solve, self._bW, self._by),
        )
        backprop.factor_rev(
            *(t, c, self._a, U, V, d, W, self._S, bd, self._bW),
            *(self._bt, self._bc, self._ba, self._bU, self._bV),
        )
        self._bU += self._bU_solve
        self._bc += self._bc_solve
        gradient = np.empty(len(theta))
        gradient[:-1] = np.tensordot(self._by_oscillator(coefficients), logs_by_theta, axes=2)
        gradient[-1] = 2 * jitter_variance * (self._ba @ self._jitter_weight)
        return value, gradient

    def mean(self, theta: np.ndarray) -> float:
        """Return the best constant mean for these parameters."""
        coefficients, _, jitter_variance = self._coefficients(theta)
        c = self._factorise(coefficients, self._variance + jitter_variance * self._jitter_weight)
        return self._whiten(c)

    def _coefficients(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
        """Return (A, w, r) of both oscillators, d(their logarithms)/d(theta), and jitter^2."""
        logs, logs_by_theta = self.kernel.oscillators(theta[:-1])
        return np.exp(logs), logs_by_theta, float(np.exp(2 * theta[-1]))

    def _factorise(self, coefficients: np.ndarray, noise: np.ndarray) -> np.ndarray:
        """Fill the celerite matrices and factorise; returns c, shape (4,)."""
        A, w, r = coefficients.T
        c = np.repeat(w / r, 2)
        driver.get_celerite_matrices(
            _EMPTY, A, A / r, w, self._time, noise, self._a, self._U, self._V
        )
        backprop.factor_fwd(self._time, c, self._a, self._U, self._V, self._d, self._W, self._S)
        return c

    def _whiten(self, c: np.ndarray) -> float:
        """Leave L^-1 (y - mean) in `_z`, with celerite2's workspace for it; returns the mean."""
        # Both at once cost what one does: most of it goes into the exponentials that they share.
        backprop.solve_lower_fwd(
            self._time, c, self._U, self._W, self._both, self._z_both, self._F_both
        )
        z, z1 = (np.ascontiguousarray(column)[:, None] for column in self._z_both.T)
        weight = z1 / self._d[:, None]
        mean = float(np.sum(weight * z) / np.sum(weight * z1))
        # the solve and its workspace, which has one column after the other, are linear in the
        # right-hand side
        np.subtract(z, mean * z1, out=self._z)
        F, F1 = np.split(self._F_both.reshape(len(z), 2 * RANK), 2, axis=1)
        np.multiply(mean, F1, out=self._F[:, :, 0])
        np.subtract(F, self._F[:, :, 0], out=self._F[:, :, 0])
        return mean

    def _by_oscillator(self, coefficients: np.ndarray) -> np.ndarray:
        """Return the derivatives with respect to the logarithms of (A, w, r), shape (2, 3)."""
        bU_by_V = self._bU.T @ self._V
        moments = (self._time[:, None] * self._V).T
        t_bU_by_V, t_bV_by_V = moments @ self._bU, moments @ self._bV
        by = np.empty((2, 3))
        for k, (A, w, r) in enumerate(coefficients):
            i, j = 2 * k, 2 * k + 1  # the columns of this oscillator
            cosine = bU_by_V[i, i] + bU_by_V[j, j]  # dU/dA without the part with 1/r
            sine = bU_by_V[i, j] - bU_by_V[j, i]
            by_A = self._ba.sum() + cosine + sine / r
            by_c = self._bc[i] + self._bc[j]
            # d cos(wt)/dw = -t sin(wt), d sin(wt)/dw = t cos(wt)
            by_w = A * (
                t_bU_by_V[i, j] - t_bU_by_V[j, i] + (t_bU_by_V[i, i] + t_bU_by_V[j, j]) / r
            ) + (t_bV_by_V[i, j] - t_bV_by_V[j, i])
            by[k] = A * by_A, w * (by_w + by_c / r), -(A * sine + by_c * w) / r
        return by


def maximise(
    likelihood: CeleriteLikelihood,
    theta: np.ndarray,
    bounds: tuple[np.ndarray, np.ndarray],
    max_iterations: int,
    tolerance: float,
) -> Any:
    """Climb to the nearest optimum of the likelihood with L-BFGS-B.

    Parameters
    ----------
    theta : ndarray of float64, shape (6,)
        Where to begin; moved into the bounds.
    bounds : tuple of two ndarrays of float64, shape (6,)
        Lowest and highest value of each component.
    tolerance : float
        Stop when a step gains less than this part of the log-likelihood.

    Returns
    -------
    scipy.optimize.OptimizeResult
        `fun` is the negative log-likelihood per point: of order one, as L-BFGS-B's stopping rules
        want it.
    """
    from scipy.optimize import Bounds, minimize  # 0.3 s: not at the start of a worker

    def objective(theta: np.ndarray) -> tuple[float, np.ndarray]:
        try:
            value, gradient = likelihood(theta)
        except backprop.LinAlgError:
            # A step into numerically singular matrices: the line search has to come back.
            return SINGULAR, np.zeros_like(theta)
        return -value / likelihood.n_points, -gradient / likelihood.n_points

    lower, upper = bounds
    return minimize(
        objective,
        np.clip(theta, lower, upper),
        jac=True,
        method="L-BFGS-B",
        bounds=Bounds(lower, upper),
        options={
            "maxiter": max_iterations,
            "maxfun": 5 * max_iterations,
            "ftol": tolerance,
            "gtol": 1e-7,
            "maxcor": 20,
        },
    )
