"""Injection and recovery: artificial flares, and whether the search finds them.

Each flare is put into the light curve alone, once for each repeat, at a random non-flaring cadence.
What is drawn depends on the campaign's seed, the target, the sector and the number of the flare
only, so that it does not matter which rank draws it, or when.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cvzmpi.cvz.configuration import InjectConfig
from cvzmpi.cvz.detection.flare_mask import MaskRule, covered, in_runs
from cvzmpi.cvz.detection.stella.ensemble import MARGIN, EnsembleEvaluation
from cvzmpi.cvz.detection.stella.injected_windows import (
    InjectedWindows,
    Reach,
    WindowPlan,
    toeplitz,
)
from cvzmpi.cvz.detection.stella.network import LEFT_READS, STEP, Network
from cvzmpi.cvz.injection.flare_shape import mean_flare_shape, support
from cvzmpi.errors import LightCurveError

FLARE_FLOOR = 0.05
"""A flare changes the light curve where it is brighter than this, in median flux errors.

Its tail below that is not followed. How rarely this decides about a recovery is measured by
`make bench` (README, 'What is promised').
"""

_BATCH = 60  # injections worked on at once: what they change stays in the processor's cache


@dataclass(frozen=True)
class Injections:
    """The artificial flares of one light curve.

    Attributes
    ----------
    amplitude : float64, shape (n_inject,)
        Peak flux relative to the quiescent median flux.
    fwhm : float64, shape (n_inject,)
        Days.
    cadence : int64, shape (n_inject, n_repeat)
        Where the peaks are, counted among the usable cadences.
    time : float64, shape (n_inject, n_repeat)
        When they are (BTJD): at a random instant within the cadence.
    """

    amplitude: np.ndarray
    fwhm: np.ndarray
    cadence: np.ndarray
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
    config : InjectConfig
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


class DetectorMatrices:
    """What the search needs of the ensemble and the mask rule, for any light curve.

    The windows around a peak come in three stretches of u (see `injected_windows`): the *core*
    decides whether a run covers the peak itself, the *sides* whether the peak lies between two.
    """

    def __init__(self, networks: Sequence[Network], rule: MaskRule, tolerance: int) -> None:
        self.networks = networks
        self.rule = rule
        self.tolerance = tolerance
        beside = tolerance + rule.min_cadences - 1
        side = -(-(rule.reach(tolerance) - beside) // STEP)
        core = -(-(2 * beside + 1) // STEP)
        self.core = (side, side + core)
        self.plan = WindowPlan(first_cadence=-beside - STEP * side, n_u=2 * side + core)
        self.matrices = [toeplitz(network, self.plan.n_u) for network in networks]


class InjectionSearch:
    """The search for injected flares in one light curve.

    Parameters
    ----------
    detector : DetectorMatrices
    evaluation : EnsembleEvaluation
        Of the light curve without injections.
    evaluated : bool, shape (n_cadences,)
        Usable cadences that the detector looks at.
    time : float64, shape (n_cadences,)
        Times of the usable cadences, BTJD.
    exposure : float
        Days.
    flux_error : float
        Median relative flux error.
    """

    def __init__(
        self,
        detector: DetectorMatrices,
        evaluation: EnsembleEvaluation,
        evaluated: np.ndarray,
        time: np.ndarray,
        exposure: float,
        flux_error: float,
    ) -> None:
        self._detector = detector
        self._evaluation = evaluation
        self._evaluated = np.pad(evaluated, MARGIN)
        self._exposure = exposure
        self._floor = FLARE_FLOOR * flux_error
        # No flare reaches the padding: it is put far away in time.
        self._time = np.full(len(evaluation.flux), time[-1] + 1e6)
        start = LEFT_READS + MARGIN
        self._time[:start] = time[0] - 1e6
        self._time[start : start + len(time)] = time

    def recovered(self, injections: Injections, flare_ids: slice) -> np.ndarray:
        """Whether the search finds the flares, at each of their places.

        Parameters
        ----------
        injections : Injections
        flare_ids : slice
            Which of the flares. The same slices give the same answers to the last bit.

        Returns
        -------
        bool, shape (n_flares, n_repeat)
        """
        amplitude, fwhm = injections.amplitude[flare_ids], injections.fwhm[flare_ids]
        cadence, time = injections.cadence[flare_ids], injections.time[flare_ids]
        result = np.empty(cadence.shape, bool)
        reaches = self._reaches(amplitude, fwhm)
        for reach in sorted(set(reaches), key=lambda r: (r.v_start, r.v_stop)):
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

    def _reaches(self, amplitude: np.ndarray, fwhm: np.ndarray) -> list[Reach]:
        """Which features each flare changes."""
        # The peak may be half an exposure away from the middle of its cadence.
        before, after = support(amplitude, fwhm, self._exposure, self._floor)
        n_before = np.ceil(before / self._exposure + 0.5).astype(int)
        n_after = np.ceil(after / self._exposure + 0.5).astype(int)
        plan = self._detector.plan
        return [plan.reach(b, a) for b, a in zip(n_before.tolist(), n_after.tolist(), strict=True)]

    def _recovered_of_reach(
        self,
        reach: Reach,
        amplitude: np.ndarray,
        fwhm: np.ndarray,
        cadence: np.ndarray,
        time: np.ndarray,
    ) -> np.ndarray:
        """Decide about injections of the same reach; all arrays have shape (batch,).

        The core decides most of them. Only where no run comes near the peak, a run on the left
        *and* one on the right can still make a flare over it; the right is asked only if there is
        one on the left.
        """
        detector, rule = self._detector, self._detector.rule
        windows = InjectedWindows(
            self._evaluation, detector.networks, detector.matrices, detector.plan, reach, cadence
        )
        since_peak = self._time[windows.flux_positions()] - time[:, None]
        shape = mean_flare_shape(since_peak, fwhm[:, None], self._exposure)
        windows.inject(amplitude[:, None] * shape)

        first = cadence + detector.plan.first_cadence + MARGIN
        offsets = np.arange(STEP * detector.plan.n_u)
        evaluated = self._evaluated[first[:, None] + offsets]
        flaring = np.zeros(evaluated.shape, bool)
        peak = -detector.plan.first_cadence
        core, n_u = detector.core, detector.plan.n_u

        def look(members: np.ndarray, u_start: int, u_stop: int) -> np.ndarray:
            """Evaluate a stretch, and give the runs as far as they are known."""
            stretch = slice(STEP * u_start, STEP * u_stop)
            probability = windows.probability(members, u_start, u_stop)
            flaring[members, stretch] = rule.flaring(probability) & evaluated[members, stretch]
            return in_runs(flaring[members], rule.min_cadences)

        def cover(runs: np.ndarray) -> np.ndarray:
            return covered(runs, peak, detector.tolerance, rule.merge_gap)

        everyone = np.arange(len(cadence))
        found = cover(look(everyone, *core))
        if core[0] > 0:
            open_ones = everyone[~found]
            if len(open_ones):
                runs = look(open_ones, 0, core[0])
                open_ones = open_ones[runs[:, :peak].any(axis=1)]
            if len(open_ones):
                found[open_ones] = cover(look(open_ones, core[1], n_u))
        return found
