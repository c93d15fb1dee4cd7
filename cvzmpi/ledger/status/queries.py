"""The queries behind the status; each looks at a few rows, or at an index alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any

from cvzmpi.ledger.db.stored_values import as_instant, as_object
from cvzmpi.ledger.order import ORDER_BY, place_in_order
from cvzmpi.ledger.records import Job, LedgerUnit
from cvzmpi.ledger.states import State, state_named
from cvzmpi.ledger.status.snapshot import Snapshot, as_json

N_UNITS = 5
"""The most units that a list shows."""

MOST_RECENT = 20_000
"""The most units done lately that are read, for the speed and the slowest."""

DONE_LAST = 500
"""The most units whose durations are read."""

JOB = [field.name for field in fields(Job)]
"""Columns of a job, to be read with `as_job`."""
UNIT = (
    "units.name, units.cost, units.priority, units.facts, latest.state, latest.since, "
    "latest.number, latest.job_id, latest.progress, latest.charged"
)
"""Columns of a unit, to be read with `as_unit`."""
UNITS = "units JOIN latest ON latest.unit_id = units.id"
"""Every unit as it is now."""
DONE_SINCE = "to_state = 'done' AND at > ? AND from_state = 'working'"
"""The condition that an event after an instant is the end of the work of a job."""


@dataclass(frozen=True)
class Failed:
    """A unit in the state `error`, and why."""

    unit: str
    message: str


@dataclass(frozen=True)
class Done:
    """A unit that a job finished: when (as the driver gives it), which job, and the unit's cost."""

    at: Any
    job_id: int
    cost: float


@dataclass(frozen=True)
class DoneLast:
    """One of the units that jobs finished last.

    `seconds` are those of the job that finished it, which began it with so much progress.
    """

    ended: datetime
    job_id: int
    cost: float
    progress: int
    seconds: float

    @property
    def began(self) -> datetime:
        """The instant at which that job began with it."""
        return self.ended - timedelta(seconds=self.seconds)


@dataclass(frozen=True)
class AtWork:
    """A unit in the state `working`, and how far it was when its job began with it."""

    job_id: int
    since: datetime
    cost: float
    progress: int

    def seconds_at(self, at: datetime) -> float:
        """The seconds for which it has been at work."""
        return max((at - self.since).total_seconds(), 0.0)


@dataclass(frozen=True)
class Counted:
    """Units: their number, the sum of their costs, and that of the squares."""

    n: int
    cost: float
    cost_squared: float


def count_units(snapshot: Snapshot) -> dict[tuple[State, bool], Counted]:
    """Count units and sum their cost, by state and by whether they are half done."""
    counted = snapshot.rows(  # from the index `latest_order` alone
        "SELECT state, begun, count(*), sum(cost), sum(cost * cost) FROM latest "
        "GROUP BY state, begun"
    )
    return {(state_named(state), bool(begun)): Counted(*sums) for state, begun, *sums in counted}


def mean_progress(snapshot: Snapshot, states: Sequence[State]) -> float:
    """The mean progress of units in some states that are half done, by some of them; 0 for none."""
    query = "SELECT progress FROM latest WHERE state = ? AND begun = 1 LIMIT 1000"
    values = [row[0] for state in states for row in snapshot.rows(query, state.value)]
    return sum(values) / len(values) if values else 0.0


def done_last(snapshot: Snapshot) -> list[DoneLast]:
    """The units that jobs finished last and that say how long it took, the newest first."""
    rows = snapshot.rows(
        "SELECT at, events.job_id, cost, latest.progress, detail FROM events "
        "JOIN latest ON latest.unit_id = events.unit_id "
        "WHERE to_state = 'done' AND from_state = 'working' "
        f"ORDER BY at DESC LIMIT {DONE_LAST}"
    )
    found = []
    for at, job_id, cost, progress, detail in rows:
        seconds = as_object(as_json(detail)).get("seconds") if detail is not None else None
        if isinstance(seconds, int | float) and seconds > 0:
            found.append(DoneLast(as_instant(at), job_id, cost, progress, float(seconds)))
    return found


def now_at_work(snapshot: Snapshot) -> list[AtWork]:
    """All units in the state `working`."""
    rows = snapshot.rows(
        "SELECT job_id, since, cost, progress FROM latest WHERE state = 'working' ORDER BY since"
    )
    return [AtWork(job_id, as_instant(since), *unit) for job_id, since, *unit in rows]


