"""The work of a running job, as its time left is estimated from it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from cvzmpi.estimates import Estimate
from cvzmpi.estimates.durations import Work
from cvzmpi.estimates.remaining import Teams, Waiting, remaining_seconds
from cvzmpi.scheduler.campaign import Outcome, Overview, Unit

_MOST_DONE = 500  # units whose durations are kept
_HALF = 0.5  # what is left of a unit that is half done, before any was given out


@dataclass
class _AtWork:
    unit: Unit
    began: float
    steps: int = 0


class JobPace:
    """Units given out, at work and ended, with the times at which that was.

    Parameters
    ----------
    overview : Overview
        Of the job as it begins.
    """

    shared_with = 0.0
    """How many jobs of the size of this one work on the same units besides it."""

    def __init__(self, overview: Overview) -> None:
        self._steps_per_unit = overview.steps_per_unit
        self._n_done = overview.n_done
        # of the units that wait
        self._n: float = overview.n_open
        self._n_begun = overview.n_begun
        self._cost, self._cost_squared = overview.cost, overview.cost_squared
        self._parts: deque[float] = deque(maxlen=_MOST_DONE)  # of half-done units given out
        self._at_work: dict[str, _AtWork] = {}
        self._done: deque[Work] = deque(maxlen=_MOST_DONE)
        self._n_teams = 1
        self._first: float | None = None  # when the first unit began
        self._busy = 0.0  # seconds that teams worked on units which ended

    def assigned(self, unit: Unit, at: float) -> None:
        """A team was given a unit."""
        self._first = at if self._first is None else self._first
        self._at_work[unit.name] = _AtWork(unit, at)
        self._n_teams = max(self._n_teams, len(self._at_work))
        self._n -= 1
        if unit.begun:
            self._n_begun -= 1
            self._parts.append(unit.part)
        self._cost -= unit.cost
        self._cost_squared -= unit.cost**2
        self._take_out(self.shared_with)  # other jobs begin as many meanwhile

    def steps_done(self, steps: int, unit: str | None) -> None:
        """A team did some steps of its unit."""
        if unit in self._at_work:
            self._at_work[unit].steps += steps

    def ended(self, outcome: Outcome, at: float) -> None:
        """A unit ended, perhaps without a team."""
        held = self._at_work.pop(outcome.unit, None)
        if held is None:  # it was among those that wait
            self._take_out(1.0)
            return
        seconds = at - held.began
        self._busy += seconds
        if outcome.error is None and outcome.unfinished is None:
            self._n_done += 1
            self._done.append(Work(held.unit.cost, held.began, seconds, part=held.unit.part))

    def _take_out(self, n: float) -> None:
        """So many of the units that wait are others' now, or ended."""
        if self._n > 0:
            left = max(1 - n / self._n, 0.0)
            self._cost, self._cost_squared = self._cost * left, self._cost_squared * left
        self._n -= n

    def seconds_left(self, at: float) -> Estimate | None:
        """The seconds until all units are done; None where that cannot be told."""
        at_work = [
            Work(
                held.unit.cost,
                held.began,
                at - held.began,
                self._fraction(held),
                held.unit.part,
            )
            for held in self._at_work.values()
        ]
        n_before = max(self._n_done - len(self._done), 0)
        return remaining_seconds(self._done, at_work, self._waiting(), self._teams(at), n_before)

    def _fraction(self, held: _AtWork) -> float | None:
        """The fraction of its steps that a unit at work has done."""
        steps = held.unit.steps or (0 if held.unit.begun else self._steps_per_unit)
        return min(held.steps / steps, 0.99) if steps else None

    def _waiting(self) -> Waiting:
        n = max(round(self._n), 0)
        if not n:
            return Waiting()
        cost, squared = self._cost, self._cost_squared
        if cost <= 0:  # nobody told the costs: those that wait are like the others
            seen = [*(w.cost for w in self._done), *(h.unit.cost for h in self._at_work.values())]
            mean = sum(seen) / len(seen) if seen else 1.0
            cost, squared = n * mean, n * mean**2
        part = sum(self._parts) / len(self._parts) if self._parts else _HALF
        begun = min(max(self._n_begun, 0) / n, 1.0)
        return Waiting(n, cost, squared, 1 - begun * (1 - part))

    def _teams(self, at: float) -> Teams:
        """The teams, and for how much of the time they had units."""
        n_teams = round(self._n_teams * (1 + self.shared_with))
        if self._first is None or at <= self._first:
            return Teams(n_teams)
        busy = self._busy + sum(at - held.began for held in self._at_work.values())
        return Teams(n_teams, min(max(busy / (at - self._first) / self._n_teams, 0.1), 1.0))
