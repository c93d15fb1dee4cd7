"""The inversions that a science team makes: who chose which Observing Program.

A program is claimed by one person at a time. That somebody has it, or has given it back, is an
event in the history of the program; the newest row of `level2_claims` says who has it now.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import sqlalchemy as sa

from cvzmpi.errors import CvzmpiError
from cvzmpi.ledger import Event, Job, LedgerUnit, State
from cvzmpi.ledger.records import now
from cvzmpi.level2.foreign_json import plain
from cvzmpi.level2.programs.catalogue import Catalogue
from cvzmpi.level2.programs.person_name import PersonNameError, person_name
from cvzmpi.level2.programs.states import INVERTIBLE, SHOWN
from cvzmpi.level2.tables import claims


class ClaimError(CvzmpiError):
    """A program cannot be claimed or released."""


def by_choice(units: Iterable[LedgerUnit], claimants: Mapping[str, str]) -> list[LedgerUnit]:
    """Order work by who chose what: first what is claimed, by person, then what is free.

    Within both, the highest priority comes first, then the longest work.
    """
    return sorted(
        units,
        key=lambda unit: (
            unit.name not in claimants,
            claimants.get(unit.name, "").casefold(),
            -unit.priority,
            -unit.cost,
            unit.name,
        ),
    )


def claim(catalogue: Catalogue, job: Job, program: str, by: str) -> None:
    """Claim a program for a person; who has it already keeps it.

    Raises
    ------
    ClaimError
        If it cannot be inverted, or somebody else has it, or a job.
    """
    try:
        by = person_name(by)
    except PersonNameError as error:
        raise ClaimError(f"{plain(program)}: a claim needs a name: {error}") from error
    with catalogue.ledger.writing() as connection:
        state = _state(catalogue, connection, program)
        holder = catalogue.ledger.claims.holder(program, within=connection)
        if holder is not None:
            raise ClaimError(
                f"{program}: job {holder.id} on {holder.host}, last heard of at "
                f"{holder.heartbeat:%Y-%m-%d %H:%M} UTC, inverts it or is about to"
            )
        if state not in INVERTIBLE:
            raise ClaimError(
                f"{program}: is {SHOWN[state]}; only what is Invertible can be claimed"
            )
        claimant = catalogue.claimants(within=connection).get(program)
        if claimant == by:
            return
        if claimant is not None:
            raise ClaimError(f"{program}: {claimant} has it")
        _record(catalogue, connection, job, program, state, by, f"claimed by {by}")


def release(catalogue: Catalogue, job: Job, program: str, by: str | None = None) -> None:
    """Give a program back.

    Parameters
    ----------
    by : str, optional
        Only if this person has it.

    Raises
    ------
    ClaimError
        If nobody has it, or somebody else.
    """
    with catalogue.ledger.writing() as connection:
        state = _state(catalogue, connection, program)
        claimant = catalogue.claimants(within=connection).get(program)
        if claimant is None or state not in INVERTIBLE:
            raise ClaimError(f"{program}: nobody has it")
        if by is not None and by != claimant:
            raise ClaimError(f"{program}: {claimant} has it, not {by}")
        _record(catalogue, connection, job, program, state, None, f"released by {claimant}")


def _state(catalogue: Catalogue, connection: sa.Connection, program: str) -> State:
    states = catalogue.states(within=connection)
    if program not in states:
        raise ClaimError(f"{plain(program)}: no such Observing Program")
    return states[program]


def _record(
    catalogue: Catalogue,
    connection: sa.Connection,
    job: Job,
    program: str,
    state: State,
    claimed_by: str | None,
    message: str,
) -> None:
    """Add the row and the event; the program stays in its state."""
    connection.execute(claims.insert().values(program=program, claimed_by=claimed_by, at=now()))
    event = Event(program, state, state, message=message, detail={"claimed_by": claimed_by})
    catalogue.ledger.record([event], job, within=connection)
