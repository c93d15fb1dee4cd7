"""`cvzmpi verify`: compare the ledger of a campaign with its files."""

from __future__ import annotations

from pathlib import Path

import click

from cvzmpi.config import named_or_default
from cvzmpi.cvz.commands.settings import check_begun, settings_of_output
from cvzmpi.cvz.work.verify import Verification, Verifier
from cvzmpi.errors import ConfigError
from cvzmpi.ledger import Ledger
from cvzmpi.messages.progress_bar import ProgressBar
from cvzmpi.messages.wording import counted
from cvzmpi.runtime.all_ranks import DONE, SOME_FAILED

_N_EXAMPLES = 10


def verify(file: Path | None, output: Path | None, sample: int | None, dry_run: bool) -> int:
    """Compare, correct the ledger unless it is a dry run, and say what differs."""
    config = settings_of_output(file, output)
    results, location = config.output.directory, config.ledger_location()
    if named_or_default(file) is None and not dry_run:
        check_begun(results)
        if not results.exists():
            raise ConfigError(f"{results}: no such directory")
    with (
        Ledger.open(location, create=not dry_run) as ledger,
        ledger.job("verify") as job,
        ProgressBar() as bar,
    ):
        found = Verifier(config, ledger, job, repair=not dry_run).verify(sample, bar)
    for line in _lines(found):
        click.echo(line)
    return DONE if len(found.differences) == found.n_repaired else SOME_FAILED


def _lines(found: Verification) -> list[str]:
    lines = [f"{difference.unit}: {difference.what}" for difference in found.differences]
    if len(lines) > _N_EXAMPLES:
        lines = [*lines[:_N_EXAMPLES], f"and {len(lines) - _N_EXAMPLES} more"]
    compared = ("unit compared with its file", "units compared with their files")
    summary = [counted(found.n_compared, *compared)]
    if found.n_added:
        summary.append(f"{counted(found.n_added, 'was', 'were')} not in the ledger")
    if found.n_died:
        summary.append(f"{counted(found.n_died, 'job')} had died")
    different = counted(len(found.differences), "differs", "differ")
    summary.append(f"{different}, {found.n_repaired:,} of them repaired")
    return [*lines, ", ".join(summary)]
