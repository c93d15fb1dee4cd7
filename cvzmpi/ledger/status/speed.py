"""The speed of a campaign, and an estimate of the time until all of its units are done."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cvzmpi.estimates import Estimate, rate
from cvzmpi.estimates.remaining import mean_seconds, remaining_seconds
from cvzmpi.ledger.db.stored_values import as_instant
from cvzmpi.ledger.records import Job
from cvzmpi.ledger.states import FINISHED, State
from cvzmpi.ledger.status import queries
from cvzmpi.ledger.status.pace import Pace, WholeUnit, measure_pace
from cvzmpi.ledger.status.snapshot import Snapshot

LATELY = timedelta(hours=1)
SILENT = timedelta(minutes=1)
"""A job that has been silent for longer does not count as active."""

_WEEK = timedelta(days=7)
_DAY = timedelta(days=1)  # for which a campaign must have gone on before a share of time is told


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
    # the same; where no job is active, if one like the last job ran
    running_seconds_left: Estimate | None
    # of the last week, or since the first job began if that was later: the part in which jobs ran;
    # None in the first day of a campaign
    running_share: float | None

    @property
    def calendar_seconds_left(self) -> Estimate | None:
        """The seconds until all is done if jobs run for the same share of the time as lately."""
        if self.running_seconds_left is None or not self.running_share:
            return None
        return _times(self.running_seconds_left, 1 / self.running_share)

    def as_json(self) -> dict[str, Any]:
        """Everything, as JSON has it."""
        calendar = self.calendar_seconds_left
        return {
            "done_lately": self.n_done,
            "done_within_seconds": self.seconds,
            "done_per_hour": self.per_hour and vars(self.per_hour),
            "seconds_left": self.seconds_left and vars(self.seconds_left),
            "running_seconds_left": self.running_seconds_left and vars(self.running_seconds_left),
            "running_share": self.running_share,
            "calendar_seconds_left": calendar and vars(calendar),
        }


def measure_speed(
    seen: Snapshot,
    at: datetime,
    active: Sequence[Job],
    counted: dict[tuple[State, bool], queries.Counted],
    whole: WholeUnit | None = None,
) -> Speed:
    """Measure the speed over the last hour, and estimate the time left.

    Parameters
    ----------
    at : datetime
        Now.
    active : sequence of Job
        That have units, and gave a sign of life lately.
    counted : mapping
        The units, by state and by whether they are half done.
    whole : WholeUnit, optional
        A whole unit, where all are alike.
    """
    since = max(at - LATELY, min((job.started for job in active), default=at - LATELY))
    done = queries.done_since(seen, since)
    if len(done) == queries.MOST_RECENT:
        since = as_instant(done[-1].at)
    workers = {d.job_id for d in done} | {job.id for job in active}
    week = queries.jobs_since(seen, at - _WEEK)
    jobs = [job for job in week if job.id in workers]
    seconds = _covered(((job.started, _alive_until(job, at)) for job in jobs), since, at)
    pace = measure_pace(seen, at, active, counted, whole)
    n_ended = sum(units.n for (state, _), units in counted.items() if state in FINISHED)
    left = remaining_seconds(
        pace.done, pace.at_work, pace.waiting, pace.teams, max(n_ended - len(pace.done), 0)
    )
    return Speed(
        n_done=len(done),
        seconds=seconds,
        n_active=len(active),
        per_hour=_per_hour(pace, len(done), seconds),
        seconds_left=left if active else None,
        running_seconds_left=left,
        running_share=_share([job for job in week if job.steps or job.id in workers], at),
    )


def _per_hour(pace: Pace, n_done: int, seconds: float) -> Estimate | None:
    """Units done in an hour, by the time that one takes, and where that is not told by counting."""
    per_second = rate(n_done, seconds)
    if n_done < queries.DONE_LAST:
        unit = mean_seconds(pace.done, pace.at_work, pace.waiting.n)
        if unit is not None:
            teams = pace.teams.n * pace.teams.share
            per_second = Estimate(teams / unit.value, teams / unit.high, teams / unit.low)
    return None if per_second is None else _times(per_second, 3600)


def _share(jobs: Sequence[Job], at: datetime) -> float | None:
    """The share of the last week, or since the first job began, in which jobs ran."""
    since = max(min((job.started for job in jobs), default=at), at - _WEEK)
    if at - since < _DAY:
        return None
    spans = ((job.started, _alive_until(job, at)) for job in jobs)
    return _covered(spans, since, at) / (at - since).total_seconds()


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


def _times(estimate: Estimate, factor: float) -> Estimate:
    return Estimate(estimate.value * factor, estimate.low * factor, estimate.high * factor)
