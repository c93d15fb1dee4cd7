"""A command on all ranks: the start of MPI, and the exit status that all ranks end with."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from cvzmpi.errors import CvzmpiError, LaunchError, PutOffError, UnavailableError
from cvzmpi.messages.redaction import redacted, show_traceback
from cvzmpi.mpi.launch import World, pin_to_one_core
from cvzmpi.mpi.launcher import rank_by_launcher
from cvzmpi.mpi.stopping import DEFECT, JobStopped, StopRequest, ignore_signals

if TYPE_CHECKING:
    from cvzmpi.scheduler.bookkeeping import JobOutcome

DONE, SOME_FAILED, USAGE, INCOMPLETE = 0, 1, 2, 75
"""Exit status: everything done; done, but some units failed; usage or configuration; not everything
is done, to be run again (sysexits.h calls 75 a temporary failure)."""
INTERRUPTED = 130
"""Exit status of a command that Ctrl-C ended, as shells have it."""

_SPEAKS = 3.0  # seconds that the rank that speaks may be behind the others


def job_on_all_ranks(work: Callable[[World], int]) -> int:
    """Do as `on_all_ranks` does, for a job that stops in good order when a signal asks it to."""
    stop = StopRequest()
    stop.listen()
    try:
        return on_all_ranks(work, stop)
    except JobStopped as stopped:
        complain(f"{stopped}: stopped before anything was begun")
        return INCOMPLETE


def on_one_core(work: Callable[[], int]) -> int:
    """Do something in this process alone, with one thread for BLAS; before NumPy is imported."""
    pin_to_one_core()
    return work()


def on_all_ranks(work: Callable[[World], int], stop: StopRequest | None = None) -> int:
    """Start MPI and do something on all ranks.

    Parameters
    ----------
    work : callable
        Takes the world; gives the exit status, the same on all ranks.
    stop : StopRequest, optional
        Of a job that listens to signals already. Without it, Ctrl-C ends all ranks at once.

    Returns
    -------
    int
        The exit status; where `work` raised an error for the user, as `complain_of` has it.

    Raises
    ------
    JobStopped
        On all ranks, if the job was asked to stop before it gave out units.
    """
    world = _start(stop)
    try:
        return work(world)
    except CvzmpiError as error:
        return complain_of(error) if world.rank == 0 else status_of(error)
    except JobStopped:
        raise
    except KeyboardInterrupt:
        if world.size > 1:
            world.abort(f"interrupted on rank {world.rank}", INTERRUPTED)
        raise
    except BaseException as error:
        lacking = lacking_library(error)
        if lacking is not None:
            world.abort(lacking, USAGE)
        show_traceback(error)
        world.abort()
        raise
    finally:
        ignore_signals()


def _start(stop: StopRequest | None) -> World:
    """Start MPI.

    What comes in between ends this process without MPI's own end, which would wait for all ranks;
    so the launcher notices, and ends them.
    """
    try:
        pin_to_one_core()
        return World.start(stop)
    except CvzmpiError:
        raise
    except BaseException as error:
        is_interrupted = isinstance(error, KeyboardInterrupt)
        if is_interrupted:
            complain("interrupted")
        else:
            show_traceback(error)
        sys.stderr.flush()
        os._exit(INTERRUPTED if is_interrupted else DEFECT)


def exit_status(outcome: JobOutcome | None) -> int:
    """The exit status of a job, on rank 0."""
    assert outcome is not None, "rank 0 has one"
    if not outcome.complete:
        return INCOMPLETE
    return SOME_FAILED if outcome.failed else DONE


def status_after(error: BaseException) -> int:
    """Say why a command ended: in one line, or for a defect with its traceback.

    Other ranks than the one that speaks wait for it: a launcher ends all as soon as one has failed.

    Returns
    -------
    int
        The exit status.
    """
    status = _said(error)
    if rank_by_launcher() != _speaker(error):
        time.sleep(_SPEAKS)
    return status


def _speaker(error: BaseException) -> int:
    """The rank that tells an error that all have."""
    return error.rank if isinstance(error, LaunchError) else 0


def _said(error: BaseException) -> int:
    """Say why a command ended, on the rank that speaks; the exit status."""
    if isinstance(error, click.Abort | KeyboardInterrupt):
        complain("interrupted")
        return INTERRUPTED
    if isinstance(error, CvzmpiError):
        return complain_of(error)
    message = lacking_library(error)
    if isinstance(error, click.ClickException):
        message = error.format_message()
    if message is None:
        show_traceback(error)
        return DEFECT
    complain(message)
    return USAGE


def complain_of(error: CvzmpiError) -> int:
    """Say what went wrong, from one of the ranks that all have this error; its exit status.

    See Also
    --------
    status_of
    """
    status = status_of(error)
    later = "; to be run again later" if status == INCOMPLETE else ""
    complain(f"{error}{later}", _speaker(error))
    return status


def status_of(error: CvzmpiError) -> int:
    """The exit status that an error means.

    Returns
    -------
    int
        USAGE where a person must change something; INCOMPLETE where the same may work later.
    """
    return INCOMPLETE if isinstance(error, UnavailableError | PutOffError) else USAGE


def lacking_library(error: BaseException) -> str | None:
    """The message for a shared library that could not be loaded; None for any other error.

    Such libraries, as MPI and HDF5, are often in environment modules of a cluster, and are gone
    where these are not loaded.
    """
    if not isinstance(error, ImportError) or ".so" not in str(error):
        return None
    return (
        f"a library cannot be loaded: {' '.join(str(error).split())}: load the MPI and the HDF5 "
        "that cvzmpi was set up with, or set it up anew with those that are here (`make setup`)"
    )


def complain(message: str, rank: int = 0) -> None:
    """Print each line of a message to stderr, from one of the ranks that all have it."""
    if rank_by_launcher() != rank:
        return
    for line in redacted(message).splitlines():
        # "cvzmpi scan needs ..." says itself who speaks
        click.echo(line if line.startswith("cvzmpi ") else f"cvzmpi: {line}", err=True)
