"""The Gaussian process that models a star's quiescent light curve, with the flares left out.

    flux(t) = constant mean + rotation and granulation (celerite kernel) + white noise

The white noise is the catalogued error and a fitted *jitter* in quadrature. The fit maximises the
likelihood over the logarithms of the parameters with bounded L-BFGS-B and analytical gradients, in
two steps:

1. on means over 20 minutes (a tenth of the points), with the jitter held at the scatter between
   neighbouring cadences, from several starts around the Lomb-Scargle period;
2. on all used cadences, everything free, from the best of these.

Where cadences are longer than 120 s, a star that varies within hours changes as much from one to
the next as noise would. With such a jitter held, the fit ends where the variation is noise. There,
both steps are done with the jitter of third differences as well, and the likelier end is taken.
Results at 120 s do not change from one version to the next.

The likelihood has local optima, at half and double the period and between a smooth and a rough
process. Of ten real light curves, this ends within 0.1 of the best of 18 full fits for nine (with
either kernel), and never below Nelder-Mead; step 1 costs less than step 2. Nothing here is random.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cvzmpi.cvz.configuration import ModelConfig
from cvzmpi.cvz.light_curves.exposure import EXPOSURE_SECONDS, MINUTES_PER_DAY, median_step
from cvzmpi.cvz.light_curves.measured_values import MAD_TO_SIGMA
from cvzmpi.cvz.quiet_star.celerite_kernels import KERNELS, Kernel, bounds, start
from cvzmpi.cvz.quiet_star.celerite_likelihood import SINGULAR, CeleriteLikelihood, maximise
from cvzmpi.cvz.quiet_star.celerite_prediction import predict
from cvzmpi.cvz.quiet_star.rotation_period import bin_curve, rotation_period
from cvzmpi.errors import LightCurveError
from cvzmpi.messages.wording import counted

MIN_USED_CADENCES = 50
_BIN_WIDTH = 20 / MINUTES_PER_DAY

# Multiples of the Lomb-Scargle period (its highest peak is often a harmonic: two groups of spots)
# and Q0 to begin with: a process that remembers its phase, or one that hardly oscillates.
_STARTS = ((1.0, 1.0), (0.5, 1.0), (2.0, 1.0), (0.5, 0.05))

# Stop when a step gains less than this part of the log-likelihood: about 0.01 on the binned curve,
# 1e-4 on the whole one.
_COARSE_TOLERANCE, _FINE_TOLERANCE = 1e-6, 1e-9

_LONG = 1.5 * EXPOSURE_SECONDS  # exposure in s from which on neighbours differ as the star varies
_QUIETER = 0.5  # a second jitter is tried where it is smaller than this part of the first


@dataclass(frozen=True)
class GaussianProcessFit:
    """A fitted Gaussian process and its prediction."""

    # mean, sd: float64, shape (n_cadences,): mean and standard deviation of the quiescent relative
    # flux, without the white noise, at every cadence that has a time, used or not; NaN at the
    # others
    mean: np.ndarray
    sd: np.ndarray
    # the kernel's parameters (see `celerite_kernels`; periods in days, standard deviations in
    # relative flux), `jitter` (standard deviation) and `mean`
    parameters: dict[str, float]
    log_likelihood: float  # natural logarithm of the likelihood of the used cadences
    # Whether the optimiser met its tolerance. If not, the best point found is kept.
    converged: bool
    message: str  # the optimiser's reason to stop
    n_evaluations: int  # likelihood evaluations on the whole curve
    kernel: str  # its name in the configuration


def fit_gaussian_process(
    time: np.ndarray,
    flux: np.ndarray,
    flux_err: np.ndarray,
    used: np.ndarray,
    config: ModelConfig,
) -> GaussianProcessFit:
    """Fit the model to the used cadences and evaluate it at all of them.

    Parameters
    ----------
    time : ndarray of float64, shape (n_cadences,)
        Times in days; NaN where unknown, the others strictly increasing.
    flux, flux_err : ndarray of float64, shape (n_cadences,)
        Relative flux (about 1) and its error; looked at where `used` only.
    used : ndarray of bool, shape (n_cadences,)
        Cadences that take part in the fit: usable, and outside of the flares.
    config : ModelConfig
        The kernel, the range of periods in days, and the limit of iterations.

    Raises
    ------
    LightCurveError
        Fewer than 50 used cadences, times that do not increase, or a used cadence without a time,
        a flux or a positive error.
    """
    time, flux, flux_err = (np.asarray(x, dtype=np.float64) for x in (time, flux, flux_err))
    used = np.asarray(used, dtype=bool)
    _check(time, flux, flux_err, used)
    time = _centred(time)
    kernel = KERNELS[config.kernel]
    likelihood = CeleriteLikelihood(
        kernel, time[used], flux[used], flux_err[used] ** 2, np.ones(np.count_nonzero(used))
    )
    result = _fit(likelihood, time[used], flux[used], flux_err[used] ** 2, config)
    if result.fun >= SINGULAR:
        raise LightCurveError("the covariance matrix of the Gaussian process is singular")
    theta = np.asarray(result.x)
    constant, jitter = likelihood.mean(theta), float(np.exp(theta[-1]))

    mean, sd = _predicted(kernel, theta[:-1], constant, jitter, time, flux, flux_err, used)
    parameters = dict(zip(kernel.parameters, np.exp(theta[:-1]).tolist(), strict=True))
    return GaussianProcessFit(
        mean=mean,
        sd=sd,
        parameters=parameters | {"jitter": jitter, "mean": constant},
        log_likelihood=-float(result.fun) * np.count_nonzero(used),
        converged=bool(result.success),
        message=str(result.message),
        n_evaluations=likelihood.n_evaluations,
        kernel=kernel.name,
    )


def conditioned(
    fit: GaussianProcessFit,
    time: np.ndarray,
    flux: np.ndarray,
    flux_err: np.ndarray,
    used: np.ndarray,
) -> GaussianProcessFit:
    """The fitted process with its mean and standard deviation given other cadences.

    Parameters
    ----------
    time, flux, flux_err, used : ndarray, shape (n_cadences,)
        As of `fit_gaussian_process`.

    Raises
    ------
    LightCurveError
        As `fit_gaussian_process`.
    """
    time, flux, flux_err = (np.asarray(x, dtype=np.float64) for x in (time, flux, flux_err))
    _check(time, flux, flux_err, used)
    kernel = KERNELS[fit.kernel]
    theta = np.log([fit.parameters[name] for name in kernel.parameters])
    mean, sd = _predicted(
        *(kernel, theta, fit.parameters["mean"], fit.parameters["jitter"]),
        *(_centred(time), flux, flux_err, used),
    )
    return replace(fit, mean=mean, sd=sd)


def _centred(time: np.ndarray) -> np.ndarray:
    """Times around their middle: small times keep the sines in the kernel accurate."""
    known = time[np.isfinite(time)]
    centred: np.ndarray = time - 0.5 * (known[0] + known[-1])
    return centred


def _predicted(
    kernel: Kernel,
    theta: np.ndarray,
    constant: float,
    jitter: float,
    time: np.ndarray,
    flux: np.ndarray,
    flux_err: np.ndarray,
    used: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation at every cadence that has a time; NaN at the others."""
    timed = np.isfinite(time)
    mean, variance = np.full((2, len(time)), np.nan)
    mean[timed], variance[timed] = predict(
        *(kernel, theta, constant, time[timed], flux[timed]),
        *(flux_err[timed] ** 2 + jitter**2, used[timed]),
    )
    if not (np.all(np.isfinite(mean[timed])) and np.all(np.isfinite(variance[timed]))):
        raise LightCurveError("the Gaussian process has no finite mean and variance")
    # Rounding can leave a variance that is really 0 at -1e-10 of the kernel's.
    return mean, np.sqrt(np.maximum(variance, 0.0))


