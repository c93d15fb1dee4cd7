"""The Gaussian process on one core: ours on each light curve, beside celerite2 with Nelder-Mead."""

from __future__ import annotations

from math import nan
from pathlib import Path
from statistics import median

import numpy as np

from cvzmpi.cvz.light_curves.fits_input import read_light_curve
from cvzmpi.cvz.quiet_star import gaussian_process
from cvzmpi.cvz.quiet_star.celerite_kernels import KERNELS, start
from cvzmpi.cvz.quiet_star.gaussian_process import GaussianProcessFit, fit_gaussian_process
from cvzmpi.cvz.quiet_star.rotation_period import bin_curve, rotation_period
from tools.bench.light_curve.searched import Ensemble, Searched
from tools.bench.measuring.curves import observe
from tools.bench.measuring.timing import Samples, timed
from tools.bench.reference.process import Reference
from tools.bench.report.table import Row, compared

_OURS_EACH = 3  # fits of ours on each light curve, of which the median counts


def measure(
    ensemble: Ensemble, files: list[Path], reference: Reference | None
) -> tuple[Row, list[str]]:
    """Fit every light curve: mean and standard deviation at every cadence (theirs: mean only).

    Returns
    -------
    row : Row
    answers : list of str
        How much better our likelihood is, where there is a reference.
    """
    ours, theirs, gains = [], [], []
    for file in files:
        curve = _Masked(ensemble, file)
        attempts = [timed(curve.fit) for _ in range(_OURS_EACH)]
        ours.append(median(seconds for seconds, _ in attempts))
        if reference is not None:
            answer = reference.do("gaussian_process", curve=curve.for_reference(reference))
            theirs.append(answer["seconds"])
            gains.append(float(attempts[0][1].log_likelihood - answer["log_likelihood"]))
    better = sum(gain > -0.01 for gain in gains)
    row = compared(
        "GP fit, mean and standard deviation at every cadence",
        "celerite2, Nelder-Mead, mean only",
        Samples.of(theirs) if theirs else None,
        Samples.of(ours),
        more=f"; likelihood not below in {better} of {len(gains)}" if gains else "",
        target="<= 0.3 s, better likelihood",
        at_most=0.3 if better == len(gains) else nan,
    )
    if not gains:
        return row, []
    return row, [
        "- Logarithm of the likelihood of the Gaussian process over celerite2's with Nelder-Mead, "
        f"by light curve: {', '.join(f'{gain:+.2f}' for gain in gains)}."
    ]


class _Masked:
    """A light curve with its flares masked out, as stage `model` gets it."""

    def __init__(self, ensemble: Ensemble, file: Path) -> None:
        observation = observe(read_light_curve(file))
        light_curve = observation.light_curve
        flares = Searched(ensemble, observation).detection.row_mask(observation)
        self.used = observation.spread(np.ones(len(observation.rows)), bool, False) & ~flares
        self.time = light_curve.time
        self.flux = light_curve.flux / observation.median_flux
        self.error = light_curve.flux_err / observation.median_flux
        self.config = ensemble.config.model

    def fit(self) -> GaussianProcessFit:
        return fit_gaussian_process(self.time, self.flux, self.error, self.used, self.config)

    def for_reference(self, reference: Reference) -> str:
        """The same data and bounds, and a good start: our period, the binned curve's scatter."""
        used = self.used
        time, flux, error = (
            column[used].astype(np.float64) for column in (self.time, self.flux, self.error)
        )
        middle = 0.5 * (time[0] + time[-1])
        binned = bin_curve(time, flux, error**2, 20 / 1440)
        period = rotation_period(binned, self.config.min_period, self.config.max_period)
        kernel = KERNELS["rotation"]
        mean_error, jitter = gaussian_process._noise(flux, error**2)
        lower, upper = gaussian_process._bounds(
            kernel, mean_error, float(np.std(flux)), self.config
        )
        theta = start(kernel, float(np.std(binned.flux)), period, 1.0)
        return reference.data(
            "gaussian_process",
            time=time - middle,
            flux=flux,
            error=error,
            all_times=self.time[np.isfinite(self.time)] - middle,
            start=np.array([*theta, np.log(jitter), (np.mean(flux) - 1) / mean_error]),
            lower=lower,
            upper=upper,
        )
