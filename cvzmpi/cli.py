"""The command line. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from importlib import import_module

import click

from cvzmpi import __version__
from cvzmpi.cvz import commands as cvz_commands
from cvzmpi.errors import CvzmpiError, LaunchError
from cvzmpi.mpi.abort import DEFECT
from cvzmpi.redaction import show_traceback
from cvzmpi.runtime import ledger_commands
from cvzmpi.runtime.all_ranks import INTERRUPTED, USAGE, complain, complain_of, lacking_library


class _RunByDefault(click.Group):
    """`cvzmpi` and `cvzmpi my.toml` mean `cvzmpi run` and `cvzmpi run my.toml`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] not in {"--help", "--version"}):
            args = ["run", *args]
        return super().parse_args(ctx, args)


class _Room(click.Group):
    """The commands of a room; its module is imported when they are asked for."""

    def __init__(self, name: str, module: str, help: str) -> None:
        super().__init__(name, help=help)
        self._module = module

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [str(command.name) for command in self._load()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return next((command for command in self._load() if command.name == cmd_name), None)

    def _load(self) -> Sequence[click.Command]:
        return import_module(self._module).COMMANDS


@click.group(cls=_RunByDefault, context_settings={"max_content_width": 100})
@click.version_option(__version__, prog_name="cvzmpi")
def cli() -> None:
    """Bulk processing of astronomical campaigns over MPI.

    Without a command, `run` is meant: `mpirun -n 9 python -m cvzmpi` works on the campaign that
    ./cvzmpi.toml describes.
    """


for command in (*cvz_commands.COMMANDS, *ledger_commands.COMMANDS):
    cli.add_command(command)
cli.add_command(
    _Room("level2", "cvzmpi.level2.commands", "Maps of the Sun's magnetic field from DKIST data.")
)


class _Interrupted(KeyboardInterrupt):
    """Ctrl-C.

    Where Python's own KeyboardInterrupt passes through `exec`, the process would end by the signal
    in the end, in place of our exit status.
    """


def _interrupt(*_: object) -> None:
    raise _Interrupted


def main() -> None:
    """Run the command line; an error for the user is one line, and the exit status 2 or 75."""
    if signal.getsignal(signal.SIGINT) in (signal.SIG_DFL, signal.default_int_handler):
        signal.signal(signal.SIGINT, _interrupt)
    try:
        status = cli.main(standalone_mode=False)
    except click.ClickException as error:
        complain(error.format_message())
        sys.exit(USAGE)
    except (click.Abort, KeyboardInterrupt):
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # once more, and nothing is waited for
        complain("interrupted")
        sys.exit(INTERRUPTED)
    except LaunchError as error:
        complain(str(error), error.rank)
        sys.exit(USAGE)
    except CvzmpiError as error:
        sys.exit(complain_of(error))
    except ImportError as error:
        lacking = lacking_library(error)
        if lacking is None:
            show_traceback(error)
            sys.exit(DEFECT)
        complain(lacking)
        sys.exit(USAGE)
    except Exception as error:
        show_traceback(error)
        sys.exit(DEFECT)
    sys.exit(status)
