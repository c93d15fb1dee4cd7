"""Waits with an end: for a database that is away, and for other jobs that have the last units."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from cvzmpi.errors import LedgerLostError, LedgerUnavailableError
from cvzmpi.ledger.records import Job
from cvzmpi.messages.wording import counted

_log = logging.getLogger(__name__)

FIRST_PAUSE = 0.25  # seconds
LONGEST_PAUSE = 15.0
_HOPELESS_SECONDS = 15.0

LONGEST = 300.0
"""Seconds to wait for other jobs. They end what they have within a minute or two, as a rule; if one
dies or is stopped, the job that waits takes its units."""
_N_NAMED = 3


class BackOff:
    """Longer and longer pauses between attempts to reach a database that is away."""

    def __init__(self) -> None:
        self.problem: str | None = None  # why it cannot be reached; None where it can
        # Whether it may be back by itself: it does not answer, or is locked. Else a file is lost,
        # damaged or read-only.
        self.may_pass = True
        self.is_lost = False  # whether there is no ledger any more, or another one in its place
        self._since: float | None = None
        self._try_again = 0.0
        self._pause = FIRST_PAUSE

    def seconds(self) -> float | None:
        """For how long the database has been away; None where it is here."""
        since = self._since
        return None if since is None else time.monotonic() - since

    def patience(self, longest: float, can_be_kept: bool) -> float:
        """The seconds to wait for the database.

        Parameters
        ----------
        longest : float
            Seconds.
        can_be_kept : bool
            Whether what happens meanwhile can be kept elsewhere.
        """
        return longest if self.may_pass and can_be_kept else min(longest, _HOPELESS_SECONDS)

    def is_time_to_try(self) -> bool:
        """True if enough time has passed since the last attempt that failed."""
        return time.monotonic() >= self._try_again

    def failed(self, error: Exception) -> None:
        """Note that the database could not be reached; the next pause is longer."""
        now = time.monotonic()
        if self._since is None:
            self._since, self._pause = now, FIRST_PAUSE
        self._try_again = now + self._pause
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
        self.problem = str(error)
        self.may_pass = isinstance(error, LedgerUnavailableError | OSError)
        self.is_lost = isinstance(error, LedgerLostError)

    def over(self) -> None:
        """Note that the database could be reached."""
        self._since = self.problem = None
        self.may_pass, self.is_lost = True, False


class WaitForOthers:
    """A wait that is over when the others have no units, or end none for too long."""

    def __init__(self) -> None:
        self.is_on = False  # whether the job waits
        self._n_units = 0
        self._since = 0.0  # when they had more units for the last time

    def goes_on(self, others: Sequence[tuple[Job, int]]) -> bool:
        """True if there is still something to wait for.

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
        """Note that there is something to do."""
        self.is_on = False


def describe(others: Sequence[tuple[Job, int]]) -> str:
    """The jobs that have units, the first ones by name, and how many."""
    named = [f"job {job.id} on {job.host} has {count}" for job, count in others[:_N_NAMED]]
    if len(others) > _N_NAMED:
        named.append(counted(len(others) - _N_NAMED, "more job"))
    return ", ".join(named)
