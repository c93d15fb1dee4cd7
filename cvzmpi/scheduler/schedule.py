"""The schedule: all units are known when the job begins, and it gives them out in a good order."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from cvzmpi.scheduler.campaign import Outcome, Overview, Unit, UnitSource


class Schedule(UnitSource):
    """The simplest source of units: half-done ones first, then the longest."""

    def __init__(
        self,
        units: Sequence[Unit],
        rejected: Sequence[Outcome] = (),
        n_done: int = 0,
        steps_per_unit: int = 0,
    ) -> None:
        n_begun = sum(unit.begun for unit in units)
        self._overview = Overview(
            len(units),
            n_begun,
            n_done,
            rejected,
            steps_per_unit,
            cost=sum(unit.cost for unit in units),
            cost_squared=sum(unit.cost**2 for unit in units),
        )
        self._waiting = deque(
            sorted(units, key=lambda unit: (not unit.begun, -unit.cost, unit.name))
        )

    def overview(self) -> Overview:
        """The work in numbers."""
        return self._overview

    def next(self) -> Unit | None:
        """The unit to work on now, or None when all are given out."""
        return self._waiting.popleft() if self._waiting else None

    def exhausted(self) -> bool:
        """Tell whether all are given out."""
        return not self._waiting
