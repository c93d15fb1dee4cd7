"""Commands about the ledger of any campaign, once it is open; each gives its exit status."""

from __future__ import annotations

from collections.abc import Collection

import click

from cvzmpi.ledger import Ledger
from cvzmpi.ledger.db import grants
from cvzmpi.ledger.failures import Chosen, retry_chosen
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
        If not exactly one of the three is given.
    LedgerError
        If a unit has not failed.
    """
    if sum([bool(units), all_units, message is not None]) != 1:
        raise click.UsageError("give UNITS, or --message TEXT, or --all")
    click.echo(retry_chosen(ledger, Chosen(units, message)))
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
