"""`cvzmpi status`: the state of a campaign. SQLAlchemy is not imported, so that it is quick."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cvzmpi.cvz.commands.settings import settings_of_output, whole_light_curve
from cvzmpi.runtime.ledger_display import show_status


def status(file: Path | None, output: Path | None, **how: Any) -> int:
    """Show the state; `how` are the values of `status_options`."""
    config = settings_of_output(file, output)
    return show_status(
        config.ledger_location(), config.outboxes(), "injection", whole_light_curve(config), **how
    )
