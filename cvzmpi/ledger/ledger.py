"""The ledger as programs use it: units and their histories, to which is only ever added."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import sqlalchemy as sa

from cvzmpi.errors import LedgerError
from cvzmpi.ledger import recording
from cvzmpi.ledger.claims import Claims, count_units
from cvzmpi.ledger.db.database import Database
from cvzmpi.ledger.db.migrate import LEDGER
from cvzmpi.ledger.db.tables import events, jobs, latest, units
from cvzmpi.ledger.recording import Follower
from cvzmpi.ledger.records import Event, Job, LedgerUnit, NewUnit, Recorded
from cvzmpi.ledger.registry import JOB_COLUMNS, JobRegistry
from cvzmpi.ledger.rows import (
    EVENT_COLUMNS,
    IS_NEWEST,
    SELECT_UNITS,
    as_recorded,
    as_unit,
    rows_with,
)
from cvzmpi.ledger.states import State, state_named
from cvzmpi.messages.wording import did_you_mean, question

_ROWS_AT_A_TIME = 1000


class Ledger:
    """The units of a campaign and their histories. Made by `open`."""

    def __init__(self, database: Database) -> None:
        # for tables that a campaign keeps beside the ledger's; see `migrate`
        self.database = database
        self.jobs = JobRegistry(database)  # who records
        self.claims = Claims(database)  # which job has which unit now
        self._followers: list[Follower] = []

    @classmethod
    def open(cls, location: str | Path, *, create: bool = True) -> Ledger:
        """Open a ledger.

        Parameters
        ----------
        location : str or Path
            Path of an SQLite file, or the URL of a database (`sqlite:///`, `postgresql://`).
        create : bool
            Whether it is made where it is not there.

        Raises
        ------
        LedgerUnavailableError
            If the database cannot be reached.
        LedgerError
            If there is none and `create` is false, or it is none that this version knows.
        """
        database = Database(location, create)
        try:
            LEDGER.upgrade(database)
        except LedgerError:
            database.close()
            raise
        return cls(database)

    def close(self) -> None:
        """Close all connections."""
        self.database.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def writing(self) -> AbstractContextManager[sa.Connection]:
        """A transaction for `add_units(..., within=)`, `record(..., within=)` and own tables."""
        return self.database.writing()

    def follow(self, follower: Follower) -> None:
        """Have what a campaign keeps beside the ledger follow its events.

        The follower writes in the transaction that records the events, whether their own job
        records them or one that takes over from it. An event that is recorded again is followed
        once.
        """
        self._followers.append(follower)

    @contextmanager
    def job(self, program: str) -> Iterator[Job]:
        """A job for as long as the context lasts: what a command uses that records something."""
        job = self.jobs.begin(program)
        try:
            yield job
        except BaseException as error:
            self.jobs.end(job, f"failed: {type(error).__name__}")
            raise
        self.jobs.end(job, "ended")

    # ------------------------------------------------------------- adding

    def add_units(
        self,
        found: Sequence[NewUnit],
        job: Job,
        *,
        judged: Sequence[Event] = (),
        within: sa.Connection | None = None,
    ) -> int:
        """Add the units that are not there yet, as `discovered`.

        Parameters
        ----------
        job : Job
            Who found them.
        judged : sequence of Event
            What else is known of these units at once; of those that are there already it is not
            recorded.
        within : Connection, optional
            A transaction of `writing` that this is to be part of.

        Returns
        -------
        int
            How many were new. Those that are there already are left as they are.

        Raises
        ------
        IllegalTransitionError
            If a new unit cannot go to a state of `judged`.
        """
        with self._transaction(within) as connection:
            return recording.add_units(connection, found, judged, job, self._followers)

    def record(
        self,
        happened: Sequence[Event],
        job: Job,
        *,
        skip_stale: bool = False,
        within: sa.Connection | None = None,
    ) -> list[Event]:
        """Add events, all or none, in the order given.

        What was recorded already (the same `key`) is not recorded again. A claim on a unit ends
        with the work on it.

        Parameters
        ----------
        job : Job
            Who records them.
        skip_stale : bool
            Leave out what is no longer possible since others were faster, in place of raising.
        within : Connection, optional
            A transaction of `writing` that this is to be part of.

        Returns
        -------
        list of Event
            What is in the ledger now, also if it was there before; with `skip_stale` perhaps less
            than was given.

        Raises
        ------
        IllegalTransitionError
            If a unit cannot go from its state to that one.
        StaleEventError
            If it is not in the state that the event supposes, or another job has it.
        LedgerError
            If there is no such unit.
        """
        with self._transaction(within) as connection:
            return recording.record(
                connection, happened, job, self._followers, skip_stale=skip_stale
            )

    def set_priorities(self, priorities: Mapping[str, float]) -> int:
        """Set the priorities that the order of work goes by.

        Parameters
        ----------
        priorities : mapping
            Of some units, by name. Those that are not in the ledger are left out.

        Returns
        -------
        int
            How many have changed.
        """
        with self.writing() as connection:
            return recording.set_priorities(connection, priorities)

    def _transaction(self, within: sa.Connection | None) -> AbstractContextManager[sa.Connection]:
        return self.writing() if within is None else nullcontext(within)

    # ------------------------------------------------------------- reading

    def units(
        self,
        *,
        states: Sequence[State] | None = None,
        names: Sequence[str] | None = None,
    ) -> list[LedgerUnit]:
        """The units as they are now, in the order in which they were found.

        Parameters
        ----------
        states : sequence of State, optional
            Only those in one of these states.
        names : sequence of str, optional
            Only these; names that are not in the ledger are left out.
        """
        query = SELECT_UNITS
        if states is not None:
            query = query.where(latest.c.state.in_([state.value for state in states]))
        with self.database.reading() as connection:
            if names is None:
                rows = list(connection.execute(query.order_by(units.c.id)))
            else:
                rows = rows_with(connection, query, units.c.name, sorted(set(names)))
                rows.sort(key=lambda row: row.id)
        return [as_unit(tuple(row)) for row in rows]

    def each_unit(self) -> Iterator[LedgerUnit]:
        """All units as `units` gives them, one after another: all of them may be large."""
        query = SELECT_UNITS.order_by(units.c.id).execution_options(yield_per=_ROWS_AT_A_TIME)
        with self.database.reading() as connection:
            for row in connection.execute(query):
                yield as_unit(tuple(row))

    def names(self) -> list[str]:
        """The names of all units, in the order in which they were found."""
        with self.database.reading() as connection:
            return list(connection.scalars(sa.select(units.c.name).order_by(units.c.id)))

    def counts(self) -> dict[State, int]:
        """Count the units in each state; states without units have 0."""
        with self.database.reading() as connection:
            counted = count_units(connection)
        return {state: sum(n for (s, _), n in counted.items() if s is state) for state in State}

    def states_before(
        self, state: State, *, within: sa.Connection | None = None
    ) -> dict[str, State | None]:
        """The units that are in a state, and in which state each was before."""
        query = (
            sa.select(units.c.name, events.c.from_state)
            .join(latest, latest.c.unit_id == units.c.id)
            .join(events, IS_NEWEST)
            .where(latest.c.state == state.value)
        )
        with self.database.reading() if within is None else nullcontext(within) as connection:
            rows = [tuple(row) for row in connection.execute(query)]
        return {name: None if before is None else state_named(before) for name, before in rows}

    def history(self, name: str) -> list[Recorded]:
        """All events of a unit, the oldest first.

        Raises
        ------
        LedgerError
            If there is no such unit.
        """
        query = (
            sa.select(*EVENT_COLUMNS, *JOB_COLUMNS)
            .join(jobs, jobs.c.id == events.c.job_id)
            .join(units, units.c.id == events.c.unit_id)
            .where(units.c.name == name)
            .order_by(events.c.number)
        )
        with self.database.reading() as connection:
            rows = list(connection.execute(query))
        if not rows:
            raise LedgerError(f"{name}: no such unit in {self.database.name}{self.meant(name)}")
        return [as_recorded(name, tuple(row)) for row in rows]

    def meant(self, name: str) -> str:
        """The question which unit is meant by a name that is none; "" where no unit is near.

        The number of a star stands for its light curves, and a name for those that are like it.
        """
        with self.database.reading() as connection:
            of_star = units.c.name.startswith(f"{name}_", autoescape=True)
            known = connection.scalars(sa.select(units.c.name).where(of_star)).all()
            if known:
                return question(sorted(known, key=lambda unit: (len(unit), unit)))
            return did_you_mean(name, connection.scalars(sa.select(units.c.name)))
