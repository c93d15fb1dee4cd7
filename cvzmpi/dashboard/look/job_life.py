"""Whether a running job lives, as far as who only reads the ledger can tell."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from enum import Enum

from cvzmpi.ledger import process
from cvzmpi.ledger.status.status import RunningJob

_SILENT_SECONDS = 30.0


class Life(str, Enum):
    """What is known of a job that has not ended."""

    LIVES = "lives"
    SILENT = "silent"
    DEAD = "dead"

    def __str__(self) -> str:
        return self.value


class JobLife:
    """Judges whether jobs live, by their processes and their heartbeats.

    A job on this machine is dead when its process is gone. A job elsewhere is dead when it has been
    silent for a lease. Its silence is counted from the last heartbeat that came while somebody
    looked; before one came, by the clocks of its machine and of this one. Commands give no signs of
    life, and are never dead by their silence.

    Parameters
    ----------
    lease : float
        Seconds.
    clock : callable
        Returns the time in seconds, from any origin.
    """

    def __init__(self, lease: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._lease = lease
        self._clock = clock
        self._heard: dict[int, tuple[datetime, float | None]] = {}  # heartbeat, when it came

    def of(self, running: RunningJob) -> Life:
        """What is known of a job now."""
        job = running.job
        gone = process.is_gone(job.process)
        if gone is not None:
            return Life.DEAD if gone else Life.LIVES
        if job.heartbeat == job.started:
            return Life.LIVES
        silent = self._silence(running)
        if silent > self._lease:
            return Life.DEAD
        return Life.SILENT if silent > _SILENT_SECONDS else Life.LIVES

    def _silence(self, running: RunningJob) -> float:
        job, now = running.job, self._clock()
        heartbeat, came = self._heard.setdefault(job.id, (job.heartbeat, None))
        if heartbeat != job.heartbeat:
            came = now
            self._heard[job.id] = (job.heartbeat, came)
        return running.silent if came is None else now - came
