"""Where a unit stands while events are added to it, and whether an event may come next."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from cvzmpi.errors import StaleEventError
from cvzmpi.ledger.db.database import chunks
from cvzmpi.ledger.db.json_values import storable_text
from cvzmpi.ledger.db.tables import claims, events, latest, units
from cvzmpi.ledger.records import Event, Job
from cvzmpi.ledger.states import State, check_transition, state_named
from cvzmpi.redaction import redacted

_LONGEST = 1_000_000  # characters of a message, as the database has it


class Position:
    """Where a unit stands while events are added to it.

    Attributes
    ----------
    unit_id : int
    work_ended : bool
        Whether the last event that was added ended the work on it.
    """

    def __init__(
        self,
        unit_id: int,
        number: int,
        state: str | None,
        job_id: int | None,
        claimed_by: int | None,
    ) -> None:
        self.unit_id = unit_id
        self.work_ended = False
        self._number = number
        self._state = None if state is None else state_named(state)
        self._job_id = job_id
        self._claimed_by = claimed_by

    def check(self, event: Event, job: Job) -> None:
        """Refuse an event that cannot come next.

        Raises
        ------
        StaleEventError
        IllegalTransitionError
        """
        if event.from_state is not None and event.from_state is not self._state:
            raise StaleEventError(
                f"{event.unit}: is {self._state}, not {event.from_state} as supposed "
                f"for {event.to_state}"
            )
        if self._state is State.WORKING and self._job_id != (event.instead_of or job.id):
            raise StaleEventError(f"{event.unit}: job {self._job_id} works on it")
        if event.to_state is State.WORKING and self._claimed_by not in (None, job.id):
            raise StaleEventError(f"{event.unit}: job {self._claimed_by} has it")
        check_transition(event.unit, self._state, event.to_state)

    def append(self, event: Event, job: Job) -> dict[str, Any]:
        """Take the event as the newest; its row."""
        self._number += 1
        row = {
            "key": event.key,
            "unit_id": self.unit_id,
            "number": self._number,
            "from_state": self._state and self._state.value,
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
        self.work_ended = self._state is State.WORKING or event.to_state is State.ERROR
        self._state, self._job_id = event.to_state, job.id
        return row


def _message(text: str) -> str:
    """A message as everyone may read it, and as every database can have it."""
    return storable_text(redacted(text))[:_LONGEST]


def read_positions(connection: sa.Connection, names: Collection[str]) -> dict[str, Position]:
    """Where these units stand; without those that are not there."""
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
    found = {}
    for chunk in chunks(sorted(names)):
        for name, *position in connection.execute(query.where(units.c.name.in_(chunk))):
            found[name] = Position(*position)
    return found


def known_keys(connection: sa.Connection, keys: Sequence[UUID]) -> set[UUID]:
    """Which of these events are in the ledger."""
    found: set[UUID] = set()
    for chunk in chunks(keys):
        found |= set(connection.scalars(sa.select(events.c.key).where(events.c.key.in_(chunk))))
    return found
