"""The two kernels of the light curve model, both a sum of two underdamped oscillators.

A stochastically driven, damped harmonic oscillator (SHO; Foreman-Mackey et al. 2017, AJ 154, 220,
section 4) with quality factor Q > 1/2 has the covariance

    k(tau) = A exp(-c tau) [cos(w tau) + sin(w tau) / r],      c = w / r,   r = sqrt(4 Q^2 - 1)

so three positive numbers describe it: its variance A, the damped frequency w (2 pi over the period
that one sees) and r. A kernel here is a way from its own parameters to those of two oscillators.
Two of them have rank J = 4, the largest for which celerite2's gradients are right.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

# Quality factors are bounded well above 1/2, where r = 0 and the oscillator is no longer
# underdamped, and below where a coherence of thousands of periods cannot be told from infinity.
_MIN_QUALITY, _MAX_QUALITY = 1e-2, 1e3
_MIN_MIX, _MAX_MIX = 1e-3, 10.0
_GRANULATION_BOUNDS = (0.01, 5.0)  # days


@dataclass(frozen=True)
class Kernel:
    """A covariance function and its parameters."""

    name: str  # the name in the configuration
    # names with units, in the order of `theta`; all are positive, and `theta` has their natural
    # logarithms
    parameters: tuple[str, ...]
    # from `theta` of shape (p,) to the logarithms of (A, w, r) of both oscillators, shape (2, 3),
    # and their derivatives with respect to `theta`, shape (2, 3, p)
    oscillators: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


def _log_ratio(quality_excess: float) -> tuple[float, float]:
    """Logarithm of r for Q = 1/2 + `quality_excess`, and its derivative with respect to Q."""
    # (2 Q - 1)(2 Q + 1) is 4 Q^2 - 1 without its cancellation near Q = 1/2.
    ratio_squared = 2 * quality_excess * (2 * quality_excess + 2)
    return 0.5 * float(np.log(ratio_squared)), 4 * (0.5 + quality_excess) / ratio_squared


def _rotation(theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Oscillators at the period and at half of it: `celerite2.terms.RotationTerm`.

    The variance sigma^2 is shared 1 : f, and the quality factors are 1/2 + Q0 + dQ and 1/2 + Q0.
    """
    log_sigma, log_period, *_, log_f = theta
    q0, dq, f = np.exp(theta[2:])
    log_total = 2 * log_sigma - np.log1p(f)
    log_frequency = np.log(2 * np.pi) - log_period
    log_ratio1, slope1 = _log_ratio(q0 + dq)
    log_ratio2, slope2 = _log_ratio(q0)
    values = np.array(
        [
            [log_total, log_frequency, log_ratio1],
            [log_total + log_f, log_frequency + np.log(2), log_ratio2],
        ]
    )
    jacobian = np.zeros((2, 3, 5))
    jacobian[:, 0, 0] = 2
    jacobian[0, 0, 4] = -f / (1 + f)
    jacobian[1, 0, 4] = 1 / (1 + f)
    jacobian[:, 1, 1] = -1
    jacobian[0, 2, 2:4] = slope1 * q0, slope1 * dq
    jacobian[1, 2, 2] = slope2 * q0
    return values, jacobian


def _two_sho(theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Add a quasi-periodic oscillator and granulation, Q = 1/sqrt(2) and undamped period rho.

    Q = 1/sqrt(2) gives r = 1 and w = w0 / sqrt(2), the granulation spectrum of section 4 of
    Foreman-Mackey et al. 2017.
    """
    log_sigma, log_period, log_q0, log_sigma_granulation, log_rho = theta
    q0 = float(np.exp(log_q0))
    log_ratio, slope = _log_ratio(q0)
    values = np.array(
        [
            [2 * log_sigma, np.log(2 * np.pi) - log_period, log_ratio],
            [2 * log_sigma_granulation, np.log(np.sqrt(2) * np.pi) - log_rho, 0.0],
        ]
    )
    jacobian = np.zeros((2, 3, 5))
    jacobian[0, 0, 0] = 2
    jacobian[0, 1, 1] = -1
    jacobian[0, 2, 2] = slope * q0
    jacobian[1, 0, 3] = 2
    jacobian[1, 1, 4] = -1
    return values, jacobian


KERNELS = {
    kernel.name: kernel
    for kernel in (
        Kernel("rotation", ("sigma", "period_d", "Q0", "dQ", "f"), _rotation),
        Kernel(
            "two_sho",
            ("sigma", "period_d", "Q0", "sigma_granulation", "rho_granulation_d"),
            _two_sho,
        ),
    )
}


def start(kernel: Kernel, sigma: float, period: float, q0: float) -> np.ndarray:
    """Parameters to begin a fit with.

    Parameters
    ----------
    kernel : Kernel
        Which of `KERNELS`.
    sigma : float
        Standard deviation of the star's variability.
    period : float
        Rotation period in days.
    q0 : float
        Excess of the lowest quality factor over 1/2.

    Returns
    -------
    ndarray of float64, shape (5,)
        The logarithms of the kernel's parameters.
    """
    values = {
        "sigma": sigma,
        "period_d": period,
        "Q0": q0,
        "dQ": 1.0,
        "f": 0.5,
        "sigma_granulation": 0.3 * sigma,
        "rho_granulation_d": 0.3,
    }
    return np.log([values[name] for name in kernel.parameters])


def bounds(
    kernel: Kernel, sigma: tuple[float, float], period: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Range of each logarithm in `theta`.

    Parameters
    ----------
    kernel : Kernel
        Which of `KERNELS`.
    sigma, period : tuple of float
        Lowest and highest standard deviation of each oscillator, and period in days.

    Returns
    -------
    lower, upper : ndarray of float64, shape (5,)
    """
    ranges = {
        "sigma": sigma,
        "period_d": period,
        "Q0": (_MIN_QUALITY, _MAX_QUALITY),
        "dQ": (_MIN_QUALITY, _MAX_QUALITY),
        "f": (_MIN_MIX, _MAX_MIX),
        "sigma_granulation": sigma,
        "rho_granulation_d": _GRANULATION_BOUNDS,
    }
    lower, upper = np.log([ranges[name] for name in kernel.parameters]).T
    return lower, upper
