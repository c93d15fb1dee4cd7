"""The speed of a campaign, and an estimate of the time until all of its units are done."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cvzmpi.estimates import Estimate, rate
from cvzmpi.ledger.db.stored_values import as_instant
from cvzmpi.ledger.records import Job
from cvzmpi.ledger.status import queries
from cvzmpi.ledger.status.snapshot import Snapshot

LATELY = timedelta(hours=1)
SILENT = timedelta(minutes=1)
"""A job that has been silent for longer does not count as active."""


@dataclass(frozen=True)
class Speed:
    """The speed at which units are done."""

    # units that jobs finished lately: in the last hour, or since the first of the jobs began that
    # are active
    n_done: int
    seconds: float  # during how much of that time there were jobs
    n_active: int  # jobs that have units now, and gave a sign of life in the last minute
    # units done in an hour in which there are jobs; None where too few were done to tell
    per_hour: Estimate | None
    # until all is done, if the active jobs go on; None where that cannot be told
    seconds_left: Estimate | None

    def as_json(self) -> dict[str, Any]:
        """Everything, as JSON has it."""
        return {
            "done_lately": self.n_done,
            "done_within_seconds": self.seconds,
            "done_per_hour": self.per_hour and vars(self.per_hour),
            "seconds_left": self.seconds_left and vars(self.seconds_left),
        }


@dataclass(frozen=True)
class Remaining:
    """The units still to be done: their number, their cost, and how many are being worked on."""

    n: int
    cost: float
    n_working: int


def measure_speed(
    seen: Snapshot, at: datetime, active: Sequence[Job], remaining: Remaining
) -> Speed:
    """Measure the speed over the last hour.

    Parameters
    ----------
    at : datetime
        Now.
    active : sequence of Job
        That have units, and gave a sign of life lately.
    """
    since = max(at - LATELY, min((job.started for job in active), default=at - LATELY))
    done = queries.done_since(seen, since)
    if len(done) == queries.MOST_RECENT:
        since = as_instant(done[-1].at)
    workers = {d.job_id for d in done} | {job.id for job in active}
    jobs = [job for job in queries.jobs_since(seen, since) if job.id in workers]
    seconds = _covered(((job.started, _alive_until(job, at)) for job in jobs), since, at)
    per_second = rate(len(done), seconds)
    left = None
    if active and remaining.n and per_second is not None:
        left = _time_left(
            remaining, done, per_second, rate(len(done) + remaining.n_working, seconds)
        )
    return Speed(len(done), seconds, len(active), _times(per_second, 3600), left)


def _alive_until(job: Job, at: datetime) -> datetime:
    """The instant until which a job lived; the end of a dead job is noted only later."""
    return min(job.ended or at, job.heartbeat + SILENT, at)


def _covered(spans: Iterable[tuple[datetime, datetime]], since: datetime, at: datetime) -> float:
    """Seconds between two instants that lie in any of the spans."""
    seconds, reached = 0.0, since
    for begin, end in sorted(spans):
        begin, end = max(begin, reached), min(end, at)
        if end > begin:
            seconds += (end - begin).total_seconds()
            reached = end
    return seconds


def _times(estimate: Estimate | None, factor: float) -> Estimate | None:
    if estimate is None:
        return None
    return Estimate(estimate.value * factor, estimate.low * factor, estimate.high * factor)


def _time_left(
    remaining: Remaining,
    done: Sequence[queries.Done],
    per_second: Estimate,
    with_working: Estimate | None,
) -> Estimate:
    """The seconds until all is done.

    The longest units come first, so that those that remain are shorter: by their cost, if it is
    told well. So one end of the interval counts units and the other one their cost. What teams work
    on now is partly done, which is why the fastest rate counts it as done.
    """
    mean_cost = sum(d.cost for d in done) / len(done)
    relative = remaining.cost / remaining.n / mean_cost if mean_cost > 0 else 1.0
    fastest = (with_working or per_second).high
    return Estimate(
        remaining.n * relative / per_second.value,
        remaining.n * min(relative, 1.0) / fastest,
        remaining.n * max(relative, 1.0) / per_second.low,
    )
