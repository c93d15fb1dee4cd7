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
from cvzmpi.cvz.detection.flare_mask import MaskRule, covered, in_runs
from cvzmpi.cvz.injection.flare_shape import mean_flare_shape, support
from cvzmpi.cvz.light_curves.observation import Observation
from cvzmpi.errors import LightCurveError

FLARE_FLOOR = 0.05
"""A flare changes the light curve where it is brighter than this, in median flux errors.

Its tail below that is not followed. How rarely this decides about a recovery is measured by
`make bench` (README, 'What is promised').
"""

_BATCH = 60  # injections worked on at once: what they change stays in the processor's cache


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
        result = np.empty(cadence.shape, bool)
        reaches = self._reaches(amplitude, fwhm)
        for reach in sorted(set(reaches)):
            same = np.array([i for i, r in enumerate(reaches) if r == reach])
            repeats = cadence.shape[1]
            n_groups = min(len(same), -(-len(same) * repeats // _BATCH))
            for group in np.array_split(same, n_groups):
                found = self._recovered_of_reach(
                    reach,
                    np.repeat(amplitude[group], repeats),
                    np.repeat(fwhm[group], repeats),
                    cadence[group].ravel(),
                    time[group].ravel(),
                )
                result[group] = found.reshape(-1, repeats)
        return result

    def _reaches(self, amplitude: np.ndarray, fwhm: np.ndarray) -> list[Any]:
        """The reach of each flare, in the detector's terms."""
        # The peak may be half an exposure away from the middle of its cadence.
        before, after = support(amplitude, fwhm, self._exposure, self._floor)
        n_before = np.ceil(before / self._exposure + 0.5).astype(int)
        n_after = np.ceil(after / self._exposure + 0.5).astype(int)
        extents = zip(n_before.tolist(), n_after.tolist(), strict=True)
        return [self._evaluation.reach(self._around, *extent) for extent in extents]

    def _recovered_of_reach(
        self,
        reach: Any,
        amplitude: np.ndarray,
        fwhm: np.ndarray,
        cadence: np.ndarray,
        time: np.ndarray,
    ) -> np.ndarray:
        """Decide about injections of the same reach; all arrays have shape (batch,).

        The core decides most of them. Only where no run comes near the peak, a run on the left
        *and* one on the right can still make a flare over it; the right is asked only if there is
        one on the left. More flaring cadences never make less of a flare, so what is certain and
        what is possible bound the answer, and only where these differ is the detector asked for
        closer bounds, and in the end for all that it knows.
        """
        rule, around = self._rule, self._around

        def flare_flux(cadences: np.ndarray) -> np.ndarray:
            places = np.clip(cadences + 1, 0, len(self._time) - 1)
            since_peak = self._time[places] - time[:, None]
            return amplitude[:, None] * mean_flare_shape(since_peak, fwhm[:, None], self._exposure)

        injected = self._evaluation.inject(around, reach, cadence, flare_flux)
        first = cadence + around.first + around.length  # in the padded array
        evaluated = self._evaluated[first[:, None] + np.arange(around.length)]
        certain, possible = np.zeros((2, *evaluated.shape), bool)

        def bound(members: np.ndarray, stretch: slice, number: int) -> None:
            if len(members):
                above = injected.bounds(members, stretch, rule.threshold, number)
                certain[members, stretch] = above[0] & evaluated[members, stretch]
                possible[members, stretch] = above[1] & evaluated[members, stretch]

        def settle(members: np.ndarray, stretch: slice) -> None:
            if len(members):
                above = rule.flaring(injected.probability(members, stretch))
                certain[members, stretch] = above & evaluated[members, stretch]
                possible[members, stretch] = certain[members, stretch]

        def runs_before(known: np.ndarray, members: np.ndarray) -> np.ndarray:
            runs = in_runs(known[members], rule.min_cadences)
            before: np.ndarray = np.any(runs[:, : around.peak], axis=1)
            return before

        def cover(known: np.ndarray, members: np.ndarray) -> np.ndarray:
            runs = in_runs(known[members], rule.min_cadences)
            return covered(runs, around.peak, self._tolerance, rule.merge_gap)

        def decide(members: np.ndarray, stretch: slice) -> None:
            for number in range(injected.n_bounds):
                bound(members, stretch, number)
                found[members] = cover(certain, members)
                members = members[found[members] != cover(possible, members)]
            settle(members, stretch)
            found[members] = cover(certain, members)

        left, core, right = around.left_core_right
        found = np.zeros(len(cadence), bool)
        decide(np.arange(len(cadence)), core)
        open_ones = np.flatnonzero(~found)
        if around.side > 0:
            for number in range(injected.n_bounds):
                bound(open_ones, left, number)
                bound(open_ones, core, number)
                open_ones = open_ones[runs_before(possible, open_ones)]
            settle(open_ones, left)
            settle(open_ones, core)
            decide(open_ones[runs_before(certain, open_ones)], right)
        return found
