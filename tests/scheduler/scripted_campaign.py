"""A campaign that does what a test of the engine tells it to; its units are nothing but names."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

from cvzmpi.errors import LightCurveError
from cvzmpi.mpi.team import Team
from cvzmpi.scheduler.campaign import Control, Unit, UnitSource
from cvzmpi.scheduler.schedule import Schedule

STEPS = 3


@dataclass
class ScriptedCampaign:
    """Remembers on each rank what it was asked to do.

    Attributes
    ----------
    locks : Path
        Directory of the files that are locked.
    units : list of Unit
    failing : dict
        Which member of the team fails at a unit, and with what exception.
    signalling : dict
        Which member of the team gets SIGUSR1 at a unit, which then goes on until it is stopped.
    source : UnitSource, optional
        Takes the place of a schedule of the units.
    worked : list
        (unit, team, members of the team, member) in the order of work.
    """

    locks: Path
    units: list[Unit]
    failing: dict[str, tuple[int, Exception]] = field(default_factory=dict)
    signalling: dict[str, int] = field(default_factory=dict)
    source_error: Exception | None = None
    source: UnitSource | None = None
    n_done: int = 0
    n_opened: int = 0
    n_prepared: int = 0
    worked: list[tuple[str, str, int, int]] = field(default_factory=list)
    step_name: str = "step"

    def open_source(self) -> UnitSource:
        self.n_opened += 1
        if self.source_error is not None:
            raise self.source_error
        return self.source or Schedule(self.units, n_done=self.n_done, steps_per_unit=STEPS)

    def prepare(self) -> None:
        self.n_prepared += 1

    def lock_file(self, unit: Unit) -> Path:
        return self.locks / unit.name

    def progress(self, unit: Unit) -> int:
        return 0

    def work(self, unit: Unit, team: Team, control: Control) -> dict[str, object]:
        assert self.n_prepared == 1
        self.worked.append((unit.name, team.name, team.size, team.rank))
        member, error = self.failing.get(unit.name, (-1, LightCurveError()))
        team.agree(error if team.rank == member else None)
        if self.signalling.get(unit.name) == team.rank:
            os.kill(os.getpid(), signal.SIGUSR1)
        while self.signalling:
            control.check_stop(team)
            time.sleep(0.01)
        if team.is_leader:
            for _ in range(STEPS):
                control.steps_done(1)
        return {"content": unit.content}


def some_units(n: int) -> list[Unit]:
    """Some units; the first is the longest."""
    return [Unit(f"unit-{i}", cost=n - i, content=i) for i in range(n)]
