"""The work of the jobs as the ledger tells it: durations of units, teams, and what is left."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cvzmpi.estimates.durations import Work
from cvzmpi.estimates.remaining import Teams, Waiting
from cvzmpi.ledger.records import Job
from cvzmpi.ledger.states import State
from cvzmpi.ledger.status import queries
from cvzmpi.ledger.status.queries import AtWork, Counted, DoneLast
from cvzmpi.ledger.status.snapshot import Snapshot

WAITING = (State.PREPROCESSED, State.QUALIFIED, State.DISCOVERED)
"""States of units that are still to be worked on, the next ones first."""

_HALF = 0.5  # what is left of a unit that is half done, where nothing more is known
_LATELY = timedelta(hours=1)


@dataclass(frozen=True)
class WholeUnit:
    """A whole unit of a campaign in which all are alike.

    Parameters
    ----------
    steps : int
        Of a unit that is worked on from its beginning.
    progress : int
        Of a unit that is done, in the measure of `Campaign.progress`.
    """

    steps: int
    progress: int

    def part_left(self, progress: float) -> float:
        """The part of a unit that is left."""
        return min(max(1 - progress / max(self.progress, 1), 0.02), 1.0)


@dataclass(frozen=True)
class Pace:
    """The work of a campaign at an instant; see `cvzmpi.estimates.remaining`."""

    done: list[Work]
    at_work: list[Work]
    waiting: Waiting
    teams: Teams


def measure_pace(
    seen: Snapshot,
    at: datetime,
    active: Sequence[Job],
    counted: dict[tuple[State, bool], Counted],
    whole: WholeUnit | None,
) -> Pace:
    """Measure the work of the active jobs; without any, that of the jobs which worked last."""
    last, working = queries.done_last(seen), queries.now_at_work(seen)
    known = {job.id for job in active}
    held = [unit for unit in working if unit.job_id in known]
    left_behind = [unit for unit in working if unit.job_id not in known]
    fractions = _fractions(active, last, held, at, whole)
    return Pace(
        done=[
            Work(unit.cost, unit.began.timestamp(), unit.seconds, part=_part(unit, whole))
            for unit in last
            if whole is not None or not unit.progress
        ],
        at_work=[
            Work(
                unit.cost,
                unit.since.timestamp(),
                unit.seconds_at(at),
                fractions.get(unit.job_id),
                _part(unit, whole),
            )
            for unit in held
        ],
        waiting=_waiting(seen, counted, left_behind, whole),
        teams=_teams(last, held, at) if held else _teams_before(last),
    )


def _part(unit: AtWork | DoneLast, whole: WholeUnit | None) -> float:
    """The part of a unit that was left when its job began with it."""
    if not unit.progress:
        return 1.0
    return _HALF if whole is None else whole.part_left(unit.progress)


def _waiting(
    seen: Snapshot,
    counted: dict[tuple[State, bool], Counted],
    left_behind: Sequence[AtWork],
    whole: WholeUnit | None,
) -> Waiting:
    """The units that no living job works on; those of dead jobs go on from where they were."""
    part = _HALF
    if whole is not None and any(begun for _, begun in counted):
        part = whole.part_left(queries.mean_progress(seen, WAITING))
    n, cost, squared, left = 0, 0.0, 0.0, 0.0
    for (state, begun), units in counted.items():
        if state in WAITING:
            n += units.n
            cost += units.cost
            squared += units.cost_squared
            left += units.n * (part if begun else 1.0)
    for unit in left_behind:
        n, cost, squared = n + 1, cost + unit.cost, squared + unit.cost**2
        left += _part(unit, whole)
    return Waiting(n, cost, squared, left / n) if n else Waiting()


def _fractions(
    jobs: Sequence[Job],
    last: Sequence[DoneLast],
    held: Sequence[AtWork],
    at: datetime,
    whole: WholeUnit | None,
) -> dict[int, float]:
    """The mean fraction of its steps that a unit at work has, by the number of its job.

    Only of jobs that have done fewer units than they have at work: the durations of units that are
    done tell more.
    """
    found = {}
    for job in jobs:
        ours = [unit for unit in held if unit.job_id == job.id]
        ended = [unit for unit in last if unit.job_id == job.id]
        if whole is None or not ours or len(ended) >= len(ours) or not whole.steps:
            continue
        parts = sum(_part(unit, whole) for unit in ours)
        steps = job.steps - whole.steps * sum(_part(unit, whole) for unit in ended)
        seconds = sum(unit.seconds_at(at) for unit in ours)
        heard = max(seconds - len(ours) * (at - job.heartbeat).total_seconds(), 0.1)
        # the steps are those of the last sign of life
        fraction = steps / (whole.steps * parts) * seconds / heard
        found[job.id] = min(max(fraction, 0.0), 0.99)
    return found


def _teams(last: Sequence[DoneLast], held: Sequence[AtWork], at: datetime) -> Teams:
    """The teams of the jobs that have units at work, each counted since its first unit."""
    n, busy_teams = 0, 0.0
    since = at - _LATELY
    if len(last) == queries.DONE_LAST:
        since = max(since, last[-1].ended)
    for job in {unit.job_id for unit in held}:
        work = [(unit.since, at) for unit in held if unit.job_id == job]
        n_held = len(work)
        work += [(unit.began, unit.ended) for unit in last if unit.job_id == job]
        begin = max(min(began for began, _ in work), since)
        mean = _busy(work, begin, at)
        busy_teams += mean
        n += max(n_held, math.ceil(mean - 0.1))
    return Teams(n, min(max(busy_teams / n, 0.1), 1.0))


def _teams_before(last: Sequence[DoneLast]) -> Teams:
    """The teams of the job that did a unit last, while it lived."""
    work = [(unit.began, unit.ended) for unit in last if unit.job_id == last[0].job_id]
    if not work:
        return Teams(1)
    begin, end = min(began for began, _ in work), max(ended for _, ended in work)
    return Teams(max(round(_busy(work, begin, end)), 1))


def _busy(work: Sequence[tuple[datetime, datetime]], begin: datetime, end: datetime) -> float:
    """The mean number of units at work between two instants."""
    seconds = sum(
        max((min(ended, end) - max(began, begin)).total_seconds(), 0.0) for began, ended in work
    )
    return seconds / max((end - begin).total_seconds(), 1e-3)
