"""The writer of a running job: a thread that talks to the database, so that nobody waits for it.

Whoever schedules tells it what happened and takes the units that it has claimed; both return at
once. The package's docstring says what the thread does, and when.
"""

from __future__ import annotations

import logging
import math
import queue
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from cvzmpi.errors import LedgerError
from cvzmpi.ledger.client.liveness import Heartbeat
from cvzmpi.ledger.client.outbox import Outbox, Undelivered, set_aside_lost
from cvzmpi.ledger.client.rules import Evidence, JobRules
from cvzmpi.ledger.client.takeover import OtherJobs, Seen
from cvzmpi.ledger.client.waiting import BackOff
from cvzmpi.ledger.ledger import Ledger
from cvzmpi.ledger.records import Event, Job, LedgerUnit
from cvzmpi.messages.said_once import SaidOnce

T = TypeVar("T")

_log = logging.getLogger(__name__)

_ROUND_SECONDS = 0.25
_ASK_SECONDS = 2.0  # between two questions for units, while there are none
_EVENTS_PER_ROUND = 2000


class JobWriter:
    """Writes to the ledger for a job, in a thread of its own.

    Parameters
    ----------
    outboxes : Path
        Directory of the outboxes.
    evidence : Evidence
        Asked about the units of dead jobs.
    """

    def __init__(
        self, ledger: Ledger, job: Job, outboxes: Path, rules: JobRules, evidence: Evidence
    ) -> None:
        self._ledger, self._job, self._rules = ledger, job, rules
        self._outboxes = outboxes
        # used by both threads
        self._told: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._given_back: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._claimed: queue.SimpleQueue[LedgerUnit] = queue.SimpleQueue()
        self._wanted = 0
        self._unwanted: set[str] = set()
        self._n_claimed = self._n_taken = 0
        self._lost_claims = False
        self._nothing_left = False
        self._seen = Seen()
        self._defect: Exception | None = None
        self._is_closing = threading.Event()
        self._back_off = BackOff()
        self._heartbeat = Heartbeat(rules.heartbeat)
        # used by the writer's thread alone
        self._others = OtherJobs(ledger, job, outboxes, rules, evidence)
        self._undelivered = Undelivered(Outbox(outboxes, job))
        self._said = SaidOnce(_log.warning)
        self._asked = -math.inf
        self._thread = threading.Thread(target=self._work, name="job writer", daemon=True)

    # ------------------------------------------------------------- for the scheduling thread

    @property
    def problem(self) -> str | None:
        """The reason why events cannot be delivered now; None where they can."""
        return self._back_off.problem

    def start(self, wanted: int) -> None:
        """Make the first round at once, and the others from now on.

        Raises
        ------
        LedgerError
            If the database does not do as it should.
        """
        self._wanted = wanted
        set_aside_lost(self._outboxes, self._job, self._ledger.jobs.all)
        self._deliver()  # a sign of life, before there is anything to be lost
        self._look_around()
        self._claim()
        self._thread.start()

    def tell(self, event: Event) -> None:
        """Have an event recorded."""
        self._told.put(event)

    def give_back(self, unit: str) -> None:
        """Give up the claim on a unit that was not begun, and not claim it again."""
        self.put_off(unit)
        self._given_back.put(unit)

    def put_off(self, unit: str) -> None:
        """Do not claim a unit again."""
        self._unwanted.add(unit)

    def steps_done(self, steps: int) -> None:
        """Count what is done, for the registry of jobs."""
        self._heartbeat.steps += steps

    def want(self, n: int) -> None:
        """Say how many claimed units shall wait to be taken."""
        self._wanted = n

    def claimed(self) -> list[LedgerUnit]:
        """The units that were claimed since the last call.

        Raises
        ------
        Exception
            What ended the writer's thread.
        """
        if self._defect is not None:
            raise self._defect
        units = _drained(self._claimed)
        self._n_taken += len(units)
        return units

    def lost_claims(self) -> bool:
        """True if another job took this one for dead since the last call, and ended its claims."""
        lost, self._lost_claims = self._lost_claims, False
        return lost

    def nothing_left(self) -> bool:
        """True if no unit can be claimed, and none is with a job that may be dead."""
        return (
            self._nothing_left and not self._seen.some_unheard and self._n_claimed == self._n_taken
        )

    def gave_up(self) -> bool:
        """True if the database has been away for so long that no more units are to be expected."""
        away = self._back_off.seconds()
        return away is not None and away > self._patience()

    def with_others(self) -> Sequence[tuple[Job, int]]:
        """The other jobs that have units of this job's batch, and how many."""
        return self._seen.living

    def close(
        self, outcome: str, patience: float, last_look: Callable[[], None] = lambda: None
    ) -> None:
        """Deliver what is left, and leave the registry.

        Parameters
        ----------
        outcome : str
            How the job ended.
        patience : float
            Seconds to wait for a database that is away. What it does not take then stays in the
            outbox, and the next job delivers it.
        last_look : callable
            Looks at the ledger when all is delivered.
        """
        self._is_closing.set()
        self._thread.join()
        give_up = time.monotonic() + patience
        self._collect()
        while True:
            try:
                self._deliver(len(self._undelivered))
                last_look()
                self._ledger.jobs.end(self._job, outcome)
                break
            except (LedgerError, OSError) as error:
                self._is_away(error)
            except BaseException:
                self._undelivered.keep()
                raise
            if time.monotonic() > give_up or not self._back_off.may_pass:
                self._undelivered.leave(is_lost=self._back_off.is_lost)
                break
            time.sleep(_ROUND_SECONDS)
        self._ledger.close()

    # ------------------------------------------------------------- the writer's own thread

    def _work(self) -> None:
        try:
            while not self._is_closing.wait(_ROUND_SECONDS):
                self._round()
        except Exception as error:  # a defect; the other thread raises it
            self._defect = error

    def _round(self) -> None:
        self._collect()
        if not self._back_off.is_time_to_try():
            self._keep()
            return
        try:
            if self._undelivered or not self._given_back.empty() or self._heartbeat.is_due():
                self._deliver()
            if self._others.is_due():
                self._look_around()
            if not self._nothing_left or time.monotonic() - self._asked >= _ASK_SECONDS:
                self._claim()
        except (LedgerError, OSError) as error:
            self._is_away(error)
        else:
            self._is_back()

    def _collect(self) -> None:
        self._undelivered.add(_drained(self._told))

    def _deliver(self, n: int = _EVENTS_PER_ROUND) -> None:
        """Record what was told, and give a sign of life, in one transaction."""
        events = self._undelivered.first(n)
        give_back = _drained(self._given_back)
        if self._heartbeat.is_due():
            self._heartbeat.beat()
        ledger, job, life = self._ledger, self._job, self._heartbeat
        try:
            with ledger.writing() as connection:
                accepted = ledger.record(events, job, skip_stale=True, within=connection)
                ledger.claims.give_back(job, give_back, within=connection)
                alive = ledger.jobs.beat(
                    job, life.steps, life.steps_per_second(), within=connection
                )
        except LedgerError:
            for unit in give_back:
                self._given_back.put(unit)
            raise
        self._lost_claims |= not alive
        self._undelivered.delivered(events, accepted)

    def _look_around(self) -> None:
        """See which other jobs have units, and take over from those that are dead."""
        seen = self._others.look()
        if seen.n_died or seen.n_units() < self._seen.n_units():
            # Units may be free. This is noted first: if the scheduling thread saw neither units nor
            # other jobs, it would conclude that all is done.
            self._nothing_left = False
        self._seen = seen

    def _claim(self) -> None:
        """Claim as many units as are missing."""
        missing = self._wanted - (self._n_claimed - self._n_taken)
        if missing <= 0:
            return
        self._asked = time.monotonic()
        units = self._ledger.claims.take(
            self._job,
            missing,
            self._rules.states,
            limited=self._rules.limited,
            except_for=set(self._unwanted),
            only=self._rules.only,
        )
        self._n_claimed += len(units)
        for unit in units:
            self._claimed.put(unit)
        self._nothing_left = len(units) < missing

    # ------------------------------------------------------------- when the database is away

    def _is_away(self, error: LedgerError | OSError) -> None:
        self._back_off.failed(error)
        self._keep()
        self._said.tell(
            f"waits for the ledger, for {self._patience():.0f} s at most, and goes on with what it "
            f"has: {error}"
        )

    def _keep(self) -> None:
        """Write what was told to disk, unless the ledger that it belongs to is lost."""
        if not self._back_off.is_lost:
            self._undelivered.keep()

    def _patience(self) -> float:
        """Seconds without the database after which no more units are to be expected."""
        return self._back_off.patience(self._rules.patience, self._undelivered.can_be_kept)

    def _is_back(self) -> None:
        away = self._back_off.seconds()
        if away is not None:
            self._said.over(f"the ledger is back after {away:.0f} s")
            self._back_off.over()
            self._others.begin_anew()


def _drained(waiting: queue.SimpleQueue[T]) -> list[T]:
    """Take everything from a queue that no other thread takes from."""
    taken = []
    while not waiting.empty():
        taken.append(waiting.get())
    return taken
