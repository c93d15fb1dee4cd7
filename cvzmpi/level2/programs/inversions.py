"""The inversions of programs, with their notes and withdrawals; a program may have several.

The history of a program says which of them are published, and which are still to be. A program
that begins again leaves those behind that are not published by then.
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath
from typing import Any

import sqlalchemy as sa

from cvzmpi.ledger.db.tables import events, units
from cvzmpi.ledger.ledger import Ledger
from cvzmpi.ledger.states import State, state_named
from cvzmpi.level2.tables import inversions, notes, withdrawals

_LETTERS = string.ascii_uppercase + string.digits
_BEGUN_AGAIN = frozenset(State) - {State.DONE, State.PUBLISHED, State.ERROR}
"""States of a program that waits for a result."""


@dataclass(frozen=True)
class Inversion:
    """A result for a program."""

    inversion_id: str  # `inv.` and six of A-Z and 0-9, unique among the results
    program: str
    method: str
    detail: dict[str, Any]  # files with their checksums, commit of the software, ...
    at: datetime

    @property
    def datasets(self) -> list[str]:
        """The ids of the datasets that it was made of, as far as they are recorded."""
        if "level1" in self.detail:  # it was inverted here: one map of one dataset
            return [PurePath(self.detail["level1"]).name]
        return list(self.detail.get("dataset_ids", ()))


@dataclass(frozen=True)
class Note:
    """A note about a program, or about one of its inversions."""

    program: str
    inversion_id: str | None  # None if it is about the program
    text: str
    written_by: str
    at: datetime


@dataclass(frozen=True)
class Withdrawal:
    """The end of an inversion that is not to be used. Its record and its files stay."""

    inversion_id: str
    program: str
    reason: str
    withdrawn_by: str
    at: datetime


@dataclass(frozen=True)
class InversionView:
    """All that is known of an inversion."""

    inversion: Inversion
    to_publish: bool
    published: datetime | None
    withdrawal: Withdrawal | None
    notes: list[Note]

    @property
    def commit(self) -> str | None:
        """The version of the software that made it, if that was recorded."""
        return self.inversion.detail.get("commit")


@dataclass(frozen=True)
class _Step:
    """The part of an event that says what became of inversions."""

    to_state: State
    at: datetime
    detail: Mapping[str, Any]


class InversionQueries:
    """Queries for the inversions of programs, a part of the catalogue."""

    ledger: Ledger

    def inversions(
        self, program: str | None = None, *, within: sa.Connection | None = None
    ) -> list[Inversion]:
        """All inversions, or those of a program, the newest last."""
        query = sa.select(*without_id(inversions)).order_by(inversions.c.id)
        if program is not None:
            query = query.where(inversions.c.program == program)
        return [Inversion(*row) for row in self._rows(query, within)]

    def inversion(
        self, inversion_id: str, *, within: sa.Connection | None = None
    ) -> Inversion | None:
        """The inversion of an id; None if there is none."""
        query = sa.select(*without_id(inversions)).where(inversions.c.inversion_id == inversion_id)
        return next((Inversion(*row) for row in self._rows(query, within)), None)

    def result(self, program: str) -> list[Inversion]:
        """The newest result for a program: an inversion, or one for each of several maps.

        Inversions that belong together were accepted at the same time. Those that are withdrawn are
        left out, unless all are.
        """
        withdrawn = self.withdrawals(program)
        known = self.inversions(program)
        there = [i for i in known if i.inversion_id not in withdrawn] or known
        return [inversion for inversion in there if inversion.at == there[-1].at]

    def to_publish(self, program: str, *, within: sa.Connection | None = None) -> list[Inversion]:
        """The inversions of a program that are neither published nor withdrawn, the oldest first.

        Without those that it had before it began again: they are for data that have changed since,
        or people did not want them.
        """
        pending = _pending(self._steps(program, within).get(program, []))
        withdrawn = self.withdrawals(program, within=within)
        return [
            inversion
            for inversion in self.inversions(program, within=within)
            if inversion.inversion_id in pending and inversion.inversion_id not in withdrawn
        ]

    def published(
        self, program: str, *, within: sa.Connection | None = None
    ) -> dict[str, datetime]:
        """The inversions of a program that are published, and since when, by id."""
        return _published(self._steps(program, within).get(program, []))

    def notes(self, about: str, *, within: sa.Connection | None = None) -> list[Note]:
        """The notes about an inversion, by its id, or about a program; the oldest first."""
        of_program = sa.and_(notes.c.program == about, notes.c.inversion_id.is_(None))
        return self._notes(sa.or_(notes.c.inversion_id == about, of_program), within)

    def withdrawal(
        self, inversion_id: str, *, within: sa.Connection | None = None
    ) -> Withdrawal | None:
        """The withdrawal of an inversion; None if it is not withdrawn."""
        query = sa.select(*without_id(withdrawals))
        query = query.where(withdrawals.c.inversion_id == inversion_id)
        return next((Withdrawal(*row) for row in self._rows(query, within)), None)

    def withdrawals(
        self, program: str | None = None, *, within: sa.Connection | None = None
    ) -> dict[str, Withdrawal]:
        """All withdrawals of inversions, or those of a program, by inversion id."""
        query = sa.select(*without_id(withdrawals))
        if program is not None:
            query = query.where(withdrawals.c.program == program)
        return {row.inversion_id: Withdrawal(*row) for row in self._rows(query, within)}

    def inversion_views(self, program: str | None = None) -> list[InversionView]:
        """What is known of all inversions, or of those of a program, the newest last."""
        stories = self._steps(program).values()
        published = {key: at for steps in stories for key, at in _published(steps).items()}
        pending = {key for steps in stories for key in _pending(steps)}
        withdrawn = self.withdrawals(program)
        of_program = sa.true() if program is None else notes.c.program == program
        written: dict[str | None, list[Note]] = {}
        for note in self._notes(of_program):
            written.setdefault(note.inversion_id, []).append(note)
        return [
            InversionView(
                inversion=inversion,
                to_publish=key in pending and key not in withdrawn,
                published=published.get(key),
                withdrawal=withdrawn.get(key),
                notes=written.get(key, []),
            )
            for inversion in self.inversions(program)
            for key in [inversion.inversion_id]
        ]

    def _notes(
        self, which: sa.ColumnElement[bool], within: sa.Connection | None = None
    ) -> list[Note]:
        query = sa.select(*without_id(notes)).where(which).order_by(notes.c.id)
        return [Note(*row) for row in self._rows(query, within)]

    def _steps(
        self, program: str | None, within: sa.Connection | None = None
    ) -> dict[str, list[_Step]]:
        """The events of all programs with inversions, or of one, the oldest first; by program."""
        tells = events.c.to_state.in_([State.DONE.value, State.PUBLISHED.value])
        # The details of other events, as of all criteria, are long.
        detail = sa.case((tells, events.c.detail), else_=None)
        query = (
            sa.select(units.c.name, events.c.to_state, events.c.at, detail.label("detail"))
            .join(units, units.c.id == events.c.unit_id)
            .where(
                units.c.name.in_(sa.select(inversions.c.program))
                if program is None
                else units.c.name == program
            )
            .order_by(events.c.number)
        )
        found: dict[str, list[_Step]] = {}
        for row in self._rows(query, within):
            step = _Step(state_named(row.to_state), row.at, row.detail or {})
            found.setdefault(row.name, []).append(step)
        return found

    def _rows(self, query: sa.Select[Any], within: sa.Connection | None = None) -> list[Any]:
        """The rows of a query; `Any`, since their types are those of its columns."""
        if within is not None:
            return list(within.execute(query))
        with self.ledger.database.reading() as connection:
            return list(connection.execute(query))


def add_inversion(connection: sa.Connection, inversion: Inversion) -> None:
    """Add a result, as a part of the transaction that records the new state."""
    connection.execute(inversions.insert().values(**vars(inversion)))


def draw_inversion_id(taken: Container[str]) -> str:
    """A random inversion id that is not taken."""
    while True:
        inversion_id = "inv." + "".join(secrets.choice(_LETTERS) for _ in range(6))
        if inversion_id not in taken:
            return inversion_id


def without_id(table: sa.Table) -> list[sa.Column[Any]]:
    """The columns of a table that are the fields of its records."""
    return [column for column in table.c if column.name != "id"]


def _pending(steps: Iterable[_Step]) -> set[str]:
    """The ids of the inversions that came since the program began, and are not published."""
    pending: set[str] = set()
    published: set[str] = set()
    for step in steps:
        if step.to_state is State.DONE:
            pending |= _accepted_in(step)
        elif step.to_state in _BEGUN_AGAIN:
            pending.clear()
        elif (inversion_id := _published_in(step)) is not None:
            published.add(inversion_id)
    return pending - published


def _published(steps: Iterable[_Step]) -> dict[str, datetime]:
    """The inversions that are published, and since when, by id."""
    found: dict[str, datetime] = {}
    for step in steps:
        if (inversion_id := _published_in(step)) is not None:
            found.setdefault(inversion_id, step.at)
    return found


def _accepted_in(step: _Step) -> set[str]:
    """The inversions that an event tells of: the one that was handed in, or those of a job."""
    if "inversion_id" in step.detail:
        return {step.detail["inversion_id"]}
    return {made["inversion_id"] for made in step.detail.get("inversions", [])}


def _published_in(step: _Step) -> str | None:
    """The inversion of which an event says that it is published."""
    if step.to_state is not State.PUBLISHED:
        return None
    # Earlier versions recorded it as a part of the record of the metadata store only.
    record = step.detail.get("record", {})
    found: str | None = step.detail.get("inversion_id", record.get("inversionId"))
    return found