def running_jobs(snapshot: Snapshot) -> list[tuple[Job, int, int]]:
    """The jobs that have not ended as far as is known, each with its units at work and claimed."""
    at_work = dict(
        snapshot.rows("SELECT job_id, count(*) FROM latest WHERE state = 'working' GROUP BY job_id")
    )
    claimed = dict(snapshot.rows("SELECT job_id, count(*) FROM claims GROUP BY job_id"))
    rows = snapshot.rows(f"SELECT {', '.join(JOB)} FROM jobs WHERE ended IS NULL ORDER BY id")
    jobs = [as_job(row) for row in rows]
    return [(job, at_work.get(job.id, 0), claimed.get(job.id, 0)) for job in jobs]


def jobs_since(snapshot: Snapshot, since: datetime) -> list[Job]:
    """The jobs that gave a sign of life, or ended, since then."""
    rows = snapshot.rows(
        f"SELECT {', '.join(JOB)} FROM jobs WHERE heartbeat > ? OR ended > ?", since, since
    )
    return [as_job(row) for row in rows]


def done_since(snapshot: Snapshot, since: datetime) -> list[Done]:
    """The units that jobs finished since then, the newest first and no more than 20,000.

    Those that were only found done are left out.
    """
    rows = snapshot.rows(
        "SELECT at, events.job_id, cost FROM events "
        "JOIN latest ON latest.unit_id = events.unit_id "
        f"WHERE {DONE_SINCE} ORDER BY at DESC LIMIT {MOST_RECENT}",
        since,
    )
    return [Done(*row) for row in rows]


def at_work(snapshot: Snapshot) -> list[tuple[str, str, bool]]:
    """Units at work, each with the process of its job, and whether that job has ended."""
    return [
        (str(name), str(process), ended is not None)
        for name, process, ended in snapshot.rows(
            "SELECT units.name, jobs.process, jobs.ended "
            f"FROM {UNITS} JOIN jobs ON jobs.id = latest.job_id WHERE latest.state = 'working' "
            "ORDER BY units.id"
        )
    ]


def slowest(snapshot: Snapshot, since: datetime) -> list[tuple[str, float]]:
    """Units that jobs finished since then and that took longest, with the seconds."""
    details = snapshot.rows(
        "SELECT name, detail FROM events JOIN units ON units.id = events.unit_id "
        f"WHERE {DONE_SINCE} AND detail IS NOT NULL ORDER BY at DESC LIMIT {MOST_RECENT}",
        since,
    )
    told = [(str(name), as_object(as_json(detail)).get("seconds")) for name, detail in details]
    took = [(name, float(seconds)) for name, seconds in told if isinstance(seconds, int | float)]
    return sorted(took, key=lambda unit: -unit[1])[:N_UNITS]


def oldest(snapshot: Snapshot, states: Sequence[State]) -> list[LedgerUnit]:
    """Units that have been in one of these states for longest."""
    query = f"SELECT {UNIT} FROM {UNITS} WHERE state = ? ORDER BY since LIMIT {N_UNITS}"
    found = []
    for state in states:  # one by one: the index then has them in order already
        found += [as_unit(row) for row in snapshot.rows(query, state.value)]
    return sorted(found, key=lambda unit: unit.since)[:N_UNITS]


def next_units(snapshot: Snapshot, states: Sequence[State]) -> list[LedgerUnit]:
    """The units that are claimed next."""
    query = (
        f"SELECT latest.unit_id, latest.begun, {UNIT} FROM {UNITS} WHERE latest.state = ? "
        "AND NOT EXISTS (SELECT 1 FROM claims WHERE claims.unit_id = latest.unit_id) "
        f"ORDER BY {ORDER_BY} LIMIT {N_UNITS}"
    )
    found = []
    for state in states:
        for unit_id, begun, *row in snapshot.rows(query, state.value):
            unit = as_unit(row)
            found.append((place_in_order(begun, unit.priority, unit.cost, unit_id), unit))
    return [unit for _, unit in sorted(found, key=itemgetter(0))[:N_UNITS]]


def failed_units(snapshot: Snapshot) -> list[Failed]:
    """All units that failed, in the order in which they were found."""
    rows = snapshot.rows(
        f"SELECT units.name, events.message FROM {UNITS} JOIN events "
        "ON events.unit_id = latest.unit_id AND events.number = latest.number "
        "WHERE latest.state = 'error' ORDER BY units.id"
    )
    return [Failed(name, message or "") for name, message in rows]


def as_unit(row: Sequence[Any]) -> LedgerUnit:
    """A row of `UNIT`."""
    name, cost, priority, facts, state, since, *numbers = row
    return LedgerUnit(
        name,
        cost,
        priority,
        as_object(as_json(facts)),
        state_named(state),
        as_instant(since),
        *numbers,
    )


def as_job(row: Sequence[Any]) -> Job:
    """A row of `JOB`."""
    values = dict(zip(JOB, row, strict=True))
    for name in ("started", "heartbeat", "ended"):
        if values[name] is not None:
            values[name] = as_instant(values[name])
    return Job(**values)
