"""A campaign of the engine's protocol whose units are nothing but names."""

from __future__ import annotations

from dataclasses import dataclass, field

from cvzmpi.engine.campaign import Report, Unit, Workload
from cvzmpi.engine.team import Team
from cvzmpi.errors import LightCurveError

STEPS = 3


@dataclass
class ToyCampaign:
    """Remembers on each rank what it was asked to do.

    Attributes
    ----------
    units : list of Unit
    failing : dict
        Which member of the team fails at a unit, and with what exception.
    worked : list
        (unit, team, members of the team, member) in the order of work.
    """

    units: list[Unit]
    failing: dict[str, tuple[int, Exception]] = field(default_factory=dict)
    workload_error: Exception | None = None
    n_done: int = 0
    n_found: int = 0
    n_prepared: int = 0
    worked: list[tuple[str, str, int, int]] = field(default_factory=list)
    step_name: str = "steps"

    def find_work(self) -> Workload:
        self.n_found += 1
        if self.workload_error is not None:
            raise self.workload_error
        return Workload(self.units, n_done=self.n_done, steps_per_unit=STEPS)

    def prepare(self) -> None:
        self.n_prepared += 1

    def work(self, unit: Unit, team: Team, report: Report) -> dict[str, object]:
        assert self.n_prepared == 1
        self.worked.append((unit.name, team.name, team.size, team.rank))
        member, error = self.failing.get(unit.name, (-1, LightCurveError()))
        team.agree(error if team.rank == member else None)
        if team.is_leader:
            for _ in range(STEPS):
                report(1)
        return {"content": unit.content}


def toy_units(n: int) -> list[Unit]:
    """Some units; the first is the longest."""
    return [Unit(f"unit-{i}", cost=n - i, content=i) for i in range(n)]
