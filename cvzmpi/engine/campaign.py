"""What the engine asks of a campaign, and what they tell each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from cvzmpi.engine.control import Control
from cvzmpi.engine.team import Team


@dataclass(frozen=True)
class Unit:
    """What a team works on.

    Attributes
    ----------
    name : str
        Unique in the campaign; for `cvz`, `{tic}_{sector}`.
    cost : float
        Expected work, in any measure that all units share.
    begun : bool
        Whether an earlier job left it half done.
    content : Any
        What the campaign's `work` needs to know; must pickle.
    """

    name: str
    cost: float
    begun: bool = False
    content: Any = None


@dataclass(frozen=True)
class Outcome:
    """How the work on a unit ended.

    Attributes
    ----------
    unit : str
    error : str, optional
        One line that says why it failed; None where it succeeded.
    unfinished : str, optional
        Why it is not done, though it did not fail: the job was asked to stop, or another job has
        the unit.
    seconds : float
    result : dict
        What the campaign's `work` returned.
    """

    unit: str
    error: str | None = None
    unfinished: str | None = None
    seconds: float = 0.0
    result: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Workload:
    """What there is to do, as rank 0 found it.

    Attributes
    ----------
    units : list of Unit
        To be worked on.
    rejected : list of Outcome
        What could not become a unit; counted as failed.
    n_done : int
        Units that are done already.
    steps_per_unit : int
        For the progress display.
    """

    units: list[Unit]
    rejected: list[Outcome] = field(default_factory=list)
    n_done: int = 0
    steps_per_unit: int = 0


class Campaign(Protocol):
    """A kind of observation that the engine can work on. Must pickle: every rank gets a copy."""

    step_name: str
    """What the steps of a unit are called, in the plural."""

    def find_work(self) -> Workload:
        """Find the units. Only rank 0 is asked."""
        ...

    def prepare(self) -> None:
        """Get a worker rank ready, once, before its first unit."""
        ...

    def claim_file(self, unit: Unit) -> Path:
        """Where the claim on a unit is kept."""
        ...

    def progress(self, unit: Unit) -> int:
        """How far a unit is, in any measure that only grows; asked of the team's leader."""
        ...

    def work(self, unit: Unit, team: Team, control: Control) -> dict[str, Any]:
        """Do the work on a unit, together with the other ranks of the team.

        Raising costs this unit only; the error must be raised on all ranks of the team, which
        `Team.lead` and `Team.agree` see to. When the control says that the job is to stop, the work
        goes on to the next good moment and raises `UnitStopped`.
        """
        ...
