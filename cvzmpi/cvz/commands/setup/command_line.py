"""Options and help of the commands before the first job; nothing heavy is imported here."""

from __future__ import annotations

from pathlib import Path

import click

from cvzmpi.given_path import GIVEN_PATH
from cvzmpi.runtime.command_line import json_option, lazy_command


@lazy_command("cvzmpi.cvz.commands.setup.init:init", "Write a new campaign, ready to be run.")
@click.argument("directory", type=GIVEN_PATH)
@click.option(
    "--input", "input_directory", type=GIVEN_PATH, help="Directory with the FITS files, if there."
)
@click.option("--targets", type=GIVEN_PATH, help="List of targets, to be fetched from the archive.")
def init() -> None:
    """Write a new campaign into DIRECTORY: cvzmpi.toml, job scripts, and a README that says more.

    Without --input and --targets, light curves belong into its directory `input`. The job scripts
    are for the queue found on this machine. What exists is never overwritten.
    """


@lazy_command("cvzmpi.cvz.commands.setup.doctor:doctor", "Say what works here, and what to do.")
@click.argument("campaign", type=GIVEN_PATH, default=Path())
@json_option
def doctor() -> None:
    """Say in ten lines what works here, what does not, and what to do about it.

    CAMPAIGN is a configuration file, or the directory with its cvzmpi.toml. Nothing is changed. The
    exit status is 2 if something that this campaign needs does not work.
    """
