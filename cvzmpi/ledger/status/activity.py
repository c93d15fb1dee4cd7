"""The campaign over time: units done and failed in each interval, the newest results, dead jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from cvzmpi.ledger.db.stored_values import as_instant, as_object
from cvzmpi.ledger.records import Job
from cvzmpi.ledger.states import State
from cvzmpi.ledger.status.queries import DONE_SINCE, JOB, MOST_RECENT, as_job
from cvzmpi.ledger.status.snapshot import Snapshot, as_json

_MOST_INTERVALS = 60
_WIDTHS = (10, 60, 300, 900, 3600, 4 * 3600)  # seconds of an interval
LONGEST_AGO = timedelta(days=7)
"""The time over which the throughput is counted, at most."""

_ENDED_LATELY = timedelta(days=1)
_MOST_JOBS = 10


@dataclass(frozen=True)
class Interval:
    """An interval of time, and the units that were done and failed in it."""

    begin: datetime
    n_done: int  # units that jobs finished
    n_failed: int  # units that failed, and are in error still


@dataclass(frozen=True)
class Throughput:
    """The campaign lately, in intervals of one width; the last one is not over yet."""

    at: datetime
    seconds: float  # width of an interval
    intervals: Sequence[Interval]


@dataclass(frozen=True)
class Finished:
    """A unit that a job finished, and what its campaign told of the result."""

    unit: str
    at: datetime
    rank: int | None
    host: str | None
    message: str | None
    seconds: float | None  # that the work took
    outcome: Mapping[str, Any]  # of the result, as the campaign names it
    disk: Mapping[str, Any]  # of the directory of the results, where the job told it


def throughput(seen: Snapshot, at: datetime) -> Throughput:
    """Count the units done and failed in each interval of the last days.

    Intervals are as short as their number allows. Failures are those that nobody has retried.
    """
    since = max(_first(seen) or at, at - LONGEST_AGO)
    span = (at - since).total_seconds()
    seconds = next((w for w in _WIDTHS if span < w * (_MOST_INTERVALS - 1)), _WIDTHS[-1])
    first = int(since.timestamp() // seconds)
    zone = at.tzinfo
    edges = [
        datetime.fromtimestamp(n * seconds, zone)
        for n in range(first, int(at.timestamp() // seconds) + 2)
    ]
    return Throughput(
        at,
        seconds,
        [
            Interval(begin, _count_done(seen, begin, end), _count_failed(seen, begin, end))
            for begin, end in pairwise(edges)
        ],
    )


def newest_done(seen: Snapshot, n: int) -> list[Finished]:
    """The units that jobs finished last, the newest first."""
    rows = seen.rows(
        "SELECT name, at, rank, host, message, detail FROM events "
        "JOIN units ON units.id = events.unit_id "
        "WHERE to_state = 'done' AND from_state = 'working' ORDER BY at DESC "
        f"LIMIT {int(n)}"
    )
    return [_as_finished(*row) for row in rows]


def count_done(seen: Snapshot) -> int:
    """How often units were done since the campaign began, also if their results are gone."""
    ((n,),) = seen.rows("SELECT count(*) FROM events WHERE to_state = 'done'")
    return int(n)


def jobs_ended_lately(seen: Snapshot, at: datetime) -> list[Job]:
    """Jobs with steps or several ranks that ended in the last day, the newest first."""
    rows = seen.rows(
        f"SELECT {', '.join(JOB)} FROM jobs WHERE ended > ? AND (steps > 0 OR ranks > 1 "
        f"OR log IS NOT NULL) ORDER BY id DESC LIMIT {_MOST_JOBS}",
        at - _ENDED_LATELY,
    )
    return [as_job(row) for row in rows]


@dataclass(frozen=True)
class Waiting:
    """The inputs that wait for a team, and how far the ledger knows their size."""

    n_units: int
    n_known: int  # of the newest 20,000 of them, those whose size was recorded
    n_bytes: int  # of these
    n_fetched: int  # of these, those that were downloaded


def waiting_inputs(seen: Snapshot) -> Waiting:
    """The units that are preprocessed, with what was recorded of their inputs."""
    ((n_units,),) = seen.rows("SELECT count(*) FROM latest WHERE state = 'preprocessed'")
    rows = seen.rows(
        "SELECT events.detail FROM latest JOIN events "
        "ON events.unit_id = latest.unit_id AND events.number = latest.number "
        "WHERE latest.state = 'preprocessed' ORDER BY latest.since DESC "
        f"LIMIT {MOST_RECENT}"
    )
    details = [as_object(as_json(detail)) for (detail,) in rows if detail is not None]
    known = [detail for detail in details if isinstance(detail.get("size"), int)]
    return Waiting(
        int(n_units),
        len(known),
        sum(detail["size"] for detail in known),
        sum("address" in detail for detail in known),
    )


def _first(seen: Snapshot) -> datetime | None:
    """When the first unit was done, or the first of those that failed did."""
    found = [
        *seen.rows("SELECT min(at) FROM events WHERE to_state = 'done'"),
        *seen.rows("SELECT min(since) FROM latest WHERE state = ?", State.ERROR.value),
    ]
    return min((as_instant(at) for (at,) in found if at is not None), default=None)


def _count_done(seen: Snapshot, begin: datetime, end: datetime) -> int:
    ((n,),) = seen.rows(f"SELECT count(*) FROM events WHERE {DONE_SINCE} AND at <= ?", begin, end)
    return int(n)


def _count_failed(seen: Snapshot, begin: datetime, end: datetime) -> int:
    ((n,),) = seen.rows(
        "SELECT count(*) FROM latest WHERE state = ? AND since > ? AND since <= ?",
        State.ERROR.value,
        begin,
        end,
    )
    return int(n)


def _as_finished(
    name: str, at: Any, rank: int | None, host: str | None, message: str | None, detail: Any
) -> Finished:
    told = {} if detail is None else as_object(as_json(detail))
    seconds, outcome, disk = (told.get(key) for key in ("seconds", "outcome", "disk"))
    return Finished(
        name,
        as_instant(at),
        rank,
        host,
        message,
        float(seconds) if isinstance(seconds, int | float) else None,
        outcome if isinstance(outcome, dict) else {},
        disk if isinstance(disk, dict) else {},
    )
