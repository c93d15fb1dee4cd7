"""Rules that a campaign gives its job, and the evidence that its files give of units."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cvzmpi.ledger.claims import Narrow, all_units
from cvzmpi.ledger.records import LedgerUnit
from cvzmpi.ledger.states import State


@dataclass(frozen=True)
class JobRules:
    """The rules of a job: which units it claims, and how long it waits for others."""

    states: Sequence[State] = (State.PREPROCESSED,)  # in which a unit can be claimed
    max_attempts: int = 5  # a unit that has used up so many attempts has failed
    # seconds without a sign of life after which a job on another machine counts as dead
    lease: float = 120.0
    heartbeat: float = 5.0  # seconds between two signs of life
    limited: bool = False  # whether only the units of this job's batch are claimed
    only: Narrow = all_units  # leaves out units that the campaign does not let jobs have now
    # seconds without the database after which a job does not count on more units
    patience: float = 600.0


@dataclass(frozen=True)
class Evidence:
    """Evidence from a campaign's own files of a unit whose job is dead."""

    progress: Callable[[LedgerUnit], int]  # how far the unit is
    # whether a team began it and did not end, as the file of its claim tells
    was_begun: Callable[[LedgerUnit], bool]
