"""The command line: every campaign under its name, and the commands of `cvz` without it.

Nothing heavy is imported before a command runs.
"""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

import click

from cvzmpi import __version__
from cvzmpi.cvz.commands.command_line import cvz
from cvzmpi.errors import one_line
from cvzmpi.runtime.command_line import HELP_OPTIONS, imported
from cvzmpi.runtime.run_by_default import RunByDefault

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

ENTRY_POINTS = "cvzmpi.campaigns"
"""Group of the entry points by which any package can bring a campaign, as a click command."""

CAMPAIGNS = {
    "cvz": "cvzmpi.cvz.commands.command_line:cvz",
    "level2": "cvzmpi.level2.commands.command_line:level2",
}
"""The entry points of this package, which need no search through all that is installed."""


class _CommandLine(RunByDefault):
    """The commands of `cvz`, the campaigns of this package, and those of other packages.

    Help does not list those of other packages: the search costs as much as all else.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*self.commands, *CAMPAIGNS})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if (command := super().get_command(ctx, cmd_name)) is not None:
            return command
        if cmd_name in CAMPAIGNS:
            return imported(CAMPAIGNS[cmd_name])
        if not cmd_name.isidentifier():  # `cvzmpi my.toml`, perhaps on a thousand ranks
            return None
        from importlib.metadata import entry_points  # as slow as click itself

        found = entry_points(group=ENTRY_POINTS, name=cmd_name)
        return _loaded(next(iter(found))) if found else None


def _loaded(campaign: EntryPoint) -> click.Command:
    """The command of a campaign; whatever is wrong with its package is one line."""
    try:
        command = campaign.load()
    except Exception as error:
        reason = f"{type(error).__name__}: {one_line(error)}"
    else:
        if isinstance(command, click.Command):
            return command
        reason = f"{campaign.value} is no click command"
    package = f"{campaign.dist.name} {campaign.dist.version}" if campaign.dist else campaign.module
    raise click.ClickException(f"{campaign.name}: package {package} is broken: {reason}")


@click.group(
    cls=_CommandLine,
    commands=cvz.commands,
    context_settings={"max_content_width": 100, **HELP_OPTIONS},
)
@click.version_option(__version__, prog_name="cvzmpi")
def cli() -> None:
    """Bulk processing of astronomical campaigns over MPI.

    `cvzmpi CAMPAIGN COMMAND` reaches every campaign. Without its name the campaign cvz is meant,
    and without a command `run`: `mpirun -n 9 python -m cvzmpi` works on the light curves that
    ./cvzmpi.toml describes. Other packages can bring more campaigns.
    """


class _Interrupted(KeyboardInterrupt):
    """Ctrl-C.

    Where Python's own KeyboardInterrupt passes through `exec`, the process ends by the signal, and
    not with our exit status.
    """


def _interrupt(*_: object) -> None:
    raise _Interrupted


def main() -> None:
    """Run the command line; an error for the user is one line, and the exit status 2 or 75."""
    if signal.getsignal(signal.SIGINT) in (signal.SIG_DFL, signal.default_int_handler):
        signal.signal(signal.SIGINT, _interrupt)
    try:
        status = cli.main(standalone_mode=False)
    except (Exception, KeyboardInterrupt) as error:
        if isinstance(error, click.Abort | KeyboardInterrupt):
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # a second Ctrl-C ends the process at once
        status = imported("cvzmpi.runtime.all_ranks:status_after")(error)
    sys.exit(status)
