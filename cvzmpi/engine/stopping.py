"""Stopping well: by signal, or because the job's time is almost over.

SIGTERM (the queue wants the nodes) and SIGUSR1 (the time limit is near) may reach any rank, all of
them, or none before the kill. A rank that got one tells the others; what they do about it is only
a matter of tidiness, since every state of the files is good to go on from. A second signal ends
the process at once; but the same one often comes twice, from the queue and through the launcher, so
only one that comes later is a second.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGUSR1)
_SAME_SIGNAL_SECONDS = 2.0


_listening: list[StopRequest] = []


def stop_reason() -> str | None:
    """Why this process was asked to stop; None while nobody asked."""
    return _listening[-1].reason if _listening else None


class StopRequest:
    """Whether this process was asked to stop, and why.

    Attributes
    ----------
    reason : str, optional
        The signal, or what rank 0 said; None while nobody asked.
    """

    def __init__(self) -> None:
        self.reason: str | None = None
        self._signalled: float | None = None

    def __bool__(self) -> bool:
        return self.reason is not None

    def ask(self, reason: str) -> None:
        """Ask to stop; the first reason stays."""
        self.reason = self.reason or reason

    def listen(self) -> None:
        """From now on, take the signals as requests."""
        _listening.append(self)
        for number in SIGNALS:
            signal.signal(number, self._received)

    def _received(self, number: int, frame: FrameType | None) -> None:
        del frame
        now = time.monotonic()
        if self._signalled is not None and now - self._signalled > _SAME_SIGNAL_SECONDS:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        self._signalled = self._signalled or now
        self.ask(signal.Signals(number).name)


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
