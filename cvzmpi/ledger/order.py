"""The order of work: half-done units first, then by priority, then the longest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa

from cvzmpi.ledger.db.database import chunks
from cvzmpi.ledger.db.tables import claims, latest, units
from cvzmpi.ledger.records import LedgerUnit
from cvzmpi.ledger.rows import UNIT_COLUMNS, as_unit
from cvzmpi.ledger.states import State, state_named

_ORDER = (
    latest.c.begun.desc(),
    latest.c.priority.desc(),
    latest.c.cost.desc(),
    latest.c.unit_id,
)


Narrow = Callable[[sa.Select[Any]], sa.Select[Any]]
"""Makes a question about `latest` a narrower one."""


def all_units(query: sa.Select[Any]) -> sa.Select[Any]:
    """Leaves a question as it is."""
    return query


def count_units(
    connection: sa.Connection, narrow: Narrow = all_units
) -> dict[tuple[State, bool], int]:
    """How many units there are, by state and by whether they are half done."""
    query = sa.select(latest.c.state, latest.c.begun, sa.func.count()).group_by(
        latest.c.state, latest.c.begun
    )
    counted = map(tuple, connection.execute(narrow(query)))
    return {(state_named(state), bool(begun)): n for state, begun, n in counted}


def free_units(
    connection: sa.Connection,
    n: int,
    states: Sequence[State],
    narrow: Narrow = all_units,
) -> list[int]:
    """The units that no job has, the next ones first; their numbers.

    Parameters
    ----------
    connection : Connection
    n : int
        At most so many.
    states : sequence of State
        In one of which they must be.
    narrow : callable
    """
    found: list[sa.Row[Any]] = []
    for state in states:  # one by one: the index then has them in order already
        is_claimed = sa.exists().where(claims.c.unit_id == latest.c.unit_id)
        query = (
            sa.select(*(column for column in latest.c))
            .where(latest.c.state == state.value, ~is_claimed)
            .order_by(*_ORDER)
            .limit(n)
        )
        found += connection.execute(narrow(query)).all()
    found.sort(key=lambda row: (-row.begun, -row.priority, -row.cost, row.unit_id))
    return [row.unit_id for row in found[:n]]


def read_units(connection: sa.Connection, ids: Sequence[int]) -> list[LedgerUnit]:
    """Units by their numbers, in this order."""
    query = sa.select(*UNIT_COLUMNS).join(latest, latest.c.unit_id == units.c.id)
    found: dict[int, LedgerUnit] = {}
    for chunk in chunks(ids):
        for row in connection.execute(query.where(units.c.id.in_(chunk))):
            found[row.id] = as_unit(tuple(row))
    return [found[unit_id] for unit_id in ids]
