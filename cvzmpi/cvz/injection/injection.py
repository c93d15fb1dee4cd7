"""Injection and recovery: artificial flares, and whether the search finds them.

Each flare is put into the light curve alone, once for each repeat, at a random non-flaring cadence.
What is drawn depends on the campaign's seed, the target, the sector and the number of the flare
only, so that it does not matter which rank draws it, or when.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cvzmpi.cvz.configuration import InjectConfig
from cvzmpi.cvz.detection.detector import Detector, Evaluation
from cvzmpi.cvz.detection.flare_mask import MaskRule
from cvzmpi.cvz.injection.batch_decisions import BatchDecisions
from cvzmpi.cvz.injection.flare_shape import mean_flare_shape, support
from cvzmpi.cvz.light_curves.observation import Observation
from cvzmpi.errors import LightCurveError

FLARE_FLOOR = 0.05
"""A flare changes the light curve where it is brighter than this, in median flux errors.

Its tail below that is not followed. How rarely this decides about a recovery is measured by
`make bench` (README, 'What is promised').
"""

_BATCH = 1600  # injections decided at once: those of a ticket, with the default number of repeats


@dataclass(frozen=True)
class Injections:
    """The artificial flares of one light curve."""

    # float64, shape (n_inject,): peak flux relative to the quiescent median flux
    amplitude: np.ndarray
    fwhm: np.ndarray  # float64, shape (n_inject,): days
    # int64, shape (n_inject, n_repeat): where the peaks are, counted among the usable cadences
    cadence: np.ndarray
    # float64, shape (n_inject, n_repeat): when they are (BTJD): at a random instant within the
    # cadence
    time: np.ndarray


def draw_injections(
    config: InjectConfig,
    entropy: tuple[int, int, int],
    flux_error: float,
    candidates: np.ndarray,
    time: np.ndarray,
    exposure: float,
) -> Injections:
    """Draw the artificial flares of one light curve.

    Amplitudes are log-uniform between `min_amplitude` and `max_amplitude` times the median relative
    flux error, FWHMs log-normal around `fwhm_median` with `fwhm_sigma`, peaks uniform over the
    candidate cadences and over the time of the cadence. Flare i draws from a stream of its own; its
    first r places are the same for every `n_repeat` >= r.

    Parameters
    ----------
    entropy : (int, int, int)
        Campaign seed, tic, sector.
    flux_error : float
        Median relative flux error.
    candidates : int, shape (n,)
        Usable cadences at which a peak may be.
    time : float64, shape (n_cadences,)
        Times of the usable cadences, BTJD.
    exposure : float
        Time from one cadence to the next, in days.

    Raises
    ------
    LightCurveError
        If there is no candidate.
    """
    if len(candidates) == 0:
        raise LightCurveError("no evaluated cadence outside of flares to inject at")
    seed, *unit = entropy
    uniform = np.empty((config.n_inject, config.n_repeat, 2))
    flare = np.empty((config.n_inject, 2))
    for flare_id in range(config.n_inject):
        stream = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(*unit, flare_id)))
        flare[flare_id] = stream.random(), stream.standard_normal()
        uniform[flare_id] = stream.random((config.n_repeat, 2))
    span = np.log(config.max_amplitude / config.min_amplitude)
    cadence = candidates[(uniform[..., 0] * len(candidates)).astype(np.int64)]
    return Injections(
        amplitude=flux_error * config.min_amplitude * np.exp(span * flare[:, 0]),
        fwhm=config.fwhm_median * np.exp(config.fwhm_sigma * flare[:, 1]),
        cadence=cadence,
        time=time[cadence] + (uniform[..., 1] - 0.5) * exposure,
    )


class InjectionSearch:
    """The search for injected flares in one light curve.

    Parameters
    ----------
    tolerance : int
        Cadences that may lie between the peak and the found flare.
    """

    def __init__(
        self,
        detector: Detector,
        rule: MaskRule,
        tolerance: int,
        evaluation: Evaluation,
        observation: Observation,
    ) -> None:
        self._rule, self._tolerance = rule, tolerance
        self._around = rule.around_peak(tolerance, detector.step)
        self._evaluation = evaluation
        self._evaluated = np.pad(observation.evaluated, self._around.length)
        self._exposure = observation.light_curve.exposure
        self._floor = FLARE_FLOOR * observation.flux_error
        # No flare reaches cadences beyond the ends: they are put far away in time.
        time = observation.time
        self._time = np.concatenate([[time[0] - 1e6], time, [time[-1] + 1e6]])

    def recovered(self, injections: Injections, flare_ids: slice) -> np.ndarray:
        """Search for the flares at each of their places; bool, shape (n_flares, n_repeat).

        Parameters
        ----------
        flare_ids : slice
            Which of the flares. The same slices give the same answers to the last bit.
        """
        amplitude, fwhm = injections.amplitude[flare_ids], injections.fwhm[flare_ids]
        cadence, time = injections.cadence[flare_ids], injections.time[flare_ids]
        n_flares, n_repeat = cadence.shape
        n_batches = min(n_flares, -(-n_flares * n_repeat // _BATCH))
        reaches = self._reaches(amplitude, fwhm)
        found = [
            self._recovered(
                [reaches[flare] for flare in batch for _ in range(n_repeat)],
                np.repeat(amplitude[batch], n_repeat),
                np.repeat(fwhm[batch], n_repeat),
                cadence[batch].ravel(),
                time[batch].ravel(),
            )
            for batch in np.array_split(np.arange(n_flares), n_batches)
        ]
        return np.concatenate(found).reshape(n_flares, n_repeat)

    def _reaches(self, amplitude: np.ndarray, fwhm: np.ndarray) -> list[Any]:
        """The reach of each flare, in the detector's terms."""
        # The peak may be half an exposure away from the middle of its cadence.
        before, after = support(amplitude, fwhm, self._exposure, self._floor)
        n_before = np.ceil(before / self._exposure + 0.5).astype(int)
        n_after = np.ceil(after / self._exposure + 0.5).astype(int)
        extents = zip(n_before.tolist(), n_after.tolist(), strict=True)
        return [self._evaluation.reach(self._around, *extent) for extent in extents]

    def _recovered(
        self,
        reaches: list[Any],
        amplitude: np.ndarray,
        fwhm: np.ndarray,
        cadence: np.ndarray,
        time: np.ndarray,
    ) -> np.ndarray:
        """Decide about a batch of injections; all arrays have shape (batch,)."""

        def flare_flux(members: np.ndarray, cadences: np.ndarray) -> np.ndarray:
            places = np.clip(cadences + 1, 0, len(self._time) - 1)
            since_peak = self._time[places] - time[members, None]
            shape = mean_flare_shape(since_peak, fwhm[members, None], self._exposure)
            return amplitude[members, None] * shape

        around = self._around
        injected = self._evaluation.inject(around, reaches, cadence, flare_flux)
        first = cadence + around.first + around.length  # in the padded array
        evaluated = self._evaluated[first[:, None] + np.arange(around.length)]
        return BatchDecisions(self._rule, around, self._tolerance, injected, evaluated).decide()
