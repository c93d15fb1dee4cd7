"""A ledger on the terminal: how a campaign is, and the story of a unit; for every campaign."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from cvzmpi.ledger import Ledger
    from cvzmpi.ledger.status.status import Status


def status_options(command: Callable[..., int]) -> Callable[..., int]:
    """The options of a command that shows how a campaign is: it gets `as_json` and `every`."""

    @click.option("--watch", is_flag=True, help="Show it again and again, until interrupted.")
    @click.option(
        "--interval",
        type=click.FloatRange(0.1),
        default=5.0,
        show_default=True,
        help="Seconds between two looks.",
    )
    @click.option("--json", "as_json", is_flag=True, help="As JSON.")
    @wraps(command)
    def wrapped(watch: bool, interval: float, **given: Any) -> int:
        return command(every=interval if watch else None, **given)

    return wrapped


def show_status(
    location: str | Path, outboxes: Path, step_name: str, *, as_json: bool, every: float | None
) -> None:
    """Print how a campaign is.

    Parameters
    ----------
    location : str or Path
        Of its ledger, as for `Ledger.open`.
    outboxes : Path
        Directory of the outboxes of its jobs.
    step_name : str
        What the steps of a unit are called, in the plural.
    as_json : bool
        For programs.
    every : float, optional
        Seconds after which it is shown again, until somebody interrupts; None shows it once.
    """
    from cvzmpi.ledger.client.outbox import count_undelivered
    from cvzmpi.ledger.status.report import status_report
    from cvzmpi.ledger.status.status import take_status

    def look() -> Status:
        return take_status(location, count_undelivered(outboxes))

    if as_json:
        click.echo(json.dumps(look().as_json(), indent=2))
    elif every is None:
        _print(status_report(look(), step_name))
    else:
        _watch(lambda: status_report(look(), step_name), every)


def show_history(ledger: Ledger, unit: str) -> None:
    """Print the whole story of a unit.

    Raises
    ------
    LedgerError
        If there is no such unit.
    """
    from cvzmpi.errors import LedgerError
    from cvzmpi.ledger.status.report import history_report

    if not unit.isprintable():  # half a character is nothing that a database could be asked for
        raise LedgerError(f"{unit!a}: no such unit")
    events = ledger.history(unit)
    _print(history_report(ledger.units(names=[unit])[0], events))


def _print(report: Any) -> None:
    from rich.console import Console

    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = 160  # what is piped is not folded as narrow as a terminal of old
    console.print(report)


def _watch(report: Callable[[], Any], every: float) -> None:
    from rich.console import Console
    from rich.live import Live

    console = Console(highlight=False, markup=False)  # messages may have brackets
    with Live(report(), console=console, auto_refresh=False) as live:
        while True:
            time.sleep(every)
            live.update(report(), refresh=True)
