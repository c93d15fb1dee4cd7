"""Rules that a campaign gives its job, and the evidence that its files give of units."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cvzmpi.ledger.claims import Narrow, all_units
from cvzmpi.ledger.records import LedgerUnit
from cvzmpi.ledger.states import State


@dataclass(frozen=True)
class JobRules:
    """Which units a job claims, and how long it waits for others.

    Attributes
    ----------
    states : sequence of State
        In which a unit can be claimed.
    max_attempts : int
        A unit that has used up so many attempts has failed.
    lease : float
        Seconds without a sign of life after which a job on another machine counts as dead.
    heartbeat : float
        Seconds between two signs of life.
    limited : bool
        Whether only the units of this job's batch are claimed.
    only : callable
        Leaves out units that the campaign does not let jobs have now.
    patience : float
        Seconds without the database after which a job does not count on more units.
    """

    states: Sequence[State] = (State.PREPROCESSED,)
    max_attempts: int = 5
    lease: float = 120.0
    heartbeat: float = 5.0
    limited: bool = False
    only: Narrow = all_units
    patience: float = 600.0


@dataclass(frozen=True)
class Evidence:
    """Evidence from a campaign's own files of a unit whose job is dead.

    Attributes
    ----------
    progress : callable
        How far the unit is.
    was_begun : callable
        Whether a team began it and did not end, as the file of its claim tells.
    """

    progress: Callable[[LedgerUnit], int]
    was_begun: Callable[[LedgerUnit], bool]
