"""Events that recur with a period: eclipses, transits, and what pulsations leave over.

A flare happens once. Events of like strength, at the same phase of one period in at least half of
its cycles and in four of them or more, are not flares; dips that recur are no false alarms in the
inverted light curve.
"""

from __future__ import annotations

from dataclasses import dataclass

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


@dataclass(frozen=True)
class Recurrence:
    """Events at one phase of a period."""

    events: np.ndarray  # int, shape (n,): their numbers; of several parts of one, the strongest
    cycles: np.ndarray  # int, shape (n,)
    start: float  # time of cycle 0
    period: float  # days

    @classmethod
    def of(cls, events: np.ndarray, cycles: np.ndarray, time: np.ndarray) -> Recurrence:
        """Fit a period to the times of events in known cycles."""
        period, start = np.polyfit(cycles, time, 1)
        return cls(events, cycles, float(start), float(period))

    def other_cycles(self, observed: np.ndarray) -> np.ndarray:
        """Times at which it should have happened too, while the star was observed."""
        first, last = _cycles(self.start, self.period, observed)
        cycles = np.setdiff1d(np.arange(float(first), float(last) + 1), self.cycles)
        times: np.ndarray = self.start + self.period * cycles
        return times


def recurrences(
    time: np.ndarray, strength: np.ndarray, observed: np.ndarray
) -> tuple[list[Recurrence], np.ndarray]:
    """Find the periods with which events recur.

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
    list of Recurrence
        That which is least likely by chance first.
    parts : int, shape (n_events,)
        See `strongest_near`.
    """
    parts = strongest_near(time, strength)
    events = np.unique(parts)
    events = np.sort(events[np.argsort(-strength[events], kind="stable")][:_MOST])
    found: list[Recurrence] = []
    while True:
        best = _best_period(time[events], strength[events], observed)
        if best is None:
            return found, parts
        on, cycles = best
        found.append(Recurrence.of(events[on], cycles, time[events[on]]))
        events = events[~on]


def recurring(time: np.ndarray, strength: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """Tell which events recur with a period; bool, shape (n_events,). See `recurrences`."""
    found, parts = recurrences(time, strength, observed)
    recurs = np.zeros(len(time), bool)
    for recurrence in found:
        recurs[recurrence.events] = True
    result: np.ndarray = recurs[parts]
    return result


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


def _best_period(
    time: np.ndarray, strength: np.ndarray, observed: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """The events of the period that is least likely by chance, and their cycles.

    Returns
    -------
    (bool, shape (n_events,), int, shape (n_on,)), or None if there is none
    """
    n = len(time)
    best: tuple[np.ndarray, np.ndarray] | None = None
    least = _CHANCE
    if n < _CYCLES:
        return None
    for first in range(n):
        like = (strength > strength[first] / _LIKE) & (strength < strength[first] * _LIKE)
        if np.count_nonzero(like) < _CYCLES:
            continue
        later = time[like & (time > time[first])] - time[first]
        periods = (later[:, None] / np.arange(1, _DIVISORS + 1)).ravel()
        periods = periods[periods >= _SHORTEST]
        cycles = (time - time[first]) / periods[:, None]
        meet = like & (np.abs(cycles - np.rint(cycles)) * periods[:, None] < _TOLERANCE)
        n_meet = np.count_nonzero(meet, axis=1)
        several = np.flatnonzero(n_meet >= _CYCLES)
        fewest = np.zeros(len(periods))
        fewest[several] = _SHARE * _observed_cycles(time[first], periods[several], observed)
        # Two events make the period; the others meet it by chance. All pairs and divisors were
        # tried.
        n_like = np.count_nonzero(like)
        n_trials = n_like * (n_like - 1) / 2 * _DIVISORS
        numbers, n_on = [], []
        for number in several[n_meet[several] >= fewest[several]].tolist():
            of_events = np.rint(cycles[number, meet[number]]).astype(int)
            n_cycles = len(set(of_events.tolist()))
            if n_cycles >= max(_CYCLES, fewest[number]):
                numbers.append(number)
                n_on.append(n_cycles)
        if not numbers:
            continue
        meets = np.minimum(1.0, 2 * _TOLERANCE / periods[numbers])
        chances = binom.sf(np.array(n_on) - 3, n_like - 2, meets) * n_trials
        for number, p in zip(numbers, chances.tolist(), strict=True):
            if p < least:
                on = meet[number]
                best, least = (on, np.rint(cycles[number, on]).astype(int)), p
    return best


def _observed_cycles(start: float, periods: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """Cycles of each period at whose phase of `start` something was observed; int, shape (n,)."""
    first, last = _cycles(start, periods, observed)
    n_cycles = np.maximum(last - first + 1, 0).astype(int)
    owner = np.repeat(np.arange(len(periods)), n_cycles)
    cycles = np.arange(len(owner)) - (np.cumsum(n_cycles) - n_cycles)[owner] + first[owner]
    epochs = start + periods[owner] * cycles
    after = np.clip(np.searchsorted(observed, epochs), 1, len(observed) - 1)
    nearest = np.minimum(np.abs(observed[after] - epochs), np.abs(epochs - observed[after - 1]))
    return np.bincount(owner[nearest < _TOLERANCE], minlength=len(periods))


def _cycles(
    start: float, period: np.ndarray | float, observed: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The first and the last cycle of each period while the star was observed."""
    first: np.ndarray = np.ceil((observed[0] - start) / period)
    last: np.ndarray = np.floor((observed[-1] - start) / period)
    return first, last
