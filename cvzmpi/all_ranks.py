"""A command on all ranks: how MPI is started for it, and the exit status that they all end with."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from cvzmpi.errors import CvzmpiError
from cvzmpi.redaction import redacted

if TYPE_CHECKING:
    from cvzmpi.engine.launch import World
    from cvzmpi.engine.tally import Tally

DONE, SOME_FAILED, USAGE, INCOMPLETE = 0, 1, 2, 75
"""Exit status: everything done; done, but some units failed; usage or configuration; not everything
is done, to be run again (sysexits.h calls 75 a temporary failure)."""


def on_all_ranks(work: Callable[[World], int]) -> int:
    """Start MPI and do something on all ranks.

    Parameters
    ----------
    work : callable
        Takes the world; gives the exit status, the same on all ranks.

    Returns
    -------
    int
        The exit status; that of a wrong usage where `work` raised an error for the user.
    """
    from cvzmpi.engine.launch import World, pin_to_one_core
    from cvzmpi.engine.stopping import ignore_signals

    pin_to_one_core()
    world = World.start()
    try:
        return work(world)
    except CvzmpiError as error:
        if world.rank == 0:
            complain(str(error))
        return USAGE
    except BaseException:
        traceback.print_exc()
        world.abort()
        raise
    finally:
        ignore_signals()


def exit_status(tally: Tally | None) -> int:
    """The exit status of a job, on rank 0."""
    assert tally is not None, "rank 0 has one"
    if not tally.complete:
        return INCOMPLETE
    return SOME_FAILED if tally.failed else DONE


def complain(message: str) -> None:
    """Each line of the message as one line of ours, from one of the ranks that all say it."""
    from cvzmpi.engine.launch import rank_by_launcher

    if rank_by_launcher() > 0:
        return
    for line in redacted(message).splitlines():
        click.echo(f"cvzmpi: {line}", err=True)
