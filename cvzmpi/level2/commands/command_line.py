"""Options and help of the commands of the campaign `level2`; nothing heavy is imported here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from cvzmpi.given_path import GIVEN_PATH
from cvzmpi.level2.commands.map_command_line import MAP_COMMANDS, ranks_per_team
from cvzmpi.runtime.command_line import (
    JOB,
    LazyCommand,
    config_option,
    json_option,
    lazy_command,
    set_option,
    status_options,
)

_program_argument = click.argument("program")


def _campaign_options(declaration: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say which campaign it is."""
    return config_option(set_option(declaration))


# ----------------------------------------------------------------- the programs


@lazy_command(
    "cvzmpi.level2.commands.settings:show_defaults", "Print all settings, as a cvzmpi.toml."
)
def config() -> None:
    """Print all settings with their defaults and meanings: a cvzmpi.toml to start from."""


@lazy_command("cvzmpi.level2.commands.programs:scan", "Read the metadata store.")
@click.option("--proposal", "proposals", multiple=True, help="Only this one; may come again.")
@_campaign_options
def scan() -> None:
    """Read the metadata store; new and changed datasets are added."""


@lazy_command("cvzmpi.level2.commands.programs:qualify", "Evaluate the criteria for programs.")
@_campaign_options
def qualify() -> None:
    """Evaluate the criteria for every program that is complete."""


@lazy_command(
    "cvzmpi.level2.commands.programs:list_programs", "List the Observing Programs.", name="list"
)
@click.option("--state", help="Only what is in this state, as Invertible.")
@click.option("--proposal", help="Only what was observed for this proposal.")
@click.option("--by", help="Only what this person has reserved.")
@json_option
@_campaign_options
def list_programs() -> None:
    """List the Observing Programs: what people have reserved first, then what is free."""


@lazy_command("cvzmpi.level2.commands.programs:show", "Show everything about a program.")
@_program_argument
@_campaign_options
def show() -> None:
    """Show a program: its datasets, the criteria with their values, and its history."""


@lazy_command("cvzmpi.level2.commands.programs:reserve", "Reserve a program for a person.")
@_program_argument
@click.option("--by", required=True, help="The person's name.")
@_campaign_options
def reserve() -> None:
    """Reserve a program for a person, who inverts it."""


claim = LazyCommand("claim", body=reserve.body, start=None, params=reserve.params, hidden=True)
"""The earlier name of `reserve`."""


@lazy_command("cvzmpi.level2.commands.programs:release", "End the reservation of a program.")
@_program_argument
@click.option("--by", help="Only if this person has it.")
@_campaign_options
def release() -> None:
    """End the reservation of a program."""


@lazy_command("cvzmpi.level2.commands.programs:inverted", "Hand in the inversion of a program.")
@_program_argument
@click.option(
    "--files",
    type=GIVEN_PATH,
    required=True,
    multiple=True,
    help="A file of a Level 2 product or of DeSIRe, or their directory; may come again.",
)
@click.option("--commit", required=True, help="Commit of the software that made them.")
@click.option("--by", help="Who made them.")
@_campaign_options
def inverted() -> None:
    """Hand in an inversion of a program: its files are checked first.

    They are those of a Level 2 product, or DeSIRe's inv_res_mod.fits, inv_res_pre.fits and
    per_ori.fits. A program that is inverted or published takes further inversions.
    """


@lazy_command("cvzmpi.level2.commands.remarks:note", "Write a note about a program or inversion.")
@click.argument("about", metavar="PROGRAM|INVERSION")
@click.argument("text")
@click.option("--by", required=True, help="Who writes it.")
@_campaign_options
def note() -> None:
    """Write a note about a program or an inversion; `show` has it."""


@lazy_command("cvzmpi.level2.commands.remarks:withdraw", "Withdraw an inversion.")
@click.argument("inversion")
@click.option("--by", required=True, help="Who withdraws it.")
@click.option("--reason", required=True, help="Why.")
@_campaign_options
def withdraw() -> None:
    """Withdraw an inversion: it is not to be used. Its history, record and files stay.

    One that is not published yet never is.
    """


@lazy_command("cvzmpi.level2.commands.programs:inbox", "Take in what was dropped into the inbox.")
@_campaign_options
def inbox() -> None:
    """Accept or reject the ready events that were dropped into the inbox."""


@lazy_command("cvzmpi.level2.commands.programs:fetch", "Bring the Level 1 data of programs.")
@click.argument("programs", nargs=-1)
@_campaign_options
def fetch() -> None:
    """Bring the Level 1 data of all invertible programs, or of PROGRAMS, to level1.directory.

    Start it again after any stop: it goes on. The section [level1] says where the data come from.
    """


@lazy_command("cvzmpi.level2.commands.programs:preprocess", "Prepare programs for the inversion.")
@_campaign_options
def preprocess() -> None:
    """Prepare the invertible programs whose Level 1 data are here."""


@lazy_command("cvzmpi.level2.commands.programs:publish", "Publish all that is inverted.")
@_campaign_options
def publish() -> None:
    """Publish all that is inverted, and register it with the metadata store."""


@lazy_command("cvzmpi.level2.commands.programs:retry", "Let programs in error go on.")
@click.argument("programs", nargs=-1, required=True)
@_campaign_options
def retry() -> None:
    """Let programs in error go on from where they failed."""


@lazy_command("cvzmpi.level2.commands.programs:reopen", "Look at a program from the beginning.")
@_program_argument
@_campaign_options
def reopen() -> None:
    """Look at an inverted program from the beginning; what was published stays."""


@lazy_command(
    "cvzmpi.level2.commands.programs:serve", "Run all steps on a schedule, with a web page."
)
@_campaign_options
def serve() -> None:
    """Run all steps on a schedule, and serve a page with everything about the programs."""


# ----------------------------------------------------------------- the jobs


@lazy_command("cvzmpi.level2.commands.run:run", "Invert the prepared programs.", start=JOB)
@ranks_per_team("program")
@_campaign_options
def run() -> None:
    """Invert the prepared programs that nobody has reserved; with mpirun or srun, on all ranks.

    Start it again after any stop: only what is missing is done.
    """


@lazy_command("cvzmpi.level2.commands.ledger:status", "Show what is done, how fast, what failed.")
@status_options
@_campaign_options
def status() -> None:
    """Show the state of the campaign: what is done, how fast, which jobs work, what failed."""


@lazy_command("cvzmpi.level2.commands.ledger:history", "Tell the whole history of one program.")
@_program_argument
@_campaign_options
def history() -> None:
    """Tell the history of a program, with the jobs, ranks and machines that worked on it."""


_COMMANDS = (
    *(config, scan, qualify, list_programs, show, reserve, claim, release, inverted, inbox),
    *(note, withdraw),
    *(fetch, preprocess, publish, retry, reopen, serve),
    *(run, status, history),
    *MAP_COMMANDS,
)
level2 = click.Group(
    "level2",
    {str(command.name): command for command in _COMMANDS},
    help="Maps of the Sun's magnetic field from DKIST data.",
)
