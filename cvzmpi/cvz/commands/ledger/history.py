"""`cvzmpi history`, `retry` and `grant`: the ledger of a campaign, opened for a command."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from cvzmpi.cvz.commands.settings import settings_of_output
from cvzmpi.ledger import Ledger
from cvzmpi.runtime import ledger_commands
from cvzmpi.runtime.ledger_display import show_history


def history(file: Path | None, output: Path | None, unit: str) -> int:
    """Print the history of a unit."""
    with _ledger(file, output) as ledger:
        return show_history(ledger, unit)


def retry(file: Path | None, output: Path | None, **which: Any) -> int:
    """Let units that failed be tried again."""
    with _ledger(file, output) as ledger:
        return ledger_commands.retry_units(ledger, **which)


def grant(file: Path | None, output: Path | None, role: str) -> int:
    """Let a PostgreSQL role add to the ledger, which is made in a database that has none."""
    location = settings_of_output(file, output).ledger_location()
    with Ledger.open(location, create=not isinstance(location, Path)) as ledger:
        return ledger_commands.grant(ledger, role)


def _ledger(file: Path | None, output: Path | None) -> AbstractContextManager[Ledger]:
    return Ledger.open(settings_of_output(file, output).ledger_location(), create=False)
