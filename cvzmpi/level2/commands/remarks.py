"""Notes about programs and inversions, and withdrawals, as commands."""

from __future__ import annotations

import click

from cvzmpi.level2.commands.programs import with_campaign
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
    published = steps.catalogue.published(withdrawal.program).get(inversion)
    if published is not None:
        click.echo(
            f"{inversion}: published at {published:%Y-%m-%d %H:%M} UTC. Its record and its files "
            "stay, since the metadata store cannot delete a record: ask the people who run it to "
            f"remove the inversion {inversion}"
        )
    return DONE
