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
    """A unit that a scan found."""

    name: str  # unique in the campaign
    cost: float = 1.0  # expected work, in any measure that all units share
    priority: float = 0.0  # the highest is worked on first; see `order`
    # what is known of it for good, as JSON has it
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Event:
    """Something that happened to a unit, to be recorded."""

    unit: str
    to_state: State
    # In which state the event supposes the unit to be; None takes it as it is. Whoever acts on what
    # he read should say it: meanwhile another job may have moved the unit.
    from_state: State | None = None
    message: str | None = None  # one line for a person: why it failed, why it does not qualify
    # criterion values, timings, paths, checksums; as JSON has them
    detail: Mapping[str, Any] | None = None
    # How far the unit is now, in the measure of `Campaign.progress`; None when that is not known or
    # has not changed. A unit with progress is half done.
    progress: int | None = None
    # how many attempts the unit has used up now; None when that has not changed
    attempts_used: int | None = None
    # `rank`, `host`: of the leader of the team
    rank: int | None = None
    host: str | None = None
    # Only the job that began the work may end the state `working`. Of a job that is dead, another
    # one says it in its place: this is the dead one.
    instead_of: int | None = None
    at: datetime = field(default_factory=now)
    # an event that is recorded again, since nobody knows whether it was, counts once
    key: UUID = field(default_factory=uuid4)


@dataclass(frozen=True)
class LedgerUnit:
    """A unit as it is now."""

    # `name`, `cost`, `priority`, `facts`: as in `NewUnit`
    name: str
    cost: float
    priority: float
    facts: dict[str, Any]
    state: State
    since: datetime  # when it came into that state
    number: int  # how many events it has
    job: int  # which job recorded the newest
    progress: int  # how far it was when last somebody knew; half done where that is more than 0
    attempts_used: int  # attempts that it has used up


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
    """A job or a command, as the recorder of events."""

    id: int
    program: str  # `run`, `scan`, `verify`, ...
    queue_id: str | None  # the queue's number of the job; a job that is queued again keeps it
    host: str  # of rank 0
    process: str  # which process of that host it is, for good: see `process.identity`
    software: str  # version of cvzmpi
    ranks: int
    nodes: int
    log: str | None  # the log file
    started: datetime
    heartbeat: datetime
    steps: int  # done so far; for `cvz`, injections
    steps_per_second: float | None  # lately
    ended: datetime | None
    outcome: str | None  # how it ended
