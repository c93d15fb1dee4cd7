"""Units that failed, the reasons, and another try."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cvzmpi.ledger.db.tables import events, latest, units
from cvzmpi.ledger.ledger import Ledger
from cvzmpi.ledger.records import Event, Job, LedgerUnit
from cvzmpi.ledger.rows import IS_NEWEST, SELECT_UNITS, as_unit
from cvzmpi.ledger.states import RETRY_FROM, State, state_named


@dataclass(frozen=True)
class Failure:
    """A unit in the state `error`."""

    unit: LedgerUnit
    from_state: State  # in which it failed
    message: str  # why

    def retried(self, message: str, attempts_used: int | None = None) -> Event:
        """The event that takes the unit back to where it can be tried again."""
        return Event(
            self.unit.name,
            RETRY_FROM[self.from_state],
            from_state=State.ERROR,
            message=message,
            attempts_used=attempts_used,
        )


def failures(ledger: Ledger) -> list[Failure]:
    """All units that failed, in the order in which they were found."""
    query = (
        SELECT_UNITS.join(events, IS_NEWEST)
        .add_columns(events.c.from_state, events.c.message)
        .where(latest.c.state == State.ERROR.value)
        .order_by(units.c.id)
    )
    with ledger.database.reading() as connection:
        rows = [tuple(row) for row in connection.execute(query)]
    return [Failure(as_unit(row), _state_before(row[-2]), row[-1] or "") for row in rows]


def _state_before(name: str | None) -> State:
    """The state in which a unit failed; `discovered` where it has no earlier event."""
    return State.DISCOVERED if name is None else state_named(name)


def retry(ledger: Ledger, failed: Sequence[Failure], job: Job) -> list[Event]:
    """Let units be tried again, with as many attempts as a new one has."""
    wanted = [failure.retried("to be tried again", attempts_used=0) for failure in failed]
    return ledger.record(wanted, job, skip_stale=True)
