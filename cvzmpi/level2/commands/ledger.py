"""`cvzmpi level2 status` and `history`: the ledger of a campaign that is there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cvzmpi.ledger import Ledger
from cvzmpi.level2.configuration import load_campaign
from cvzmpi.level2.settings import STEP_NAME
from cvzmpi.runtime.ledger_display import show_history, show_status


def status(file: Path | None, settings: tuple[str, ...], **how: Any) -> int:
    """Show the state; `how` are the values of `status_options`."""
    config = load_campaign(file, settings)
    return show_status(config.ledger_location(), config.outboxes(), STEP_NAME, **how)


def history(file: Path | None, settings: tuple[str, ...], program: str) -> int:
    """Print the history of a program."""
    with Ledger.open(load_campaign(file, settings).ledger_location(), create=False) as ledger:
        return show_history(ledger, program)
