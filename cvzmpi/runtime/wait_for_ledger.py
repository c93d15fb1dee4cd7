"""A job that begins while the ledger's database is away waits for it."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from cvzmpi.errors import LedgerUnavailableError
from cvzmpi.ledger.client.waiting import BackOff
from cvzmpi.mpi.stopping import JobStopped
from cvzmpi.said_once import SaidOnce

T = TypeVar("T")

_APART_SECONDS = 0.25  # at most, so that jobs that wait do not all try at once
_LOOK_SECONDS = 0.1  # a signal is handled between two looks
_TO_THE_END_SECONDS = 1.0  # that an attempt gets when the job is to stop


def wait_for_ledger(begin: Callable[[], T], patience: float, say: Callable[[str], None]) -> T:
    """Do what needs the ledger; where it is away, again and again, with longer and longer pauses.

    Parameters
    ----------
    begin : callable
        What a job does first; may be done again after it failed. It is done in another thread:
        within a driver of a database, a signal would wait for seconds. A request to stop ends the
        wait, and gives an attempt that is being made a second.
    patience : float
        Seconds after which no more attempt is made.
    say : callable
        Takes a line: why the job waits, once, and again when the reason is another.

    Raises
    ------
    LedgerUnavailableError
        If it is still away when the patience is over.
    JobStopped
        If the job is asked to stop meanwhile, and the attempt that is being made does not succeed.
    CvzmpiError
        Whatever else `begin` raises, at once.
    """
    said, back_off = SaidOnce(say), BackOff()
    give_up = time.monotonic() + patience
    while True:
        try:
            result = _Attempt(begin).result()
        except LedgerUnavailableError as error:
            if time.monotonic() >= give_up:
                raise
            said.tell(f"waits for the ledger, for {patience:.0f} s at most: {error}")
            back_off.failed(error)
            while not back_off.is_time_to_try():
                time.sleep(_LOOK_SECONDS)
            time.sleep(random.uniform(0, _APART_SECONDS))
        else:
            said.over("the ledger is back")
            return result


class _Attempt(Generic[T]):
    """Something that is done in a thread of its own, which ends with the process."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._result: list[T] = []
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="beginning", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._result.append(self._work())
        except BaseException as error:
            self._error = error

    def result(self) -> T:
        """Return or raise what the work did, also where a request to stop comes just before."""
        try:
            while self._thread.is_alive():
                self._thread.join(_LOOK_SECONDS)
        except JobStopped:
            self._thread.join(_TO_THE_END_SECONDS)
            if not self._result:
                raise
        if self._error is not None:
            raise self._error
        return self._result[0]
