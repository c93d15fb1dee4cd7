"""A job that begins while the ledger's database is away waits for it."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

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
            result = _attempt(begin)
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
