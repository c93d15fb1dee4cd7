"""What the status asks the database; each question looks at a few rows, or at an index alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from cvzmpi.ledger.records import Job, LedgerUnit
from cvzmpi.ledger.registry import JOB_COLUMNS
from cvzmpi.ledger.rows import UNIT_COLUMNS, as_unit
from cvzmpi.ledger.states import State
from cvzmpi.ledger.tables import claims, events, jobs, latest, units

N_UNITS = 5
"""That a list of units shows."""

_MOST_RECENT = 20_000  # units done lately among which the slowest is looked for


def running_jobs(connection: sa.Connection) -> list[tuple[Job, int, int]]:
    """The jobs that have not ended, as far as is known: units at work, and units claimed."""
    at_work = (
        sa.select(latest.c.job_id, sa.func.count().label("n"))
        .where(latest.c.state == State.WORKING.value)
        .group_by(latest.c.job_id)
        .subquery()
    )
    claimed = (
        sa.select(claims.c.job_id, sa.func.count().label("n")).group_by(claims.c.job_id).subquery()
    )
    query = (
        sa.select(*JOB_COLUMNS, at_work.c.n, claimed.c.n)
        .outerjoin(at_work, at_work.c.job_id == jobs.c.id)
        .outerjoin(claimed, claimed.c.job_id == jobs.c.id)
        .where(jobs.c.ended.is_(None))
        .order_by(jobs.c.id)
    )
    found = []
    for row in connection.execute(query):
        *job, n_at_work, n_claimed = row
        found.append((Job(*job), n_at_work or 0, n_claimed or 0))
    return found


def n_done(connection: sa.Connection, since: datetime) -> int:
    """How many units jobs finished since then; without those that were only found done."""
    query = sa.select(sa.func.count()).where(*_done_since(since))
    return connection.execute(query).scalar_one()


def _done_since(since: datetime) -> list[sa.ColumnElement[bool]]:
    return [
        events.c.to_state == sa.literal_column("'done'"),  # as in the index, letter by letter
        events.c.at > since,
        events.c.from_state == State.WORKING.value,
    ]


def slowest(connection: sa.Connection, since: datetime) -> list[tuple[str, float]]:
    """Units that jobs finished since then and that took longest, with the seconds."""
    query = (
        sa.select(units.c.name, events.c.detail)
        .join(units, units.c.id == events.c.unit_id)
        .where(*_done_since(since))
        .order_by(events.c.at.desc())
        .limit(_MOST_RECENT)
    )
    took = [
        (str(name), float(detail["seconds"]))
        for name, detail in connection.execute(query)
        if detail is not None and "seconds" in detail
    ]
    return sorted(took, key=lambda unit: -unit[1])[:N_UNITS]


def oldest(connection: sa.Connection, states: Sequence[State]) -> list[LedgerUnit]:
    """Units that have been in one of these states for longest."""
    query = (
        sa.select(*UNIT_COLUMNS)
        .join(latest, latest.c.unit_id == units.c.id)
        .order_by(latest.c.since)
        .limit(N_UNITS)
    )
    found = []
    for state in states:  # one by one: the index then has them in order already
        rows = connection.execute(query.where(latest.c.state == state.value))
        found += [as_unit(tuple(row)) for row in rows]
    return sorted(found, key=lambda unit: unit.since)[:N_UNITS]
