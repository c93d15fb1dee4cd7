"""Units looked up by name or by state, a page at a time, and the history of one.

Each query follows an index, so that it takes as long with 200,000 units as with ten.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from cvzmpi.ledger.db.stored_values import as_instant, as_object
from cvzmpi.ledger.records import LedgerUnit, Recorded
from cvzmpi.ledger.states import State, state_named
from cvzmpi.ledger.status.queries import JOB, UNIT, UNITS, as_job, as_unit
from cvzmpi.ledger.status.snapshot import Snapshot, as_json

PAGE = 50
"""Units on a page."""

_EVENT = (
    "number",
    "from_state",
    "to_state",
    "at",
    "rank",
    "host",
    "message",
    "detail",
    "progress",
    "charged",
    "key",
)
_LAST = "\U0010ffff"  # sorts after every other character


@dataclass(frozen=True)
class Place:
    """The last unit of a page, after which the next one begins."""

    since: datetime
    unit: str


@dataclass(frozen=True)
class Page:
    """Some units, and the place of the last one where others follow."""

    units: Sequence[LedgerUnit]
    last: Place | None


def units_in(seen: Snapshot, state: State, after: Place | None = None) -> Page:
    """The units in a state, those that came into it last first; a page of them.

    Parameters
    ----------
    after : Place, optional
        The last unit of the page before.
    """
    where = "latest.state = ?"
    values: list[str | int | datetime] = [state.value]
    if after is not None:
        numbered = seen.rows("SELECT id FROM units WHERE name = ?", after.unit)
        where += " AND (latest.since, latest.unit_id) < (?, ?)"
        values += [after.since, numbered[0][0] if numbered else 0]
    rows = seen.rows(
        f"SELECT {UNIT} FROM {UNITS} WHERE {where} "
        f"ORDER BY latest.since DESC, latest.unit_id DESC LIMIT {PAGE + 1}",
        *values,
    )
    return _page(rows)


def units_named(seen: Snapshot, beginning: str) -> Page:
    """The units whose names begin with a text, in the order of their names; the first page."""
    rows = seen.rows(
        f"SELECT {UNIT} FROM {UNITS} WHERE units.name >= ? AND units.name < ? "
        f"AND substr(units.name, 1, ?) = ? ORDER BY units.name LIMIT {PAGE + 1}",
        beginning,
        beginning + _LAST,
        len(beginning),
        beginning,
    )
    return _page(rows)


def _page(rows: Sequence[Sequence[Any]]) -> Page:
    units = [as_unit(row) for row in rows[:PAGE]]
    return Page(units, Place(units[-1].since, units[-1].name) if len(rows) > PAGE else None)


def history_of(seen: Snapshot, name: str) -> tuple[LedgerUnit, list[Recorded]] | None:
    """A unit as it is now, and its events, the oldest first; None where there is no such unit."""
    found = seen.rows(f"SELECT units.id, {UNIT} FROM {UNITS} WHERE units.name = ?", name)
    if not found:
        return None
    unit_id, *row = found[0]
    columns = [f"events.{column}" for column in _EVENT] + [f"jobs.{column}" for column in JOB]
    rows = seen.rows(
        f"SELECT {', '.join(columns)} FROM events JOIN jobs ON jobs.id = events.job_id "
        "WHERE events.unit_id = ? ORDER BY events.number",
        unit_id,
    )
    return as_unit(row), [_as_recorded(name, row) for row in rows]


def _as_recorded(name: str, row: Sequence[Any]) -> Recorded:
    """A row of `_EVENT` and then `JOB`."""
    event: dict[str, Any] = dict(zip(_EVENT, row[: len(_EVENT)], strict=True))
    before, detail = event.pop("from_state"), event.pop("detail")
    key = event.pop("key")
    return Recorded(
        unit=name,
        from_state=None if before is None else state_named(before),
        to_state=state_named(event.pop("to_state")),
        at=as_instant(event.pop("at")),
        job=as_job(row[len(_EVENT) :]),
        detail=None if detail is None else as_object(as_json(detail)),
        attempts_used=event.pop("charged"),
        key=key if isinstance(key, UUID) else UUID(bytes=key),
        **event,
    )
