"""How a job that has nothing to do waits for the other jobs that have units."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from cvzmpi.ledger.records import Job

_log = logging.getLogger(__name__)

LONGEST = 300.0
"""Seconds. Other jobs end what they have within a minute or two, as a rule; if one dies or is
stopped, the job that waits takes its units."""
_N_NAMED = 3


class WaitForOthers:
    """A wait that is over when the others have no units, or end none for too long.

    Attributes
    ----------
    is_on : bool
        Whether the job waits.
    """

    def __init__(self) -> None:
        self.is_on = False
        self._n_units = 0
        self._since = 0.0  # when they had more units for the last time

    def goes_on(self, others: Sequence[tuple[Job, int]]) -> bool:
        """Whether there is still something to wait for.

        Parameters
        ----------
        others : sequence of (Job, int)
            The living jobs that have units, and how many.
        """
        n_units = sum(count for _, count in others)
        if not self.is_on and n_units:
            _log.warning("nothing else is left to do, waiting for others: %s", describe(others))
        now = time.monotonic()
        if not self.is_on or n_units < self._n_units:
            self._since = now
        self.is_on, self._n_units = n_units > 0, n_units
        return self.is_on and now - self._since < LONGEST

    def end(self) -> None:
        """There is something to do."""
        self.is_on = False


def describe(others: Sequence[tuple[Job, int]]) -> str:
    """The jobs that have units, the first ones by name, and how many."""
    named = [f"job {job.id} on {job.host} has {count}" for job, count in others[:_N_NAMED]]
    if len(others) > _N_NAMED:
        named.append(f"{len(others) - _N_NAMED} more jobs")
    return ", ".join(named)
