"""Rows of the database as records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cvzmpi.ledger.db.json_values import as_object
from cvzmpi.ledger.db.tables import events, latest, units
from cvzmpi.ledger.records import Job, LedgerUnit, Recorded
from cvzmpi.ledger.states import state_named

EVENT_COLUMNS = [column for column in events.c if column.name not in {"id", "unit_id", "job_id"}]
UNIT_COLUMNS = [
    units.c.id,
    units.c.name,
    units.c.cost,
    units.c.priority,
    units.c.facts,
    latest.c.state,
    latest.c.since,
    latest.c.number,
    latest.c.job_id,
    latest.c.progress,
    latest.c.charged,
]


def as_unit(row: Sequence[Any]) -> LedgerUnit:
    """A row of `UNIT_COLUMNS`."""
    _, name, cost, priority, facts, state, *rest = row
    return LedgerUnit(name, cost, priority, as_object(facts), state_named(state), *rest)


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
