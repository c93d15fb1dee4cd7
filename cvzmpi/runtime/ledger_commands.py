"""Commands about the ledger of any campaign, once it is open; each gives its exit status."""

from __future__ import annotations

from collections.abc import Collection

import click

from cvzmpi.ledger import Ledger, State
from cvzmpi.ledger.db import grants
from cvzmpi.ledger.failures import Failure, failures, retry
from cvzmpi.messages.wording import counted
from cvzmpi.runtime.all_ranks import DONE


def retry_units(
    ledger: Ledger, units: Collection[str], *, all_units: bool, message: str | None
) -> int:
    """Let units that failed be tried again, and say how many they are.

    Parameters
    ----------
    units : collection of str
        Names of units; or else
    all_units : bool
        all that failed; or else
    message : str, optional
        those whose message contains this text.

    Raises
    ------
    click.UsageError
        If not exactly one of the three is given, or a unit has not failed.
    """
    if sum([bool(units), all_units, message is not None]) != 1:
        raise click.UsageError("give UNITS, or --message TEXT, or --all")

    def is_meant(failure: Failure) -> bool:
        if message is not None:
            return message in failure.message
        return all_units or failure.unit.name in units

    failed = failures(ledger)
    strangers = set(units) - {failure.unit.name for failure in failed}
    if strangers:
        raise click.UsageError(f"has not failed: {_with_states(ledger, strangers)}")
    with ledger.job("retry") as job:
        events = retry(ledger, [failure for failure in failed if is_meant(failure)], job)
    click.echo(f"{len(events):,} of {counted(len(failed), 'failed unit')} will be tried again")
    return DONE


def grant(ledger: Ledger, role: str) -> int:
    """Let a PostgreSQL role add to the ledger, and say so."""
    taken = grants.grant(ledger.database, role)
    click.echo(f"{role} can add to the ledger {ledger.database.name}")
    if taken:
        click.echo(
            f"revoked from PUBLIC, which is every role, so that {role} has it no more: "
            f"{', '.join(taken)}"
        )
    return DONE


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
