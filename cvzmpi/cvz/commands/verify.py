"""`cvzmpi verify`: compare the ledger of a campaign with its files."""

from __future__ import annotations

from pathlib import Path

import click

from cvzmpi.cvz.commands.settings import settings_of_output
from cvzmpi.cvz.work.verify import Verification, Verifier
from cvzmpi.ledger import Ledger
from cvzmpi.runtime.all_ranks import DONE, SOME_FAILED

_N_EXAMPLES = 10


def verify(file: Path | None, output: Path | None, sample: int | None, dry_run: bool) -> int:
    """Compare, correct the ledger unless it is a dry run, and say what differs."""
    config = settings_of_output(file, output)
    location = config.ledger_location()
    with Ledger.open(location, create=not dry_run) as ledger, ledger.job("verify") as job:
        found = Verifier(config, ledger, job, repair=not dry_run).verify(sample)
    for line in _lines(found):
        click.echo(line)
    return DONE if len(found.differences) == found.n_repaired else SOME_FAILED


def _lines(found: Verification) -> list[str]:
    lines = [f"{difference.unit}: {difference.what}" for difference in found.differences]
    if len(lines) > _N_EXAMPLES:
        lines = [*lines[:_N_EXAMPLES], f"and {len(lines) - _N_EXAMPLES} more"]
    summary = [f"{found.n_compared} units compared with their files"]
    if found.n_added:
        summary.append(f"{found.n_added} were not in the ledger")
    if found.n_died:
        summary.append(f"{found.n_died} jobs had died")
    summary.append(f"{len(found.differences)} differ, {found.n_repaired} of them repaired")
    return [*lines, ", ".join(summary)]
