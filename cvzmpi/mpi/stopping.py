"""Requests to stop a job, by signal or because its time is almost over; and its end at once.

Queues send SIGTERM when they want the nodes back, and SIGUSR1, SIGUSR2 or SIGXCPU when a limit is
near; LSF begins with SIGINT, which is also what Ctrl-C sends, and a terminal that goes away sends
SIGHUP. They may reach any rank, all of them, or none before the kill. A rank that got one tells the
others. Stopping at a checkpoint saves work; it is not needed for correctness, since a job can go on
from every state of the files. A second signal ends the process at once; but the same one often
comes twice, from the queue and through the launcher, so only one that comes later is a second.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cvzmpi.mpi.library import MPI
    from cvzmpi.mpi.one_rank import OneRank

_OF_QUEUES = (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGXCPU)
_OF_TERMINALS = (signal.SIGINT, signal.SIGHUP)
SIGNALS = (*_OF_QUEUES, *_OF_TERMINALS)
_SAME_SIGNAL_SECONDS = 2.0

DEFECT = 70
"""Exit status of a job that a defect ended; none of those that a job ends with (`all_ranks`)."""


class JobStopped(BaseException):
    """The job was asked to stop before it gave out units.

    No `Exception`, as KeyboardInterrupt is none: it comes at any place, and nobody but those who
    end the job is to catch it.
    """


class StopRequest:
    """The request to stop this process, if there is one."""

    def __init__(self) -> None:
        self.reason: str | None = None  # the signal, or what rank 0 said
        self._signalled: float | None = None
        self._interrupts = False

    def __bool__(self) -> bool:
        return self.reason is not None

    def ask(self, reason: str) -> None:
        """Ask to stop; the first reason stays."""
        self.reason = self.reason or reason

    def listen(self) -> None:
        """From now on, take the signals as requests.

        Those of terminals only where they are not ignored: `nohup` ignores SIGHUP, and a shell that
        runs a script ignores SIGINT for what it starts in the background.
        """
        for number in SIGNALS:
            if number in _OF_QUEUES or signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._received)

    @contextmanager
    def interrupting(self) -> Iterator[None]:
        """Let a request end the work in this context at any place, by an exception.

        Raises
        ------
        JobStopped
            When there is a request, or was one before.
        """
        self._interrupts = True
        try:
            if self.reason is not None:
                raise JobStopped(self.reason)
            yield
        finally:
            self._interrupts = False

    def _received(self, number: int, frame: FrameType | None) -> None:
        del frame
        now = time.monotonic()
        is_late = self._signalled is not None and now - self._signalled > _SAME_SIGNAL_SECONDS
        if is_late and number != signal.SIGXCPU:  # the system repeats that one each second
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        self._signalled = self._signalled or now
        self.ask(signal.Signals(number).name)
        if self._interrupts:
            self._interrupts = False
            raise JobStopped(self.reason)


def ignore_signals() -> None:
    """From now on, signals do nothing: the process is on its way out.

    When the first rank has ended with another status than 0, Slurm asks the others to end, and a
    signal would take the place of *their* status.
    """
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def job_end(environment: Mapping[str, str] = os.environ) -> float | None:
    """When the queue will end this job.

    Returns
    -------
    float or None
        Seconds since the epoch; None where there is no limit, or none is known.
    """
    end = environment.get("SLURM_JOB_END_TIME")
    if end is not None:
        return float(end) if end.isdecimal() else None
    job = environment.get("SLURM_JOB_ID")
    if job is None:
        return None
    command = ["squeue", "--noheader", "--jobs", job, "--format", "%e"]  # 2026-11-22T05:00:00
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
        return time.mktime(time.strptime(answer.stdout.strip(), "%Y-%m-%dT%H:%M:%S"))
    except (OSError, subprocess.SubprocessError, ValueError):
        return None  # the queue's kill is then the only end, as it may be at any time


def abort_job(communicator: MPI.Comm | OneRank, reason: str, status: int = DEFECT) -> None:
    """End all ranks of the job, with a line for the user: after a defect the others would hang."""
    print(f"cvzmpi: the job ends: {reason}", file=sys.stderr)
    sys.stdout.flush()
    sys.stderr.flush()
    communicator.Abort(status)
