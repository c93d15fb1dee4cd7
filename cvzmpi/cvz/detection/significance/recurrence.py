"""Events that recur with a period: eclipses, transits, and what pulsations leave over.

A flare happens once. Events of like strength, at the same phase of one period in at least half of
its cycles and in four of them or more, are not flares; dips that recur are no false alarms in the
inverted light curve.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import binom

_SHORTEST = 0.25  # days
_LIKE = 2.5  # greatest quotient of the strengths of events of one kind
_CYCLES = 4  # fewest that show it
_SHARE = 0.5  # and part of the cycles that were observed
_TOLERANCE = 0.02  # days around a phase
_CHANCE = 1e-2  # greatest chance that unrelated events recur so
_DIVISORS = 12  # most cycles between two events
_ONE_EVENT = 0.1  # days between parts of one event
_MOST = 40  # events that are compared, the strongest


def recurring(time: np.ndarray, strength: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """Tell which events recur with a period.

    Parameters
    ----------
    time : float64, shape (n_events,)
        Days.
    strength : float64, shape (n_events,)
        Signal-to-noise, above 0.
    observed : float64, shape (n,)
        Times of the usable cadences.

    Returns
    -------
    bool, shape (n_events,)
    """
    first_of = strongest_near(time, strength)
    events = np.unique(first_of)
    events = np.sort(events[np.argsort(-strength[events], kind="stable")][:_MOST])
    recurs = np.zeros(len(time), bool)
    while True:
        open_ones = events[~recurs[events]]
        found = _best_period(time[open_ones], strength[open_ones], observed)
        if found is None:
            result: np.ndarray = recurs[first_of]
            return result
        recurs[open_ones[found]] = True


def strongest_near(time: np.ndarray, strength: np.ndarray) -> np.ndarray:
    """Group events that are parts of one: the number of the strongest of each group.

    Returns
    -------
    int, shape (n_events,)
    """
    strongest = np.full(len(time), -1)
    for number in np.argsort(-strength, kind="stable"):
        near = (strongest < 0) & (np.abs(time - time[number]) < _ONE_EVENT)
        if near[number]:
            strongest[near] = number
    return strongest


def _best_period(time: np.ndarray, strength: np.ndarray, observed: np.ndarray) -> np.ndarray | None:
    """The events of the period that is least likely by chance; None if there is none."""
    n = len(time)
    best: np.ndarray | None = None
    least = _CHANCE
    if n < _CYCLES:
        return None
    for first in range(n):
        like = (strength > strength[first] / _LIKE) & (strength < strength[first] * _LIKE)
        if np.count_nonzero(like) < _CYCLES:
            continue
        for second in np.flatnonzero(like & (time > time[first])):
            for divisor in range(1, _DIVISORS + 1):
                period = (time[second] - time[first]) / divisor
                if period < _SHORTEST:
                    break
                cycle = (time - time[first]) / period
                on = like & (np.abs(cycle - np.rint(cycle)) * period < _TOLERANCE)
                n_on = len(np.unique(np.rint(cycle[on])))
                if n_on < _CYCLES:
                    continue
                n_cycles = _observed_cycles(time[first], period, observed)
                if n_on < _SHARE * n_cycles:
                    continue
                # Two events make the period; the others meet it by chance. All pairs and divisors
                # were tried.
                n_like = np.count_nonzero(like)
                meets = min(1.0, 2 * _TOLERANCE / period)
                n_trials = n_like * (n_like - 1) / 2 * _DIVISORS
                p = binom.sf(n_on - 3, n_like - 2, meets) * n_trials
                if p < least:
                    best, least = on, p
    return best


def _observed_cycles(start: float, period: float, observed: np.ndarray) -> int:
    """Cycles at whose phase of `start` something was observed."""
    first, last = np.ceil((observed[0] - start) / period), np.floor((observed[-1] - start) / period)
    epochs = start + period * np.arange(first, last + 1)
    after = np.clip(np.searchsorted(observed, epochs), 1, len(observed) - 1)
    nearest = np.minimum(np.abs(observed[after] - epochs), np.abs(epochs - observed[after - 1]))
    return int(np.count_nonzero(nearest < _TOLERANCE))
