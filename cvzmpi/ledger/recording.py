"""What is added to the ledger: units, and what happens to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import sqlalchemy as sa

from cvzmpi.errors import LedgerError
from cvzmpi.ledger.db.bulk_insert import insert_rows
from cvzmpi.ledger.db.database import chunks
from cvzmpi.ledger.db.tables import claims, events, units
from cvzmpi.ledger.position import known_keys, read_positions
from cvzmpi.ledger.records import Event, Job, NewUnit
from cvzmpi.ledger.states import State

Follower = Callable[[sa.Connection, Sequence[Event]], None]
"""Is given new events, within the transaction that adds them."""


def add_units(
    connection: sa.Connection,
    found: Iterable[NewUnit],
    judged: Iterable[Event],
    job: Job,
    followers: Iterable[Follower],
) -> int:
    """Add the units that are not there yet, and their first events; see `Ledger.add_units`."""
    wanted = {unit.name: unit for unit in found}
    there = read_positions(connection, wanted)
    new = [unit for name, unit in wanted.items() if name not in there]
    insert_rows(connection, units, [vars(unit) | {"facts": dict(unit.facts)} for unit in new])
    positions = read_positions(connection, [unit.name for unit in new])
    happened = [Event(unit.name, State.DISCOVERED) for unit in new]
    happened += (event for event in judged if event.unit in positions)
    rows = []
    for event in happened:
        position = positions[event.unit]
        position.check(event, job)
        rows.append(position.append(event, job))
    # `latest` shows the newest event: with the first ones last, it has to follow but once a unit.
    insert_rows(connection, events, [*rows[len(new) :], *rows[: len(new)]])
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
    known = known_keys(connection, [event.key for event in happened])
    positions = read_positions(connection, {event.unit for event in happened})
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
    insert_rows(connection, events, rows)
    for part in chunks(ended):
        connection.execute(claims.delete().where(claims.c.unit_id.in_(part)))
    for follower in followers if new else ():
        follower(connection, new)
    return accepted


def set_priorities(connection: sa.Connection, priorities: Mapping[str, float]) -> int:
    """Change priorities; see `Ledger.set_priorities`."""
    query = sa.select(units.c.id, units.c.name, units.c.priority)
    changed = units.update().where(units.c.id == sa.bindparam("unit"))
    n_changed = 0
    for chunk in chunks(list(priorities)):
        rows = connection.execute(query.where(units.c.name.in_(chunk)))
        new = [
            {"unit": unit_id, "wanted": priorities[name]}
            for unit_id, name, priority in rows
            if priority != priorities[name]
        ]
        if new:
            connection.execute(changed.values(priority=sa.bindparam("wanted")), new)
        n_changed += len(new)
    return n_changed
