"""A database that is away: since when, and when to try it again."""

from __future__ import annotations

import time

from cvzmpi.errors import LedgerLostError, LedgerUnavailableError

_FIRST_PAUSE = 0.25  # seconds
_LONGEST_PAUSE = 15.0
_HOPELESS_SECONDS = 15.0


class BackOff:
    """When to try a database again that is away, and for how long it has been.

    Attributes
    ----------
    problem : str, optional
        Why it is; None where it is here.
    may_pass : bool
        Whether it may be back by itself: it does not answer, or is locked. Else a file is lost,
        damaged or read-only.
    is_lost : bool
        Whether another ledger is in the place of this one, or none.
    """

    def __init__(self) -> None:
        self.problem: str | None = None
        self.may_pass = True
        self.is_lost = False
        self._since: float | None = None
        self._try_again = 0.0
        self._pause = _FIRST_PAUSE

    def seconds(self) -> float | None:
        """For how long it has been away; None where it is here."""
        since = self._since
        return None if since is None else time.monotonic() - since

    def patience(self, longest: float, can_be_kept: bool) -> float:
        """How long to wait for it.

        Parameters
        ----------
        longest : float
            Seconds.
        can_be_kept : bool
            Whether what happens meanwhile can be kept elsewhere.
        """
        return longest if self.may_pass and can_be_kept else min(longest, _HOPELESS_SECONDS)

    def is_time_to_try(self) -> bool:
        """Whether enough time has passed since the last attempt that failed."""
        return time.monotonic() >= self._try_again

    def failed(self, error: Exception) -> None:
        """It could not be reached. Each time that follows, there is a longer pause."""
        now = time.monotonic()
        if self._since is None:
            self._since, self._pause = now, _FIRST_PAUSE
        self._try_again = now + self._pause
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        self.problem = str(error)
        self.may_pass = isinstance(error, LedgerUnavailableError | OSError)
        self.is_lost = isinstance(error, LedgerLostError)

    def over(self) -> None:
        """It could be reached."""
        self._since = self.problem = None
        self.may_pass, self.is_lost = True, False
