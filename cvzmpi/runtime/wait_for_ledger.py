"""A job that begins while the ledger's database is away waits for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

from tenacity import RetryCallState, Retrying
from tenacity.retry import retry_if_exception_type
from tenacity.stop import stop_after_delay
from tenacity.wait import wait_exponential, wait_random

from cvzmpi.errors import LedgerUnavailableError
from cvzmpi.ledger.client.waiting import FIRST_PAUSE, LONGEST_PAUSE
from cvzmpi.messages.said_once import SaidOnce
from cvzmpi.mpi.stopping import JobStopped

T = TypeVar("T")

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
    said = SaidOnce(say)

    def tell(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome is not None else None
        said.tell(f"waits for the ledger, for {patience:.0f} s at most: {error}")

    retrying = Retrying(
        retry=retry_if_exception_type(LedgerUnavailableError),
        # the random part keeps jobs that wait from trying all at once
        wait=wait_exponential(FIRST_PAUSE, LONGEST_PAUSE) + wait_random(0, FIRST_PAUSE),
        stop=stop_after_delay(patience),
        before_sleep=tell,
        reraise=True,
    )
    result = retrying(lambda: _attempt(begin))
    said.over("the ledger is back")
    return result


def _attempt(work: Callable[[], T]) -> T:
    """Do something in a thread of its own, which ends with the process.

    The result counts also where a request to stop comes just before.
    """
    ended: Future[T] = Future()

    def run() -> None:
        try:
            ended.set_result(work())
        except BaseException as error:
            ended.set_exception(error)

    threading.Thread(target=run, name="beginning", daemon=True).start()
    try:
        while not ended.done():
            wait([ended], _LOOK_SECONDS)
    except JobStopped:
        wait([ended], _TO_THE_END_SECONDS)
        if not ended.done() or ended.exception() is not None:
            raise
    return ended.result()
