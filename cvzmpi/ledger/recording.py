"""Additions to the ledger: units, and events that are checked to be possible next."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from cvzmpi.errors import LedgerError, StaleEventError
from cvzmpi.ledger.db.database import chunks
from cvzmpi.ledger.db.stored_values import storable_text
from cvzmpi.ledger.db.tables import claims, events, latest, units
from cvzmpi.ledger.records import Event, Job, NewUnit
from cvzmpi.ledger.rows import rows_with
from cvzmpi.ledger.states import State, check_transition, state_named
from cvzmpi.messages.redaction import redacted

_LONGEST = 1_000_000  # characters of a message, as the database has it

Follower = Callable[[sa.Connection, Sequence[Event]], None]
"""Called with new events, within the transaction that adds them."""


def add_units(
    connection: sa.Connection,
    found: Iterable[NewUnit],
    judged: Iterable[Event],
    job: Job,
    followers: Iterable[Follower],
) -> int:
    """Add the units that are not there yet, and their first events; see `Ledger.add_units`."""
    wanted = {unit.name: unit for unit in found}
    there = _read_positions(connection, wanted)
    new = [unit for name, unit in wanted.items() if name not in there]
    _insert_rows(connection, units, [vars(unit) | {"facts": dict(unit.facts)} for unit in new])
    positions = _read_positions(connection, [unit.name for unit in new])
    happened = [Event(unit.name, State.DISCOVERED) for unit in new]
    happened += (event for event in judged if event.unit in positions)
    rows = []
    for event in happened:
        position = positions[event.unit]
        position.check(event, job)
        rows.append(position.append(event, job))
    # The first events are inserted last: `latest` then has to change only once for each unit.
    _insert_rows(connection, events, [*rows[len(new) :], *rows[: len(new)]])
    for follower in followers if happened else ():
        follower(connection, happened)
    return len(new)


def record(
    connection: sa.Connection,
    happened: Sequence[Event],
    job: Job,
    followers: Iterable[Follower],
    *,
    skip_stale: bool,
) -> list[Event]:
    """Add events, all or none, in the order given; see `Ledger.record`."""
    known = _known_keys(connection, [event.key for event in happened])
    positions = _read_positions(connection, {event.unit for event in happened})
    accepted, new, rows, ended = [], [], [], []
    for event in happened:
        if event.key in known:
            accepted.append(event)
            continue
        position = positions.get(event.unit)
        if position is None:
            raise LedgerError(f"{event.unit}: no such unit in the ledger")
        try:
            position.check(event, job)
        except LedgerError:
            if skip_stale:
                continue
            raise
        rows.append(position.append(event, job))
        accepted.append(event)
        new.append(event)
        if position.work_ended:
            ended.append(position.unit_id)
    _insert_rows(connection, events, rows)
    for part in chunks(ended):
        connection.execute(claims.delete().where(claims.c.unit_id.in_(part)))
    for follower in followers if new else ():
        follower(connection, new)
    return accepted


def set_priorities(connection: sa.Connection, priorities: Mapping[str, float]) -> int:
    """Change priorities; see `Ledger.set_priorities`."""
    query = sa.select(units.c.id, units.c.name, units.c.priority)
    changed = [
        {"unit": unit_id, "wanted": priorities[name]}
        for unit_id, name, priority in rows_with(connection, query, units.c.name, list(priorities))
        if priority != priorities[name]
    ]
    if changed:
        update = units.update().where(units.c.id == sa.bindparam("unit"))
        connection.execute(update.values(priority=sa.bindparam("wanted")), changed)
    return len(changed)


@dataclass
class _Position:
    """The state of a unit while events are added to it."""

    unit_id: int
    number: int
    state: State | None
    job_id: int | None
    claimed_by: int | None
    work_ended: bool = False  # whether the last event that was added ended the work on it

    def check(self, event: Event, job: Job) -> None:
        """Refuse an event that cannot come next.

        Raises
        ------
        StaleEventError
        IllegalTransitionError
        """
        if event.from_state is not None and event.from_state is not self.state:
            raise StaleEventError(
                f"{event.unit}: is {self.state}, not {event.from_state} as supposed "
                f"for {event.to_state}"
            )
        if self.state is State.WORKING and self.job_id != (event.instead_of or job.id):
            raise StaleEventError(f"{event.unit}: job {self.job_id} works on it")
        if event.to_state is State.WORKING and self.claimed_by not in (None, job.id):
            raise StaleEventError(f"{event.unit}: job {self.claimed_by} has it")
        check_transition(event.unit, self.state, event.to_state)

    def append(self, event: Event, job: Job) -> dict[str, Any]:
        """Take an event as the newest, and give its row."""
        self.number += 1
        row = {
            "key": event.key,
            "unit_id": self.unit_id,
            "number": self.number,
            "from_state": self.state and self.state.value,
            "to_state": event.to_state.value,
            "at": event.at,
            "job_id": job.id,
            "rank": event.rank,
            "host": event.host,
            "charged": event.attempts_used,
            "progress": event.progress,
            "message": None if event.message is None else _message(event.message),
            "detail": None if event.detail is None else dict(event.detail),
        }
        self.work_ended = self.state is State.WORKING or event.to_state is State.ERROR
        self.state, self.job_id = event.to_state, job.id
        return row


def _message(text: str) -> str:
    """A message as everyone may read it, and as every database can have it."""
    return storable_text(redacted(text))[:_LONGEST]


def _read_positions(connection: sa.Connection, names: Collection[str]) -> dict[str, _Position]:
    """The positions of units by name; units that are not in the ledger have none."""
    query = (
        sa.select(
            units.c.name,
            units.c.id,
            sa.func.coalesce(latest.c.number, 0),
            latest.c.state,
            latest.c.job_id,
            claims.c.job_id,
        )
        .outerjoin(latest, latest.c.unit_id == units.c.id)
        .outerjoin(claims, claims.c.unit_id == units.c.id)
    )
    rows = rows_with(connection, query, units.c.name, sorted(names))
    return {
        name: _Position(unit_id, number, None if state is None else state_named(state), *jobs)
        for name, unit_id, number, state, *jobs in rows
    }


def _known_keys(connection: sa.Connection, keys: Sequence[UUID]) -> set[UUID]:
    """Those of the keys whose events are in the ledger."""
    return {row.key for row in rows_with(connection, sa.select(events.c.key), events.c.key, keys)}


def _insert_rows(
    connection: sa.Connection, table: sa.Table, rows: Sequence[dict[str, Any]]
) -> None:
    """Insert rows of the same columns, given straight to the driver.

    SQLAlchemy would look at each value of each row; without that, a scan is recorded in four fifths
    of the time. Values that the driver wants in another form are changed in place.
    """
    if not rows:
        return
    dialect = connection.dialect
    statement = table.insert().compile(dialect=dialect, column_keys=list(rows[0]))
    for name in rows[0]:
        convert = table.c[name].type.dialect_impl(dialect).bind_processor(dialect)
        if convert is not None:
            for row in rows:
                row[name] = convert(row[name])
    parameters: Sequence[Any] = rows
    if statement.positiontup is not None:
        parameters = list(map(itemgetter(*statement.positiontup), rows))
    connection.exec_driver_sql(str(statement), parameters)
