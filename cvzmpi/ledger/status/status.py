"""The state of a campaign in a few numbers, for `cvzmpi status` and its JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cvzmpi.ledger.failure_kind import kind_of_failure
from cvzmpi.ledger.process import is_gone
from cvzmpi.ledger.records import Job, LedgerUnit, now
from cvzmpi.ledger.states import State
from cvzmpi.ledger.status import queries
from cvzmpi.ledger.status.pace import WAITING, WholeUnit
from cvzmpi.ledger.status.snapshot import snapshot
from cvzmpi.ledger.status.speed import LATELY, SILENT, Speed, measure_speed

_OPEN = (*WAITING, State.WORKING)
_CLAIMABLE = (State.PREPROCESSED, State.QUALIFIED)
_N_EXAMPLES = 3


@dataclass(frozen=True)
class RunningJob:
    """A job that has not ended, as far as is known."""

    job: Job
    n_working: int  # units that its teams work on
    n_claimed: int  # units that it has, these included
    silent: float  # seconds since its last sign of life


@dataclass(frozen=True)
class FailureGroup:
    """Units that failed with one message, but for its numbers, names and places."""

    message: str  # of the first of them
    n_units: int
    examples: list[str]  # some of the units


@dataclass(frozen=True)
class Status:
    """A campaign at an instant."""

    at: datetime
    counts: dict[State, int]  # units by state
    half_done: int  # units of which an earlier job left something
    speed: Speed
    steps_per_second: float  # of the running jobs; for `cvz`, injections
    running: list[RunningJob]
    # `longest_at_work`, `longest_waiting`: with the oldest newest event
    longest_at_work: list[LedgerUnit]
    longest_waiting: list[LedgerUnit]
    slowest: list[tuple[str, float]]  # units done lately, with the seconds that their work took
    next: list[LedgerUnit]  # what is claimed next
    failures: list[FailureGroup]  # the largest first
    undelivered: int  # events in outboxes, which the database has not got yet
    # units in the state `working` whose job has ended or died; the next job takes them over
    left_at_work: list[str]

    def as_json(self) -> dict[str, Any]:
        """Everything, as JSON has it."""
        return {
            "at": self.at.isoformat(),
            "units": {state.value: n for state, n in self.counts.items()},
            "half_done": self.half_done,
            **self.speed.as_json(),
            "steps_per_second": self.steps_per_second,
            "jobs": [_job_json(running) for running in self.running],
            "longest_at_work": [_unit_json(unit) for unit in self.longest_at_work],
            "longest_waiting": [_unit_json(unit) for unit in self.longest_waiting],
            "slowest": [{"unit": name, "seconds": seconds} for name, seconds in self.slowest],
            "next": [_unit_json(unit) for unit in self.next],
            "failures": [vars(group) for group in self.failures],
            "undelivered_events": self.undelivered,
            "left_at_work": self.left_at_work,
        }


def take_status(
    location: str | Path, undelivered: int = 0, whole: WholeUnit | None = None
) -> Status:
    """Ask a ledger how the campaign is, without looking at more than a few of its events.

    Parameters
    ----------
    location : str or Path
        Of the ledger, as for `Ledger.open`.
    undelivered : int
        Events in outboxes.
    whole : WholeUnit, optional
        A whole unit, where all are alike; the time left is told the better.

    Raises
    ------
    LedgerError
        If there is no ledger, or it cannot be read.
    """
    with snapshot(location) as seen:
        at = now()
        counted = queries.count_units(seen)
        running = [
            RunningJob(job, n_working, n_claimed, (at - job.heartbeat).total_seconds())
            for job, n_working, n_claimed in queries.running_jobs(seen)
        ]
        heard = [r for r in running if r.silent < SILENT.total_seconds()]
        active = [r.job for r in heard if r.n_claimed and not is_gone(r.job.process)]
        return Status(
            at=at,
            counts={
                s: sum(units.n for (state, _), units in counted.items() if state is s)
                for s in State
            },
            half_done=sum(
                units.n for (state, begun), units in counted.items() if begun and state in _OPEN
            ),
            speed=measure_speed(seen, at, active, counted, whole),
            steps_per_second=sum(r.job.steps_per_second or 0.0 for r in heard),
            running=running,
            longest_at_work=queries.oldest(seen, [State.WORKING]),
            longest_waiting=queries.oldest(seen, WAITING),
            slowest=queries.slowest(seen, at - LATELY),
            next=queries.next_units(seen, _CLAIMABLE),
            failures=group_failures(queries.failed_units(seen)),
            undelivered=undelivered,
            left_at_work=_without_living_job(queries.at_work(seen)),
        )


def _without_living_job(at_work: Sequence[tuple[str, str, bool]]) -> list[str]:
    """Units at work whose job has ended, or whose process on this machine is gone."""
    gone = {process for process in {process for _, process, _ in at_work} if is_gone(process)}
    return [name for name, process, has_ended in at_work if has_ended or process in gone]


def group_failures(failed: Sequence[queries.Failed]) -> list[FailureGroup]:
    """Bring failures together that differ in numbers, names and places only."""
    groups: dict[str, list[queries.Failed]] = {}
    for failure in failed:
        groups.setdefault(kind_of_failure(failure.unit, failure.message), []).append(failure)
    return [
        FailureGroup(
            message=members[0].message,
            n_units=len(members),
            examples=[failure.unit for failure in members[:_N_EXAMPLES]],
        )
        for members in sorted(groups.values(), key=len, reverse=True)
    ]


# ----------------------------------------------------------------- JSON


def _unit_json(unit: LedgerUnit) -> dict[str, Any]:
    return {
        "unit": unit.name,
        "state": unit.state.value,
        "since": unit.since.isoformat(),
        "priority": unit.priority,
        "cost": unit.cost,
        "half_done": unit.progress > 0,
        "attempts_used": unit.attempts_used,
    }


def _job_json(running: RunningJob) -> dict[str, Any]:
    job = running.job
    return {
        "id": job.id,
        "program": job.program,
        "queue_id": job.queue_id,
        "host": job.host,
        "ranks": job.ranks,
        "nodes": job.nodes,
        "started": job.started.isoformat(),
        "silent_seconds": running.silent,
        "working": running.n_working,
        "claimed": running.n_claimed,
        "steps": job.steps,
        "steps_per_second": job.steps_per_second,
        "log": job.log,
        "software": job.software,
    }