def _check(time: np.ndarray, flux: np.ndarray, flux_err: np.ndarray, used: np.ndarray) -> None:
    """Refuse what the model cannot digest, naming the first bad cadence."""
    if not time.shape == flux.shape == flux_err.shape == used.shape or time.ndim != 1:
        raise ValueError("time, flux, flux_err and used must be vectors of one length")
    n_used = np.count_nonzero(used)
    if n_used < MIN_USED_CADENCES:
        raise LightCurveError(
            f"{counted(int(n_used), 'cadence')} for the Gaussian process, at least "
            f"{MIN_USED_CADENCES} expected"
        )
    for name, wrong in (
        ("time", ~np.isfinite(time)),
        ("flux", ~np.isfinite(flux)),
        ("flux error", ~(np.isfinite(flux_err) & (flux_err > 0))),
    ):
        bad = np.flatnonzero(used & wrong)
        if len(bad):
            expected = "finite and positive" if name == "flux error" else "finite"
            raise LightCurveError(f"cadence {bad[0]}: the {name} is not {expected}")
    timed = np.flatnonzero(np.isfinite(time))
    backwards = np.flatnonzero(np.diff(time[timed]) <= 0)
    if len(backwards):
        first, second = timed[backwards[0]], timed[backwards[0] + 1]
        raise LightCurveError(
            f"cadence {second}: time {time[second]} is not after {time[first]} of cadence {first}"
        )


