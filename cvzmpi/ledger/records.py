"""Records that are put into the ledger or read from it: units, events, jobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any
from uuid import UUID, uuid4

from cvzmpi.ledger.states import State


def now() -> datetime:
    """The present time, in UTC."""
    return datetime.now(timezone.utc)


@dataclass(frozen=True)
class NewUnit:
    """A unit that a scan found.

    Attributes
    ----------
    name : str
        Unique in the campaign.
    cost : float
        Expected work, in any measure that all units share.
    priority : float
        The highest is worked on first; see `order`.
    facts : dict
        What is known of it for good, as JSON has it.
    """

    name: str
    cost: float = 1.0
    priority: float = 0.0
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Event:
    """Something that happened to a unit, to be recorded.

    Attributes
    ----------
    unit : str
    to_state : State
    from_state : State, optional
        In which state the event supposes the unit to be; None takes it as it is. Whoever acts on
        what he read should say it: meanwhile another job may have moved the unit.
    message : str, optional
        One line for a person: why it failed, why it does not qualify.
    detail : dict, optional
        Criterion values, timings, paths, checksums; as JSON has them.
    progress : int, optional
        How far the unit is now, in the measure of `Campaign.progress`; None when that is not known
        or has not changed. A unit with progress is half done.
    attempts_used : int, optional
        How many attempts the unit has used up now; None when that has not changed.
    rank, host : optional
        Of the leader of the team.
    instead_of : int, optional
        Only the job that began the work may end the state `working`. Of a job that is dead, another
        one says it in its place: this is the dead one.
    at : datetime
    key : UUID
        An event that is recorded again, since nobody knows whether it was, counts once.
    """

    unit: str
    to_state: State
    from_state: State | None = None
    message: str | None = None
    detail: Mapping[str, Any] | None = None
    progress: int | None = None
    attempts_used: int | None = None
    rank: int | None = None
    host: str | None = None
    instead_of: int | None = None
    at: datetime = field(default_factory=now)
    key: UUID = field(default_factory=uuid4)


@dataclass(frozen=True)
class LedgerUnit:
    """A unit as it is now.

    Attributes
    ----------
    name, cost, priority, facts
        As in `NewUnit`.
    state : State
    since : datetime
        When it came into that state.
    number : int
        How many events it has.
    job : int
        Which job recorded the newest.
    progress : int
        How far it was when last somebody knew; half done where that is more than 0.
    attempts_used : int
        Attempts that it has used up.
    """

    name: str
    cost: float
    priority: float
    facts: dict[str, Any]
    state: State
    since: datetime
    number: int
    job: int
    progress: int
    attempts_used: int


@dataclass(frozen=True)
class Recorded:
    """An event as it is in the ledger; the newest of a unit has the highest number."""

    unit: str
    number: int
    from_state: State | None
    to_state: State
    at: datetime
    job: Job
    rank: int | None
    host: str | None
    message: str | None
    detail: dict[str, Any] | None
    progress: int | None
    attempts_used: int | None
    key: UUID


@dataclass(frozen=True)
class Job:
    """A job or a command, as the recorder of events.

    Attributes
    ----------
    id : int
    program : str
        `run`, `scan`, `verify`, ...
    queue_id : str, optional
        The queue's number of the job; a job that is queued again keeps it.
    host : str
        Of rank 0.
    process : str
        Which process of that host it is, for good: see `process.identity`.
    software : str
        Version of cvzmpi.
    ranks, nodes : int
    log : str, optional
        The log file.
    started, heartbeat : datetime
    steps : int
        Done so far; for `cvz`, injections.
    steps_per_second : float, optional
        Lately.
    ended : datetime, optional
    outcome : str, optional
        How it ended.
    """

    id: int
    program: str
    queue_id: str | None
    host: str
    process: str
    software: str
    ranks: int
    nodes: int
    log: str | None
    started: datetime
    heartbeat: datetime
    steps: int
    steps_per_second: float | None
    ended: datetime | None
    outcome: str | None
