"""Units that failed, the reasons, and another try."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from cvzmpi.errors import LedgerError
from cvzmpi.ledger.db.tables import events, latest, units
from cvzmpi.ledger.failure_kind import kind_of_failure
from cvzmpi.ledger.ledger import Ledger
from cvzmpi.ledger.records import Event, Job, LedgerUnit
from cvzmpi.ledger.rows import IS_NEWEST, SELECT_UNITS, as_unit
from cvzmpi.ledger.states import RETRY_FROM, State, state_named
from cvzmpi.messages.wording import counted


@dataclass(frozen=True)
class Failure:
    """A unit in the state `error`."""

    unit: LedgerUnit
    from_state: State  # in which it failed
    message: str  # why

    @property
    def kind(self) -> str:
        """What failures for the same reason share."""
        return kind_of_failure(self.unit.name, self.message)

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


@dataclass(frozen=True)
class Chosen:
    """Which of the units that failed are meant; without any choice, all."""

    units: Collection[str] = ()  # these
    message: str | None = None  # those whose message contains this text
    like: str | None = None  # those that failed for the same reason as this one


def choose(ledger: Ledger, failed: Sequence[Failure], chosen: Chosen) -> list[Failure]:
    """Those of the failures that are meant.

    Raises
    ------
    LedgerError
        If a unit that is named has not failed; with its state.
    """
    by_name = {failure.unit.name: failure for failure in failed}
    named = {*chosen.units, *([] if chosen.like is None else [chosen.like])}
    if strangers := named - by_name.keys():
        raise LedgerError(f"has not failed: {_with_states(ledger, strangers)}")
    if chosen.units:
        return [failure for failure in failed if failure.unit.name in named]
    if chosen.message is not None:
        return [failure for failure in failed if chosen.message in failure.message]
    if chosen.like is not None:
        kind = by_name[chosen.like].kind
        return [failure for failure in failed if failure.kind == kind]
    return list(failed)


def retry(ledger: Ledger, failed: Sequence[Failure], job: Job, by: str = "") -> list[Event]:
    """Let units be tried again, with as many attempts as a new one has.

    Parameters
    ----------
    by : str
        The person who wants it, if known.
    """
    message = "to be tried again" + (f", says {by}" if by else "")
    wanted = [failure.retried(message, attempts_used=0) for failure in failed]
    return ledger.record(wanted, job, skip_stale=True)


@dataclass(frozen=True)
class Retried:
    """How many of the units that failed will be tried again."""

    n_retried: int
    n_failed: int

    def __str__(self) -> str:
        failed = counted(self.n_failed, "failed unit")
        return f"{self.n_retried:,} of {failed} will be tried again"


def retry_chosen(ledger: Ledger, chosen: Chosen, by: str = "") -> Retried:
    """Let those of the units that failed be tried again that are meant, by a job `retry`.

    Raises
    ------
    LedgerError
        If a unit that is named has not failed.
    """
    failed = failures(ledger)
    meant = choose(ledger, failed, chosen)
    with ledger.job("retry") as job:
        return Retried(len(retry(ledger, meant, job, by)), len(failed))


def _with_states(ledger: Ledger, names: Collection[str]) -> str:
    """Some units, each with its state."""
    states = {unit.name: unit.state for unit in ledger.units(names=list(names))}
    said = [
        f"{name} (is {states[name]})"
        if name in states
        else f"{name} (is not in the ledger{ledger.meant(name)})"
        for name in sorted(names)
    ]
    if State.WORKING in states.values():
        said.append("what is working without a living job, the next `run` goes on with by itself")
    return ", ".join(said)
