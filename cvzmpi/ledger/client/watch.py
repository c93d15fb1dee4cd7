"""What a running job sees of the others: which of them have units, and which are dead."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cvzmpi.ledger.client.liveness import Liveness
from cvzmpi.ledger.client.takeover import Evidence, take_over
from cvzmpi.ledger.client.wait_for_others import describe
from cvzmpi.ledger.ledger import Ledger
from cvzmpi.ledger.records import Job

_log = logging.getLogger(__name__)

SECONDS = 2.0
"""Between two looks."""


@dataclass(frozen=True)
class Seen:
    """What was seen of the other jobs.

    Attributes
    ----------
    living : sequence of (Job, int)
        Those that have units, and how many.
    some_unheard : bool
        Whether one of these has shown no sign of life since this one watches: it may be dead.
    n_died : int
        How many were dead, since the last time.
    """

    living: Sequence[tuple[Job, int]] = ()
    some_unheard: bool = False
    n_died: int = 0

    def n_units(self) -> int:
        """How many units the living have."""
        return sum(count for _, count in self.living)


class Watch:
    """Looks after the other jobs now and then, and takes over the units of those that are dead.

    Parameters
    ----------
    ledger : Ledger
    job : Job
    outboxes : Path
        Directory of the outboxes.
    evidence : Evidence
        Asked about the units of dead jobs.
    max_attempts : int
        A unit that has used up so many has failed.
    lease : float
        Seconds without a sign of life after which a job on another machine counts as dead.
    limited : bool
        Whether only units of the job's batch are of interest.
    """

    def __init__(
        self,
        ledger: Ledger,
        job: Job,
        outboxes: Path,
        evidence: Evidence,
        *,
        max_attempts: int,
        lease: float,
        limited: bool,
    ) -> None:
        self._ledger, self._job = ledger, job
        self._outboxes, self._evidence = outboxes, evidence
        self._max_attempts, self._limited = max_attempts, limited
        self._liveness = Liveness(job, lease)
        self._n_died = 0  # since a look that came to its end
        self._last = -math.inf

    def is_due(self) -> bool:
        """Whether it is time to look."""
        return time.monotonic() - self._last >= SECONDS

    def look(self) -> Seen:
        """See which jobs have units, and take over the units of those that are dead."""
        living = []
        for other, n_units in self._ledger.claims.of_others(self._job, limited=self._limited):
            if self._liveness.is_dead(other):
                self._take_over(other)
                self._n_died += 1
            elif n_units:
                living.append((other, n_units))
        if living and self._last == -math.inf:
            _log.warning("other jobs work on this campaign: %s", describe(living))
        some_unheard = any(not self._liveness.is_known_to_live(job) for job, _ in living)
        self._last = time.monotonic()
        seen, self._n_died = Seen(living, some_unheard, self._n_died), 0
        return seen

    def begin_anew(self) -> None:
        """For some time the database could not be reached: nobody could give a sign of life."""
        self._liveness.forget_times()

    def _take_over(self, dead: Job) -> None:
        events = take_over(
            self._ledger, dead, self._job, self._outboxes, self._evidence, self._max_attempts
        )
        how = "is dead" if dead.ended is None else f"has ended ({dead.outcome})"
        _log.info("job %d on %s %s", dead.id, dead.host, how)
        for event in events:
            _log.info("%s: %s", event.unit, event.message)
