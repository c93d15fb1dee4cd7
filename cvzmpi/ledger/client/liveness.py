"""Whether the other jobs of a campaign live."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime

from cvzmpi.ledger import process
from cvzmpi.ledger.records import Job


class Liveness:
    """Watches the signs of life of other jobs.

    A job on this machine is dead when its process is gone. One elsewhere is when the queue has
    started it again, or its heartbeat has not changed for as long as a lease *while this job was
    watching*. So no two clocks are ever compared, and nobody is taken for dead because nobody could
    reach the database. Commands give no signs of life, and have nothing to lose.

    Parameters
    ----------
    own : Job
    lease : float
        Seconds.
    """

    def __init__(self, own: Job, lease: float) -> None:
        self._own = own
        self._lease = lease
        self._seen: dict[int, tuple[datetime, float]] = {}  # heartbeat, when first seen
        self._alive: set[int] = set()

    def is_dead(self, job: Job) -> bool:
        """Whether a job is dead, as far as is known now."""
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
        """Whether a job has shown a sign of life since this one watches."""
        return job.id in self._alive or process.is_gone(job.process) is False

    def forget_times(self) -> None:
        """Begin to watch anew: for some time the database could not be reached."""
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