def _fit(
    likelihood: CeleriteLikelihood,
    time: np.ndarray,
    flux: np.ndarray,
    variance: np.ndarray,
    config: ModelConfig,
) -> Any:
    """Do the two steps of the module's head; returns the result of `maximise`."""
    kernel = likelihood.kernel
    width = min(_BIN_WIDTH, config.min_period / 5, (time[-1] - time[0]) / 500)
    binned = bin_curve(time, flux, variance, width)
    period = rotation_period(binned, config.min_period, config.max_period)
    error, jitter = _noise(flux, variance)
    scatter = float(np.std(binned.flux))
    limits = _bounds(kernel, error, float(np.std(flux)), config)
    coarse = CeleriteLikelihood(kernel, binned.time, binned.flux, binned.variance, 1 / binned.count)
    sigma = max(scatter, 0.1 * error)
    starts = [start(kernel, sigma, multiple * period, q0) for multiple, q0 in _STARTS]

    ends = []
    for held in _jitters(time, flux, error, jitter):
        best = _coarse_fit(coarse, starts, float(np.log(held)), limits, config)
        ends.append(maximise(likelihood, best, limits, config.max_iterations, _FINE_TOLERANCE))
    return min(ends, key=lambda end: end.fun)


def _coarse_fit(
    coarse: CeleriteLikelihood,
    starts: Sequence[np.ndarray],
    log_jitter: float,
    limits: tuple[np.ndarray, np.ndarray],
    config: ModelConfig,
) -> np.ndarray:
    """The best theta from several starts, with the jitter held."""
    lower, upper = (limit.copy() for limit in limits)
    lower[-1] = upper[-1] = np.clip(log_jitter, lower[-1], upper[-1])
    fits = [
        maximise(
            *(coarse, np.append(theta, lower[-1]), (lower, upper)),
            *(config.max_iterations, _COARSE_TOLERANCE),
        )
        for theta in starts
    ]
    best: np.ndarray = min(fits, key=lambda fit: fit.fun).x
    return best


def _jitters(time: np.ndarray, flux: np.ndarray, error: float, jitter: float) -> list[float]:
    """The jitters to hold in the first step: that of `_noise`, and a smaller one of long exposures.

    A third difference has no part of a parabola, and 20 times the variance of white noise; its
    median leaves out what is sharper.
    """
    if median_step(time) <= _LONG:
        return [jitter]
    deviation = MAD_TO_SIGMA * float(np.median(np.abs(np.diff(flux, 3)))) / np.sqrt(20)
    quieter = float(np.sqrt(max(deviation**2 - error**2, (0.1 * error) ** 2)))
    return [jitter, quieter] if quieter < _QUIETER * jitter else [jitter]


def _noise(flux: np.ndarray, variance: np.ndarray) -> tuple[float, float]:
    """Typical error, and the jitter that explains the scatter between neighbours."""
    error = float(np.sqrt(np.mean(variance)))
    excess = 0.5 * float(np.mean(np.diff(flux) ** 2)) - error**2
    return error, float(np.sqrt(max(excess, (0.1 * error) ** 2)))


def _bounds(
    kernel: Kernel, error: float, scatter: float, config: ModelConfig
) -> tuple[np.ndarray, np.ndarray]:
    """Range of every component of theta, wide but never degenerate."""
    scale = max(error, scatter)
    lower, upper = bounds(
        kernel,
        sigma=(1e-3 * error, 30 * scale),
        period=(config.min_period, config.max_period),
    )
    # Noise below 1e-7 of the process would leave the covariance matrix singular in float64.
    jitter = (max(1e-3 * error, 1e-5 * scatter), 10 * scale)
    return np.append(lower, np.log(jitter[0])), np.append(upper, np.log(jitter[1]))
