"""Units and events as the database has them, read as records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from cvzmpi.ledger.db.database import chunks
from cvzmpi.ledger.db.stored_values import as_object
from cvzmpi.ledger.db.tables import events, latest, units
from cvzmpi.ledger.records import Job, LedgerUnit, Recorded
from cvzmpi.ledger.states import state_named

EVENT_COLUMNS = [column for column in events.c if column.name not in {"id", "unit_id", "job_id"}]
_UNIT_COLUMNS = [
    *(units.c[name] for name in ("id", "name", "cost", "priority", "facts")),
    *(latest.c[name] for name in ("state", "since", "number", "job_id", "progress", "charged")),
]
SELECT_UNITS = sa.select(*_UNIT_COLUMNS).join(latest, latest.c.unit_id == units.c.id)
"""Units as they are now, to be read with `as_unit`."""
IS_NEWEST = (events.c.unit_id == latest.c.unit_id) & (events.c.number == latest.c.number)
"""The condition that an event is the newest of its unit."""


def as_unit(row: Sequence[Any]) -> LedgerUnit:
    """A row of `SELECT_UNITS`; columns that follow are left out."""
    _, name, cost, priority, facts, state, *rest = row[: len(_UNIT_COLUMNS)]
    return LedgerUnit(name, cost, priority, as_object(facts), state_named(state), *rest)


def rows_with(
    connection: sa.Connection,
    query: sa.Select[Any],
    column: sa.ColumnElement[Any],
    values: Sequence[Any],
) -> list[Any]:
    """The rows of a query where a column has one of these values, however many they are."""
    parts = (query.where(column.in_(chunk)) for chunk in chunks(values))
    return [row for part in parts for row in connection.execute(part)]


def as_recorded(name: str, row: Sequence[Any]) -> Recorded:
    """A row of `EVENT_COLUMNS` and then `JOB_COLUMNS`."""
    event = dict(
        zip([column.name for column in EVENT_COLUMNS], row[: len(EVENT_COLUMNS)], strict=True)
    )
    before, detail = event.pop("from_state"), event.pop("detail")
    return Recorded(
        unit=name,
        from_state=None if before is None else state_named(before),
        to_state=state_named(event.pop("to_state")),
        detail=None if detail is None else as_object(detail),
        job=Job(*row[len(EVENT_COLUMNS) :]),
        attempts_used=event.pop("charged"),
        **event,
    )
