"""Simulated stars: a Gaussian process of known kernel, white noise, and what is put into them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import celerite2
import numpy as np
from celerite2 import terms

from cvzmpi.cvz.configuration import Config
from cvzmpi.cvz.detection.significance.whitened.samples import Samples
from cvzmpi.cvz.detection.significance.whitened.templates import flare
from cvzmpi.cvz.detection.significance.whitened.whitening import Whitening
from cvzmpi.cvz.light_curves.exposure import EXPOSURE
from cvzmpi.cvz.light_curves.light_curve import LightCurve
from cvzmpi.cvz.light_curves.observation import Observation, Window

CONFIG = Config()
KERNEL = "rotation"
ERROR = 1e-3
# a star that varies by four errors within hours, so that its covariance matters to all templates
PROCESS = {"sigma": 4e-3, "period_d": 1.3, "Q0": 0.3, "dQ": 0.5, "f": 0.6}
PARAMETERS = PROCESS | {"jitter": 1e-5, "mean": 1.0}
SMOOTH = PARAMETERS | {"period_d": 4.0, "Q0": 1.0, "dQ": 1.0}  # days instead of hours
GAP = slice(1200, 1260)  # places without cadences, two hours


@dataclass(frozen=True)
class QuietStar:
    """A star without flares."""

    samples: Samples

    @classmethod
    def draw(
        cls, seed: int, n: int = 3000, gap: slice | None = GAP, parameters: dict = PARAMETERS
    ) -> QuietStar:
        place = np.arange(n)
        if gap is not None:
            place = np.delete(place, gap)
        time, rng = 1325.3 + place * EXPOSURE, np.random.default_rng(seed)
        process = celerite2.GaussianProcess(term(parameters))
        process.compute(time, diag=np.full(len(time), ERROR**2))
        flux = parameters["mean"] + process.dot_tril(rng.normal(size=len(time)))
        return cls(Samples(time, place, flux, np.full(len(time), ERROR), EXPOSURE))

    def __add__(self, light: np.ndarray) -> QuietStar:
        return QuietStar(self.samples.with_flux(self.samples.flux + light))

    def flare(self, snr: float, place: float, fwhm: float) -> np.ndarray:
        """A flare of this signal-to-noise over the process, in flux."""
        shape = flare(self.samples.place, place, fwhm)
        information = self.whitening().products(shape[:, None], slice(None))[1][0, 0]
        return snr / np.sqrt(information) * shape

    def number(self, place: int) -> int:
        """The usable cadence at a place, or the next one."""
        return int(np.searchsorted(self.samples.place, place))

    def whitening(self, left_out: np.ndarray | None = None) -> Whitening:
        nothing = np.zeros(len(self.samples), bool)
        residual = self.samples.flux - PARAMETERS["mean"]
        left_out = nothing if left_out is None else left_out
        return Whitening(self.samples, residual, KERNEL, PARAMETERS, left_out)

    def observation(self, error: float = 1.0, tic: int = 1, sector: int = 1) -> Observation:
        """As observed, with errors catalogued too large by a factor."""
        n, samples = len(self.samples), self.samples
        light_curve = LightCurve(
            tic=tic,
            sector=sector,
            time=samples.time,
            flux=(1e4 * samples.flux).astype(np.float32),
            flux_err=(1e4 * error * samples.error).astype(np.float32),
            quality=np.zeros(n, np.int32),
            exposure=EXPOSURE,
        )
        return Observation.prepare(light_curve, CONFIG, Window(100, 100))


def term(parameters: dict = PARAMETERS) -> terms.Term:
    """The kernel as celerite2's own."""
    names = {"sigma": "sigma", "period_d": "period", "Q0": "Q0", "dQ": "dQ", "f": "f"}
    return terms.RotationTerm(**{ours: parameters[name] for name, ours in names.items()})


def covariance(whitening: Whitening) -> np.ndarray:
    """The covariance K, from the kernel, as a dense matrix of all cadences."""
    time = whitening.samples.time
    kernel = term().get_value(time[:, None] - time)
    return kernel + np.diag(whitening.samples.error**2 + PARAMETERS["jitter"] ** 2)


def with_errors(star: QuietStar, factor: float) -> QuietStar:
    """The same star, with errors catalogued too large by a factor."""
    return QuietStar(replace(star.samples, error=factor * star.samples.error))
