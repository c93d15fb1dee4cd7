"""The schedule: all units are known when the job begins, and it gives them out in a good order."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from cvzmpi.scheduler.campaign import Outcome, Overview, Unit, UnitSource


@dataclass(frozen=True)
class Workload:
    """All that there is to do."""

    units: list[Unit]  # to be worked on
    # what could not become a unit; counted as failed
    rejected: list[Outcome] = field(default_factory=list)
    n_done: int = 0  # units that are done already
    steps_per_unit: int = 0  # for the progress display


class Schedule(UnitSource):
    """The simplest source of units: half-done ones first, then the longest."""

    def __init__(self, workload: Workload) -> None:
        self._workload = workload
        self._waiting = deque(
            sorted(workload.units, key=lambda unit: (not unit.begun, -unit.cost, unit.name))
        )

    def overview(self) -> Overview:
        """The workload in numbers."""
        workload = self._workload
        return Overview(
            n_open=len(workload.units),
            n_begun=sum(unit.begun for unit in workload.units),
            n_done=workload.n_done,
            rejected=workload.rejected,
            steps_per_unit=workload.steps_per_unit,
        )

    def next(self) -> Unit | None:
        """The unit to work on now, or None when all are given out."""
        return self._waiting.popleft() if self._waiting else None

    def exhausted(self) -> bool:
        """Tell whether all are given out."""
        return not self._waiting
