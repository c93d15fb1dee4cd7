"""Takeover: a running job looks at the other jobs, and takes over the units of those that died.

First the events that the dead job could not deliver are delivered from its outbox. Then its units
are given back, as far as the campaign's files tell that they are.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from cvzmpi.ledger.client.liveness import Liveness
from cvzmpi.ledger.client.outbox import Outbox
from cvzmpi.ledger.client.rules import Evidence, JobRules
from cvzmpi.ledger.client.waiting import describe
from cvzmpi.ledger.db.tables import claims, jobs, latest
from cvzmpi.ledger.ledger import Ledger
from cvzmpi.ledger.records import Event, Job, LedgerUnit, now
from cvzmpi.ledger.registry import end_claims
from cvzmpi.ledger.rows import SELECT_UNITS, as_unit
from cvzmpi.ledger.states import State
from cvzmpi.messages.wording import counted

_log = logging.getLogger(__name__)

_LOOK_SECONDS = 2.0  # between two looks at the other jobs


@dataclass(frozen=True)
class Seen:
    """The other jobs at one look."""

    living: Sequence[tuple[Job, int]] = ()  # those that have units, and how many
    # whether one of these has given no sign of life since this job listens: it may be dead
    some_unheard: bool = False
    n_died: int = 0  # jobs that were found dead since the last look

    def n_units(self) -> int:
        """The number of units that the living have."""
        return sum(count for _, count in self.living)


class OtherJobs:
    """Looks at the other jobs now and then, and takes over the units of those that are dead."""

    def __init__(
        self, ledger: Ledger, job: Job, outboxes: Path, rules: JobRules, evidence: Evidence
    ) -> None:
        self._ledger, self._job, self._rules = ledger, job, rules
        self._outboxes, self._evidence = outboxes, evidence
        self._liveness = Liveness(job, rules.lease)
        self._n_died = 0  # since a look that came to its end
        self._last = -math.inf

    def is_due(self) -> bool:
        """True if it is time to look."""
        return time.monotonic() - self._last >= _LOOK_SECONDS

    def look(self) -> Seen:
        """See which jobs have units, and take over the units of those that are dead."""
        living = []
        others = self._ledger.claims.of_others(self._job, limited=self._rules.limited)
        for other, n_units in others:
            if self._liveness.is_dead(other):
                self._take_over(other)
                self._n_died += 1
            elif n_units:
                living.append((other, n_units))
        if living and self._last == -math.inf:
            _log.warning("other jobs work on this campaign: %s", describe(living))
        some_unheard = any(not self._liveness.is_known_to_live(job) for job, _ in living)
        self._last = time.monotonic()
        seen, self._n_died = Seen(living, some_unheard, self._n_died), 0
        return seen

    def begin_anew(self) -> None:
        """Listen from now on: while the database was away, no job could give a sign of life."""
        self._liveness.forget_times()

    def _take_over(self, dead: Job) -> None:
        events = take_over(
            self._ledger, dead, self._job, self._outboxes, self._evidence, self._rules.max_attempts
        )
        how = "is dead" if dead.ended is None else f"has ended ({dead.outcome})"
        _log.info("job %d on %s %s", dead.id, dead.host, how)
        for event in events:
            _log.info("%s: %s", event.unit, event.message)


def take_over(
    ledger: Ledger, dead: Job, job: Job, outboxes: Path, evidence: Evidence, max_attempts: int
) -> list[Event]:
    """Deliver what a dead job could not, and give back the units that it worked on.

    A job cannot tell what it did in its last moments. So units that it had claimed and not begun,
    as far as the ledger knows, are looked at: one that kills its job at once is found out.

    A unit that got further since the dead job began it has used up no attempt, and counts anew; one
    that did not has used up one. A job that ended by itself did not die over its units: they have
    used up none.

    Parameters
    ----------
    dead, job : Job
        The dead one, and the one that takes over.
    outboxes : Path
        Directory of the outboxes.
    max_attempts : int
        A unit that has used up so many has failed.

    Returns
    -------
    list of Event
        What happened to its units; none when another job has done all this.
    """
    _deliver(ledger, dead, Outbox(outboxes, dead))
    before_work = latest.c.state.in_([State.QUALIFIED.value, State.PREPROCESSED.value])
    held = sa.select(claims.c.unit_id).where(claims.c.job_id == dead.id)
    claimed = _units(ledger, before_work & latest.c.unit_id.in_(held))
    begun = [unit for unit in claimed if evidence.was_begun(unit)]
    ledger.record([event for unit in begun for event in _begun(unit)], dead, skip_stale=True)
    is_working = latest.c.state == State.WORKING.value
    events = [
        _given_back(unit, dead, evidence.progress(unit), max_attempts)
        for unit in _units(ledger, is_working & (latest.c.job_id == dead.id))
    ]
    with ledger.writing() as connection:
        still = sa.select(jobs.c.heartbeat).where(jobs.c.id == dead.id)
        if connection.execute(still).scalar() != dead.heartbeat:
            return []  # it lives after all
        recorded = ledger.record(events, job, skip_stale=True, within=connection)
        end_claims(connection, dead)
        connection.execute(
            jobs.update()
            .where(jobs.c.id == dead.id, jobs.c.ended.is_(None))
            .values(ended=now(), outcome="died")
        )
    return recorded


def _deliver(ledger: Ledger, dead: Job, outbox: Outbox) -> None:
    """Record the events in the outbox of a dead job, as its own."""
    undelivered = outbox.read()
    if undelivered:
        known = {unit.name for unit in ledger.units(names=[event.unit for event in undelivered])}
        undelivered = [event for event in undelivered if event.unit in known]
        outbox.refuse(undelivered, ledger.record(undelivered, dead, skip_stale=True))
    outbox.clear()


def _begun(unit: LedgerUnit) -> Iterator[Event]:
    """The events of a unit that its job did not live to record."""
    words = "begun, as its files tell"
    if unit.state is State.QUALIFIED:
        yield Event(unit.name, State.PREPROCESSED, State.QUALIFIED, message=words)
    yield Event(unit.name, State.WORKING, State.PREPROCESSED, message=words)


def _units(ledger: Ledger, condition: sa.ColumnElement[bool]) -> list[LedgerUnit]:
    with ledger.database.reading() as connection:
        rows = connection.execute(SELECT_UNITS.where(condition))
        return [as_unit(tuple(row)) for row in rows]


def _given_back(unit: LedgerUnit, dead: Job, progress: int, max_attempts: int) -> Event:
    """The event that ends the work of a dead job."""
    has_died = dead.ended is None
    attempts_used = 0 if progress > unit.progress else unit.attempts_used + has_died
    given_up = has_died and attempts_used >= max_attempts
    if given_up:
        message = (
            f"{counted(attempts_used, 'job')} died while they worked on it and it got no further, "
            f"the last on {dead.host}"
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
