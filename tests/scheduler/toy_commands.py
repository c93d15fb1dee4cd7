"""The commands of the toy campaign; nothing heavy is imported here."""

from __future__ import annotations

import click

from cvzmpi.runtime.command_line import JOB, config_option, lazy_command, set_option


@click.group(short_help="Raise the numbers in tables to a power.")
def toy() -> None:
    """Raise the numbers in tables to a power."""


@lazy_command("tests.scheduler.toy_campaign:run", "Work on all tables, on all ranks.", start=JOB)
@config_option
@set_option
def run() -> None:
    """Work on all tables."""


toy.add_command(run)
