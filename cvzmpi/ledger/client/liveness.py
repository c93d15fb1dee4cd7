"""Signs of life: the heartbeat that a job gives, and what it concludes from those of others."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Mapping
from datetime import datetime

from cvzmpi.ledger import process
from cvzmpi.ledger.records import Job

_BEATS = 13  # that the speed is measured over: a minute, with one every five seconds


class Heartbeat:
    """The signs of life that a job gives, and its speed over the last ones.

    Parameters
    ----------
    interval : float
        Seconds between two signs of life.
    """

    def __init__(self, interval: float) -> None:
        self.steps = 0  # done so far
        self._interval = interval
        self._beats: deque[tuple[float, int]] = deque(maxlen=_BEATS)  # when, and steps by then

    def is_due(self) -> bool:
        """True if it is time for a sign of life."""
        last = self._beats[-1][0] if self._beats else -math.inf
        return time.monotonic() - last >= self._interval

    def beat(self) -> None:
        """Note that a sign of life is given now."""
        self._beats.append((time.monotonic(), self.steps))

    def steps_per_second(self) -> float:
        """The speed over the last signs of life."""
        (begun, steps_before), (ended, steps) = self._beats[0], self._beats[-1]
        return (steps - steps_before) / (ended - begun) if ended > begun else 0.0


class Liveness:
    """Judges whether other jobs live, by their processes and their heartbeats.

    A job on this machine is dead when its process is gone. A job elsewhere is dead when the queue
    has started it again, or when its heartbeat has not changed for a lease *while this job was
    listening*. So clocks of two machines are never compared, and no job is taken for dead because
    the database could not be reached. Commands give no signs of life, and have nothing to lose.

    Parameters
    ----------
    lease : float
        Seconds.
    """

    def __init__(self, own: Job, lease: float) -> None:
        self._own = own
        self._lease = lease
        self._seen: dict[int, tuple[datetime, float]] = {}  # heartbeat, when first seen
        self._alive: set[int] = set()

    def is_dead(self, job: Job) -> bool:
        """True if a job is dead, as far as is known now."""
        if job.ended is not None or self._was_started_again(job):
            return True
        gone = process.is_gone(job.process)
        if gone is not None:
            return gone
        if job.heartbeat == job.started:
            return False
        now = time.monotonic()
        heartbeat, since = self._seen.setdefault(job.id, (job.heartbeat, now))
        if heartbeat != job.heartbeat:
            self._seen[job.id] = (job.heartbeat, now)
            self._alive.add(job.id)
            return False
        return now - since > self._lease

    def is_known_to_live(self, job: Job) -> bool:
        """True if a job has given a sign of life since this one listens."""
        return job.id in self._alive or process.is_gone(job.process) is False

    def forget_times(self) -> None:
        """Listen from now on: the database could not be reached for some time."""
        self._seen.clear()

    def _was_started_again(self, job: Job) -> bool:
        if job.queue_id is None or self._own.queue_id is None:
            return False
        (theirs, run), (ours, own_run) = _run(job.queue_id), _run(self._own.queue_id)
        return theirs == ours and run < own_run


def queue_id(environment: Mapping[str, str]) -> str | None:
    """The queue's number of this job, and how often the queue has started it again."""
    job = environment.get("SLURM_JOB_ID")
    restarts = environment.get("SLURM_RESTART_COUNT", "0")
    return f"{job}+{restarts}" if job is not None and restarts != "0" else job


def _run(queue_id: str) -> tuple[str, int]:
    job, _, run = queue_id.partition("+")
    return job, int(run[:10]) if run.isdecimal() else 0
