"""Reservations: a person reserves an Observing Program, in order to invert it.

One person at a time has a program. Each change is an event in the history of the program; the
newest row of the table `level2_claims` says who has the program now.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import sqlalchemy as sa

from cvzmpi.errors import CvzmpiError
from cvzmpi.ledger import Event, Job, LedgerUnit, State
from cvzmpi.ledger.person_name import PersonNameError, person_name
from cvzmpi.ledger.records import now
from cvzmpi.level2.programs.catalogue import Catalogue
from cvzmpi.level2.programs.states import INVERTIBLE, SHOWN
from cvzmpi.level2.tables import reservations
from cvzmpi.messages.foreign_json import plain


class ReservationError(CvzmpiError):
    """A program cannot be reserved or released."""


def reserved_first(units: Iterable[LedgerUnit], holders: Mapping[str, str]) -> list[LedgerUnit]:
    """Sort programs: those that are reserved come first, by person, then those that are free.

    Within both, the highest priority comes first, then the longest work.
    """
    return sorted(
        units,
        key=lambda unit: (
            unit.name not in holders,
            holders.get(unit.name, "").casefold(),
            -unit.priority,
            -unit.cost,
            unit.name,
        ),
    )


def reserve(catalogue: Catalogue, job: Job, program: str, by: str) -> None:
    """Reserve a program for a person; nothing changes if that person has it already.

    Raises
    ------
    ReservationError
        If it is not invertible, or a job or another person has it.
    """
    try:
        by = person_name(by)
    except PersonNameError as error:
        raise ReservationError(f"{plain(program)}: a reservation needs a name: {error}") from error
    with catalogue.ledger.writing() as connection:
        state = catalogue.state(program, ReservationError, within=connection)
        working = catalogue.ledger.claims.holder(program, within=connection)
        if working is not None:
            raise ReservationError(
                f"{program}: job {working.id} on {working.host}, last heard of at "
                f"{working.heartbeat:%Y-%m-%d %H:%M} UTC, inverts it or is about to"
            )
        if state not in INVERTIBLE:
            raise ReservationError(
                f"{program}: is {SHOWN[state]}; only what is Invertible can be reserved"
            )
        holder = catalogue.reservations(within=connection).get(program)
        if holder == by:
            return
        if holder is not None:
            raise ReservationError(f"{program}: {holder} has it")
        _record(catalogue, connection, job, program, state, by, f"reserved by {by}")


def release(catalogue: Catalogue, job: Job, program: str, by: str | None = None) -> None:
    """End the reservation of a program.

    Parameters
    ----------
    by : str, optional
        Only if this person has it.

    Raises
    ------
    ReservationError
        If nobody has it, or somebody else.
    """
    with catalogue.ledger.writing() as connection:
        state = catalogue.state(program, ReservationError, within=connection)
        holder = catalogue.reservations(within=connection).get(program)
        if holder is None or state not in INVERTIBLE:
            raise ReservationError(f"{program}: nobody has it")
        if by is not None and by != holder:
            raise ReservationError(f"{program}: {holder} has it, not {by}")
        _record(catalogue, connection, job, program, state, None, f"released by {holder}")


def add_reservation(connection: sa.Connection, program: str, person: str | None) -> None:
    """Add the row that says who has a program from now on; None is nobody."""
    connection.execute(reservations.insert().values(program=program, claimed_by=person, at=now()))


def _record(
    catalogue: Catalogue,
    connection: sa.Connection,
    job: Job,
    program: str,
    state: State,
    person: str | None,
    message: str,
) -> None:
    """Add the row and the event; the program stays in its state."""
    add_reservation(connection, program, person)
    event = Event(program, state, state, message=message, detail={"claimed_by": person})
    catalogue.ledger.record([event], job, within=connection)
