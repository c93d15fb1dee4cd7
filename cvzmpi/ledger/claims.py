"""Claims: which job has which unit now.

A claim is a row, and a unit has at most one. It lasts as long as its job lives; the claims of a
dead job end when another job takes over its units (`client.takeover`). Units are claimed ahead of
the teams, in batches, in the order of work (`order`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import nullcontext
from typing import Any

import sqlalchemy as sa

from cvzmpi.ledger.db.database import Database, chunks
from cvzmpi.ledger.db.tables import batches, claims, jobs, latest, units
from cvzmpi.ledger.order import ORDER_BY, place_in_order
from cvzmpi.ledger.records import Job, LedgerUnit
from cvzmpi.ledger.registry import JOB_COLUMNS
from cvzmpi.ledger.rows import SELECT_UNITS, as_unit, rows_with
from cvzmpi.ledger.states import State, state_named

Narrow = Callable[[sa.Select[Any]], sa.Select[Any]]
"""Takes a query of `latest`, and gives one that finds fewer units."""


def all_units(query: sa.Select[Any]) -> sa.Select[Any]:
    """Leave a query as it is."""
    return query


class Claims:
    """The claims of all jobs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def limit_to(self, job: Job, names: Sequence[str], states: Sequence[State]) -> bool:
        """Have the job claim these units only: its batch.

        Parameters
        ----------
        names : sequence of str
            All units of the batch.
        states : sequence of State
            In which units can be claimed.

        Returns
        -------
        bool
            False where there are no others that could be claimed, so that no limit is needed. What
            jobs work on counts as well: where they die, it can be claimed.
        """
        claimable = sa.select(sa.func.count()).where(
            latest.c.state.in_([state.value for state in (*states, State.WORKING)])
        )
        with self._database.writing() as connection:
            for chunk in chunks(names):
                chosen = sa.select(sa.literal(job.id), units.c.id).where(units.c.name.in_(chunk))
                connection.execute(batches.insert().from_select(["job_id", "unit_id"], chosen))
            n_in_batch = connection.execute(_in_batch(claimable.select_from(latest), job)).scalar()
            if n_in_batch != connection.execute(claimable.select_from(latest)).scalar():
                return True
            connection.execute(batches.delete().where(batches.c.job_id == job.id))
            return False

    def take(
        self,
        job: Job,
        n: int,
        states: Sequence[State],
        *,
        limited: bool = False,
        except_for: Collection[str] = (),
        only: Narrow = all_units,
    ) -> list[LedgerUnit]:
        """Claim the next units that no job has.

        Parameters
        ----------
        n : int
            At most so many.
        states : sequence of State
            In one of which they must be.
        limited : bool
            Whether only those of `limit_to`.
        except_for : collection of str
            Units that the job does not want.
        only : callable
            Leaves out what the campaign does not let jobs have; asked in the same transaction.

        Returns
        -------
        list of LedgerUnit
            In the order in which they are to be worked on.
        """

        def narrow(query: sa.Select[Any]) -> sa.Select[Any]:
            if limited:
                query = _in_batch(query, job)
            if except_for:
                unwanted = sa.select(units.c.id).where(units.c.name.in_(list(except_for)))
                query = query.where(latest.c.unit_id.not_in(unwanted))
            return only(query)

        with self._database.writing() as connection:
            ids = _free_units(connection, n, states, narrow)
            if not ids:
                return []
            rows = [{"unit_id": unit_id, "job_id": job.id} for unit_id in ids]
            connection.execute(claims.insert(), rows)
            return _read_units(connection, ids)

    def give_back(self, job: Job, names: Sequence[str], *, within: sa.Connection) -> None:
        """End the claims of a job on units that it did not begin."""
        for chunk in chunks(names):
            ids = sa.select(units.c.id).where(units.c.name.in_(chunk))
            theirs = (claims.c.job_id == job.id) & claims.c.unit_id.in_(ids)
            within.execute(claims.delete().where(theirs))

    def batch_counts(
        self, job: Job, *, limited: bool = False, only: Narrow = all_units
    ) -> dict[tuple[State, bool], int]:
        """Count units by state, and by whether they are half done."""
        with self._database.reading() as connection:
            return count_units(
                connection, lambda query: only(_in_batch(query, job) if limited else query)
            )

    def cost_of(
        self,
        job: Job,
        states: Collection[State],
        *,
        limited: bool = False,
        only: Narrow = all_units,
    ) -> tuple[float, float]:
        """The sums over the units in some states of their costs and of the squares."""
        query = sa.select(
            sa.func.coalesce(sa.func.sum(latest.c.cost), 0.0).label("cost"),
            sa.func.coalesce(sa.func.sum(latest.c.cost * latest.c.cost), 0.0).label("squared"),
        ).where(latest.c.state.in_([state.value for state in states]))
        with self._database.reading() as connection:
            found = connection.execute(only(_in_batch(query, job) if limited else query)).one()
        return float(found.cost), float(found.squared)

    def names(self, *, within: sa.Connection | None = None) -> set[str]:
        """The units that jobs have now, as far as is known."""
        query = sa.select(units.c.name).join(claims, claims.c.unit_id == units.c.id)
        with self._database.reading() if within is None else nullcontext(within) as connection:
            return set(connection.execute(query).scalars())

    def holder(self, name: str, *, within: sa.Connection) -> Job | None:
        """The job that has a unit now, as far as is known; None where it is free."""
        query = (
            sa.select(*JOB_COLUMNS)
            .join(claims, claims.c.job_id == jobs.c.id)
            .join(units, units.c.id == claims.c.unit_id)
            .where(units.c.name == name)
        )
        row = within.execute(query).one_or_none()
        return None if row is None else Job(*row)

    def of_others(self, job: Job, *, limited: bool = False) -> list[tuple[Job, int]]:
        """The other jobs whose units may have to be taken over, with the number of their claims.

        These are the jobs that have not ended, and those that ended and left units `working`; the
        latter have no claims.

        Parameters
        ----------
        limited : bool
            Whether only units of the job's batch are counted.
        """
        counted = sa.select(claims.c.job_id, sa.func.count().label("n")).group_by(claims.c.job_id)
        if limited:
            counted = counted.join(
                batches,
                (batches.c.unit_id == claims.c.unit_id) & (batches.c.job_id == job.id),
            )
        held = counted.subquery()
        at_work = sa.select(latest.c.job_id).where(latest.c.state == State.WORKING.value)
        query = (
            sa.select(*JOB_COLUMNS, sa.func.coalesce(held.c.n, 0))
            .outerjoin(held, held.c.job_id == jobs.c.id)
            .where(jobs.c.id != job.id, jobs.c.ended.is_(None) | jobs.c.id.in_(at_work))
            .order_by(jobs.c.id)
        )
        with self._database.reading() as connection:
            rows = [tuple(row) for row in connection.execute(query)]
        return [(Job(*job_row), count) for *job_row, count in rows]


