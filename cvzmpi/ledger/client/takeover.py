"""What is done about a dead job: its last words are heard, and its units go to others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from cvzmpi.ledger.client.outbox import Outbox
from cvzmpi.ledger.db.tables import batches, claims, jobs, latest, units
from cvzmpi.ledger.ledger import Ledger
from cvzmpi.ledger.records import Event, Job, LedgerUnit, now
from cvzmpi.ledger.rows import UNIT_COLUMNS, as_unit
from cvzmpi.ledger.states import State


@dataclass(frozen=True)
class Evidence:
    """What a campaign's own files tell of a unit.

    Attributes
    ----------
    progress : callable
        How far it is.
    was_begun : callable
        Whether a team began it and did not end, as the file of its claim tells.
    """

    progress: Callable[[LedgerUnit], int]
    was_begun: Callable[[LedgerUnit], bool]


def take_over(
    ledger: Ledger, dead: Job, job: Job, outboxes: Path, evidence: Evidence, max_attempts: int
) -> list[Event]:
    """Deliver what a dead job could not, and give back the units that it worked on.

    A job does not live to tell what it does in its last moments. So units that it had and did not
    begin, as far as the ledger knows, are looked at: one that kills its job at once is found out.

    A unit that got further since the dead job began it has used up no attempt, and counts anew; one
    that did not has used up one. A job that ended by itself did not die over its units: they have
    used up none.

    Parameters
    ----------
    ledger : Ledger
    dead, job : Job
        The dead one, and the one that does it.
    outboxes : Path
        Directory of the outboxes.
    evidence : Evidence
    max_attempts : int
        A unit that has used up so many has failed.

    Returns
    -------
    list of Event
        What happened to its units; none when another job has done all this.
    """
    outbox = Outbox(outboxes, dead)
    undelivered = outbox.read()
    if undelivered:
        known = {unit.name for unit in ledger.units(names=[event.unit for event in undelivered])}
        undelivered = [event for event in undelivered if event.unit in known]
        accepted = ledger.record(undelivered, dead, skip_stale=True)
        if len(accepted) < len(undelivered):
            recorded = {event.key for event in accepted}
            outbox.refuse([event for event in undelivered if event.key not in recorded])
    outbox.clear()
    begun = [unit for unit in _claimed(ledger, dead) if evidence.was_begun(unit)]
    ledger.record([event for unit in begun for event in _begun(unit)], dead, skip_stale=True)
    events = [
        _given_back(unit, dead, evidence.progress(unit), max_attempts)
        for unit in _working(ledger, dead)
    ]
    with ledger.writing() as connection:
        still = sa.select(jobs.c.heartbeat).where(jobs.c.id == dead.id)
        if connection.execute(still).scalar() != dead.heartbeat:
            return []  # it lives after all
        recorded_events = ledger.record(events, job, skip_stale=True, within=connection)
        for table in (claims, batches):
            connection.execute(table.delete().where(table.c.job_id == dead.id))
        connection.execute(
            jobs.update()
            .where(jobs.c.id == dead.id, jobs.c.ended.is_(None))
            .values(ended=now(), outcome="died")
        )
    return recorded_events


def _claimed(ledger: Ledger, job: Job) -> list[LedgerUnit]:
    """What the job had, and had not begun."""
    query = sa.select(*UNIT_COLUMNS).join(latest, latest.c.unit_id == units.c.id)
    query = query.join(claims, claims.c.unit_id == units.c.id).where(claims.c.job_id == job.id)
    before_work = [State.QUALIFIED.value, State.PREPROCESSED.value]
    return _read(ledger, query.where(latest.c.state.in_(before_work)))


def _begun(unit: LedgerUnit) -> Iterator[Event]:
    """What the job did not live to tell of a unit."""
    words = "begun, as its files tell"
    if unit.state is State.QUALIFIED:
        yield Event(unit.name, State.PREPROCESSED, State.QUALIFIED, message=words)
    yield Event(unit.name, State.WORKING, State.PREPROCESSED, message=words)


def _working(ledger: Ledger, job: Job) -> list[LedgerUnit]:
    query = sa.select(*UNIT_COLUMNS).join(latest, latest.c.unit_id == units.c.id)
    is_working = latest.c.state == State.WORKING.value
    return _read(ledger, query.where(is_working, latest.c.job_id == job.id))


def _read(ledger: Ledger, query: sa.Select[Any]) -> list[LedgerUnit]:
    with ledger.database.reading() as connection:
        return [as_unit(tuple(row)) for row in connection.execute(query)]


def _given_back(unit: LedgerUnit, dead: Job, progress: int, max_attempts: int) -> Event:
    """The event that ends the work of a dead job."""
    has_died = dead.ended is None
    attempts_used = 0 if progress > unit.progress else unit.attempts_used + has_died
    given_up = has_died and attempts_used >= max_attempts
    if given_up:
        message = (
            f"{attempts_used} jobs died while they worked on it and it got no further, the last on "
            f"{dead.host}"
        )
    elif has_died:
        message = f"job {dead.id} died on {dead.host}"
    else:
        message = f"job {dead.id} on {dead.host} has ended ({dead.outcome}) without giving it back"
    return Event(
        unit.name,
        State.ERROR if given_up else State.PREPROCESSED,
        from_state=State.WORKING,
        message=message,
        progress=progress,
        attempts_used=attempts_used,
        instead_of=dead.id,
    )
