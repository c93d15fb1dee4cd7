"""Notes about programs and inversions, and withdrawals, as commands."""

from __future__ import annotations

import shlex

import click

from cvzmpi.ledger import State
from cvzmpi.level2.commands.programs import with_campaign
from cvzmpi.level2.programs.catalogue import Catalogue
from cvzmpi.level2.programs.inversions import Withdrawal
from cvzmpi.level2.programs.remarks import add_note
from cvzmpi.level2.programs.remarks import withdraw as withdraw_inversion
from cvzmpi.level2.steps import Level2Steps
from cvzmpi.runtime.all_ranks import DONE


@with_campaign
def note(steps: Level2Steps, about: str, text: str, by: str) -> int:
    """Write a note about a program or an inversion."""
    written = add_note(steps.catalogue, about, text, by)
    click.echo(f"{about}: noted by {written.written_by}")
    return DONE


@with_campaign
def withdraw(steps: Level2Steps, inversion: str, by: str, reason: str) -> int:
    """Withdraw an inversion; says what the people of the metadata store have to do."""
    with steps.ledger.job("level2 withdraw") as job:
        withdrawal = withdraw_inversion(steps.catalogue, job, inversion, by, reason)
    click.echo(f"{inversion}: withdrawn by {withdrawal.withdrawn_by}")
    if (consequence := _consequence(steps.catalogue, withdrawal)) is not None:
        click.echo(consequence)
    return DONE


def _consequence(catalogue: Catalogue, withdrawal: Withdrawal) -> str | None:
    """What people have to do about a withdrawal; None if that is nothing."""
    inversion_id, program = withdrawal.inversion_id, withdrawal.program
    published = catalogue.published(program)
    if inversion_id in published:
        return (
            f"{inversion_id}: published at {published[inversion_id]:%Y-%m-%d %H:%M} UTC. Its "
            "record and its files stay, since the metadata store cannot delete a record: ask the "
            f"people who run it to remove the inversion {inversion_id}"
        )
    inverted = catalogue.states()[program] is State.DONE
    if inverted and not published and not catalogue.to_publish(program):
        return (
            f"{program}: has no other inversion: hand in another one, or look at it from the "
            f"beginning with cvzmpi level2 reopen {shlex.quote(program)}"
        )
    return None