def count_units(
    connection: sa.Connection, narrow: Narrow = all_units
) -> dict[tuple[State, bool], int]:
    """Count units by state, and by whether they are half done."""
    query = sa.select(latest.c.state, latest.c.begun, sa.func.count()).group_by(
        latest.c.state, latest.c.begun
    )
    counted = map(tuple, connection.execute(narrow(query)))
    return {(state_named(state), bool(begun)): n for state, begun, n in counted}


def _free_units(
    connection: sa.Connection, n: int, states: Sequence[State], narrow: Narrow
) -> list[int]:
    """The numbers of at most `n` units in these states that no job has, the next ones first."""
    found: list[tuple[Any, ...]] = []
    for state in states:  # one by one: the index then has them in order already
        is_claimed = sa.exists().where(claims.c.unit_id == latest.c.unit_id)
        query = (
            sa.select(latest.c.begun, latest.c.priority, latest.c.cost, latest.c.unit_id)
            .where(latest.c.state == state.value, ~is_claimed)
            .order_by(sa.text(ORDER_BY))
            .limit(n)
        )
        found += map(tuple, connection.execute(narrow(query)))
    return [row[-1] for row in sorted(found, key=lambda row: place_in_order(*row))[:n]]


def _read_units(connection: sa.Connection, ids: Sequence[int]) -> list[LedgerUnit]:
    """Units by their numbers, in this order."""
    rows = rows_with(connection, SELECT_UNITS, units.c.id, ids)
    found = {row.id: as_unit(tuple(row)) for row in rows}
    return [found[unit_id] for unit_id in ids]


def _in_batch(query: sa.Select[Any], job: Job) -> sa.Select[Any]:
    """Narrow a query of `latest` to the units of the job's batch."""
    return query.join(
        batches, (batches.c.unit_id == latest.c.unit_id) & (batches.c.job_id == job.id)
    )
