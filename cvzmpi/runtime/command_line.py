"""Declare the commands of a campaign: options and help here, the body imported when it runs.

A campaign declares its commands in one module that imports nothing heavy, so that help is quick:

    @lazy_command("my_package.flares:count_flares", "Count the flares of a star.")
    @click.argument("star")
    def count() -> None:
        \"\"\"Count the flares of a star, in all its light curves.\"\"\"

`cvzmpi my-campaign count X` then calls `count_flares(star="X")`, whose result is the exit status.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import click

from cvzmpi.extras import needs
from cvzmpi.given_path import GIVEN_PATH

JOB = "cvzmpi.runtime.all_ranks:job_on_all_ranks"
ALL_RANKS = "cvzmpi.runtime.all_ranks:on_all_ranks"
ONE_CORE = "cvzmpi.runtime.all_ranks:on_one_core"
"""Ways to start a body. On all ranks it gets the World as its first argument; a job also stops in
good order when a signal asks it to. On one core, BLAS has one thread, as in a job."""

HELP_OPTIONS = {"help_option_names": ["-h", "--help"]}
"""Context settings of a command, and of all commands below it, with both names of help."""

Declaration = Callable[..., Any]

config_option = click.option(
    "--config", "file", type=GIVEN_PATH, help="Configuration file.  [default: cvzmpi.toml]"
)
set_option = click.option(
    "--set", "settings", metavar="KEY=VALUE", multiple=True, help="Override a setting."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


class LazyCommand(click.Command):
    """A command whose body is imported when it runs; for `body` and `start` see `lazy_command`."""

    def __init__(self, *given: Any, body: str, start: str | None, **named: Any) -> None:
        super().__init__(*given, **named)
        self.body, self.start = body, start
        self.callback = self._run

    def _run(self, **given: Any) -> int:
        def call(*started: Any) -> int:
            with needs():
                return imported(self.body)(*started, **given)

        return call() if self.start is None else imported(self.start)(call)


def lazy_command(
    body: str, short_help: str, *, name: str | None = None, start: str | None = None
) -> Callable[[Declaration], LazyCommand]:
    """Decorate the declaration of a command: an empty function with its help and its options.

    Parameters
    ----------
    body : str
        `module:function` of what the command does. It gets the options by name, and returns the
        exit status.
    short_help : str
        One line for the list of commands.
    name : str, optional
        Of the command; by default that of the declaration.
    start : str, optional
        `JOB`, `ALL_RANKS` or `ONE_CORE`. The body is imported after that start, as NumPy and HDF5
        have to be.
    """
    return click.command(name, LazyCommand, body=body, start=start, short_help=short_help)


def imported(name: str) -> Any:
    """Import what `module:attribute` names."""
    module, _, attribute = name.partition(":")
    return getattr(import_module(module), attribute)


def status_options(declaration: Declaration) -> Declaration:
    """Add the options of a command that shows the state of a campaign with `show_status`."""
    options = (
        click.option("--watch", is_flag=True, help="Show it again and again, until interrupted."),
        click.option(
            "--interval",
            type=click.FloatRange(0.1),
            default=5.0,
            show_default=True,
            help="Seconds between two looks.",
        ),
        json_option,
    )
    for option in reversed(options):
        declaration = option(declaration)
    return declaration


def serve_options(declaration: Declaration) -> Declaration:
    """Add the options of a command that serves pages."""
    options = (
        click.option(
            "--host", default="127.0.0.1", show_default=True, help="Address to listen at."
        ),
        click.option(
            "--port",
            type=click.IntRange(0, 65535),
            default=8080,
            show_default=True,
            help="Port to listen at; 0 is any free one.",
        ),
        click.option(
            "--proxy",
            default="",
            metavar="ADDRESS",
            help="Address of a web server in front, whose headers name the client.",
        ),
    )
    for option in reversed(options):
        declaration = option(declaration)
    return declaration
