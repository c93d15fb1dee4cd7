"""Show a ledger on the terminal: the state of a campaign, and the history of a unit.

Both functions give the exit status of the command.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console, Group
from rich.live import Live

from cvzmpi.errors import LedgerError
from cvzmpi.ledger.client.outbox import count_undelivered
from cvzmpi.ledger.status.pace import WholeUnit
from cvzmpi.ledger.status.report import history_report, status_report
from cvzmpi.ledger.status.status import Status, take_status
from cvzmpi.runtime.all_ranks import DONE

if TYPE_CHECKING:  # it brings SQLAlchemy, which the status does without
    from cvzmpi.ledger import Ledger

_PIPED_WIDTH = 160  # of lines that go to no terminal; rich would fold them at 80


def show_status(
    location: str | Path,
    outboxes: Path,
    step_name: str,
    whole: WholeUnit | None = None,
    *,
    as_json: bool,
    watch: bool,
    interval: float,
) -> int:
    """Print the state of a campaign.

    Parameters
    ----------
    location : str or Path
        Of its ledger, as for `Ledger.open`.
    outboxes : Path
        Directory of the outboxes of its jobs.
    step_name : str
        What a step of a unit is called.
    whole : WholeUnit, optional
        A whole unit of the campaign, where all are alike.
    as_json, watch, interval
        The values of `status_options`: JSON is printed once; with `watch`, the state is shown
        again every `interval` seconds until somebody interrupts.
    """

    def look() -> Status:
        return take_status(location, count_undelivered(outboxes), whole)

    if as_json:
        click.echo(json.dumps(look().as_json(), indent=2))
    elif watch:
        _watch(lambda: status_report(look(), step_name), interval)
    else:
        _print(status_report(look(), step_name))
    return DONE


def show_history(ledger: Ledger, unit: str) -> int:
    """Print the whole history of a unit.

    Raises
    ------
    LedgerError
        If there is no such unit.
    """
    if not unit.isprintable():  # a database cannot be asked for half a character
        raise LedgerError(f"{unit!a}: no such unit")
    events = ledger.history(unit)
    _print(history_report(ledger.units(names=[unit])[0], events))
    return DONE


def _console() -> Console:
    return Console(highlight=False, markup=False)  # messages may have brackets


def _print(report: Group) -> None:
    console = _console()
    if not console.is_terminal:
        console.width = _PIPED_WIDTH
    console.print(report)


def _watch(report: Callable[[], Group], seconds: float) -> None:
    with Live(report(), console=_console(), auto_refresh=False) as live:
        while True:
            time.sleep(seconds)
            live.update(report(), refresh=True)
