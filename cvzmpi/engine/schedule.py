"""The schedule: which unit comes next, and how those before it ended."""

from __future__ import annotations

from collections import deque

from cvzmpi.engine.campaign import Outcome, Unit, Workload


class Schedule:
    """Gives out units, half-done ones first, then the longest.

    Attributes
    ----------
    failed, done, unfinished : list of Outcome
    n_done_before : int
        Units that needed nothing.
    """

    def __init__(self, workload: Workload) -> None:
        self._waiting = deque(
            sorted(workload.units, key=lambda unit: (not unit.begun, -unit.cost, unit.name))
        )
        self.n_done_before = workload.n_done
        self.failed = list(workload.rejected)
        self.done: list[Outcome] = []
        self.unfinished: list[Outcome] = []

    @property
    def n_waiting(self) -> int:
        """Units that nobody has begun in this job."""
        return len(self._waiting)

    @property
    def complete(self) -> bool:
        """Whether every unit was worked on to its end."""
        return not self._waiting and not self.unfinished

    def next(self) -> Unit | None:
        """The unit to work on now, or None when all are given out."""
        return self._waiting.popleft() if self._waiting else None

    def record(self, outcome: Outcome) -> None:
        """Take down how a unit ended."""
        if outcome.unfinished is not None:
            self.unfinished.append(outcome)
        elif outcome.error is not None:
            self.failed.append(outcome)
        else:
            self.done.append(outcome)
