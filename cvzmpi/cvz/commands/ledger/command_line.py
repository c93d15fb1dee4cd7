"""Options and help of the commands about the ledger; nothing heavy is imported here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from cvzmpi.given_path import GIVEN_PATH
from cvzmpi.runtime.command_line import config_option, lazy_command, serve_options, status_options


def _ledger_options(declaration: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say whose ledger it is."""
    output = click.option(
        "--output", type=GIVEN_PATH, metavar="DIR", help="Output directory of the campaign."
    )
    return config_option(output(declaration))


@lazy_command(
    "cvzmpi.cvz.commands.ledger.status:status", "Show what is done, how fast, what failed."
)
@status_options
@_ledger_options
def status() -> None:
    """Show the state of the campaign: what is done, how fast, who works on it, what failed."""


@lazy_command("cvzmpi.cvz.commands.ledger.serve:serve", "Show the same, and more, as web pages.")
@serve_options
@_ledger_options
def serve() -> None:
    """Serve pages about the campaign, which bring themselves up to date, and metrics.

    The ledger is only read, so that this can run wherever the ledger can be read. People who sign
    in with the token of the environment variable CVZMPI_SERVE_TOKEN can retry what failed.
    """


@lazy_command(
    "cvzmpi.cvz.commands.ledger.history:history", "Tell the whole history of one light curve."
)
@click.argument("unit")
@_ledger_options
def history() -> None:
    """Tell the whole history of one light curve, the UNIT, as 25155310_1 or 25155310_27_spoc-20."""


@lazy_command(
    "cvzmpi.cvz.commands.ledger.history:retry", "Let light curves that failed be tried again."
)
@click.argument("units", nargs=-1)
@click.option("--all", "all_units", is_flag=True, help="All that failed.")
@click.option("--message", metavar="TEXT", help="Those whose message contains this text.")
@_ledger_options
def retry() -> None:
    """Let UNITS that failed be tried again, with as many attempts as new ones have."""


@lazy_command(
    "cvzmpi.cvz.commands.ledger.verify:verify", "Compare the ledger with the sector files."
)
@click.option("--sample", type=click.IntRange(1), metavar="N", help="N units chosen at random.")
@click.option("--dry-run", is_flag=True, help="Change nothing.")
@_ledger_options
def verify() -> None:
    """Compare the ledger with the sector files, and correct it; a lost ledger is made anew."""


@lazy_command(
    "cvzmpi.cvz.commands.ledger.history:grant", "Let a PostgreSQL role add to the ledger."
)
@click.argument("role")
@_ledger_options
def grant() -> None:
    """Let a PostgreSQL role add to the ledger, and do nothing else with it; for its owner."""
