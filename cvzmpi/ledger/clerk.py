"""The clerk of a running job: a thread that speaks with the database, so that nobody waits for it.

Whoever schedules tells it what happened and takes the units that it has claimed; both return at
once. A few times a second the clerk makes a round: it records all that it was told in one
transaction, gives a sign of life, looks after other jobs, and claims more units where few wait.

While the database cannot be reached, what it is told goes to the outbox, and the units that are
claimed already are worked on. When it is back, everything is delivered, each event once.
"""

from __future__ import annotations

import logging
import math
import queue
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cvzmpi.errors import LedgerError
from cvzmpi.ledger.burial import Evidence, bury
from cvzmpi.ledger.ledger import Ledger
from cvzmpi.ledger.neighbours import Neighbours
from cvzmpi.ledger.order import Narrow, all_units
from cvzmpi.ledger.outbox import Outbox
from cvzmpi.ledger.records import Event, Job, LedgerUnit
from cvzmpi.ledger.states import State
from cvzmpi.ledger.undelivered import Undelivered

_log = logging.getLogger(__name__)

_ROUND_SECONDS = 0.25
_WATCH_SECONDS = 2.0
_EVENTS_PER_ROUND = 2000
_BEATS = 13  # that the speed is measured over: a minute
_LONGEST_PAUSE = 15.0  # between two attempts to reach a database that is away


@dataclass(frozen=True)
class ClerkRules:
    """How a job behaves towards the others.

    Attributes
    ----------
    states : sequence of State
        In which a unit can be claimed.
    max_attempts : int
        A unit that has used up so many has failed.
    lease : float
        Seconds without a sign of life after which a job on another machine counts as dead.
    heartbeat : float
        Seconds between two signs of life.
    limited : bool
        Whether only the units of this job's batch are claimed.
    only : callable
        Leaves out units that the campaign does not let jobs have now.
    patience : float
        Seconds without the database after which a job does not count on more units.
    """

    states: Sequence[State] = (State.PREPROCESSED,)
    max_attempts: int = 5
    lease: float = 120.0
    heartbeat: float = 5.0
    limited: bool = False
    only: Narrow = all_units
    patience: float = 600.0


class Clerk:
    """Keeps the ledger for a job. One thread besides this one uses it: its own.

    Parameters
    ----------
    ledger : Ledger
    job : Job
    outboxes : Path
        Directory of the outboxes.
    rules : ClerkRules
    evidence : Evidence
        Asked about the units of dead jobs.

    Attributes
    ----------
    problem : str, optional
        Why events cannot be delivered now.
    """

    def __init__(
        self,
        ledger: Ledger,
        job: Job,
        outboxes: Path,
        rules: ClerkRules,
        evidence: Evidence,
    ) -> None:
        self.problem: str | None = None
        self._ledger, self._job, self._rules = ledger, job, rules
        self._outboxes, self._evidence = outboxes, evidence
        # what passes between the two threads
        self._told: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._given_back: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._claimed: queue.SimpleQueue[LedgerUnit] = queue.SimpleQueue()
        self._wanted = 0
        self._unwanted: set[str] = set()
        self._n_claimed = self._n_taken = 0
        self._steps = 0
        self._lost_claims = False
        self._nothing_left = False
        self._others: list[tuple[Job, int]] = []
        self._unheard = False
        self._defect: Exception | None = None
        self._is_closing = threading.Event()
        # what only the clerk's thread uses
        self._undelivered = Undelivered(Outbox(outboxes, job))
        self._neighbours = Neighbours(job, rules.lease)
        self._watched = self._asked = -math.inf
        self._beats: deque[tuple[float, int]] = deque(maxlen=_BEATS)  # when, and steps by then
        self._away_since: float | None = None
        self._try_again = 0.0
        self._pause = 0.0
        self._thread = threading.Thread(target=self._work, name="clerk", daemon=True)

    # ------------------------------------------------------------- for the scheduling thread

    def start(self, wanted: int) -> None:
        """Make the first round at once, and the others from now on.

        Raises
        ------
        LedgerError
            If the database does not do as it should.
        """
        self._wanted = wanted
        self._deliver()  # a sign of life, before there is anything to be lost
        self._watch()
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
        self._steps += steps

    def want(self, n: int) -> None:
        """How many claimed units shall wait to be taken."""
        self._wanted = n

    def claimed(self) -> list[LedgerUnit]:
        """The units that were claimed since the last call.

        Raises
        ------
        Exception
            What ended the clerk's thread.
        """
        if self._defect is not None:
            raise self._defect
        units = []
        while not self._claimed.empty():
            units.append(self._claimed.get())
        self._n_taken += len(units)
        return units

    def lost_claims(self) -> bool:
        """Whether others took this job for dead since the last call: its claims are gone."""
        lost, self._lost_claims = self._lost_claims, False
        return lost

    def nothing_left(self) -> bool:
        """Whether no unit can be claimed, and none is with a job that may be dead."""
        return self._nothing_left and not self._unheard and self._n_claimed == self._n_taken

    def gave_up(self) -> bool:
        """Whether the database has been away for so long that no more units are to be expected."""
        away_since = self._away_since
        return away_since is not None and time.monotonic() - away_since > self._rules.patience

    def with_others(self) -> list[tuple[Job, int]]:
        """The other jobs that have units of this job's batch, and how many."""
        return self._others

    def close(self, outcome: str, patience: float) -> None:
        """Deliver what is left, and leave the registry.

        Parameters
        ----------
        outcome : str
            How the job ended.
        patience : float
            Seconds to wait for a database that is away. What it does not take then stays in the
            outbox, and the next job delivers it.
        """
        self._is_closing.set()
        self._thread.join()
        give_up = time.monotonic() + patience
        self._collect()
        while True:
            try:
                self._deliver(len(self._undelivered))
                self._ledger.jobs.end(self._job, outcome)
                break
            except (LedgerError, OSError) as error:
                self._is_away(error)
            if time.monotonic() > give_up:
                _log.warning("%d events stay in %s", len(self._undelivered), self._outboxes)
                break
            time.sleep(_ROUND_SECONDS)
        self._ledger.close()

    # ------------------------------------------------------------- the clerk's own thread

    def _work(self) -> None:
        try:
            while not self._is_closing.wait(_ROUND_SECONDS):
                self._round()
        except Exception as error:  # a defect; the other thread raises it
            self._defect = error

    def _round(self) -> None:
        self._collect()
        now = time.monotonic()
        if now < self._try_again:
            self._undelivered.keep()
            return
        try:
            if self._undelivered or not self._given_back.empty() or self._is_time_to_beat(now):
                self._deliver()
            if now - self._watched >= _WATCH_SECONDS:
                self._watch()
            if not self._nothing_left or now - self._asked >= _WATCH_SECONDS:
                self._claim()
        except (LedgerError, OSError) as error:
            self._is_away(error)
        else:
            self._is_back()

    def _collect(self) -> None:
        while not self._told.empty():
            self._undelivered.add(self._told.get())

    def _is_time_to_beat(self, now: float) -> bool:
        return not self._beats or now - self._beats[-1][0] >= self._rules.heartbeat

    def _steps_per_second(self) -> float:
        (begun, steps_before), (ended, steps) = self._beats[0], self._beats[-1]
        return (steps - steps_before) / (ended - begun) if ended > begun else 0.0

    def _deliver(self, n: int = _EVENTS_PER_ROUND) -> None:
        """Record what was told, and give a sign of life, in one transaction."""
        events = self._undelivered.first(n)
        give_back = []
        while not self._given_back.empty():
            give_back.append(self._given_back.get())
        now = time.monotonic()
        if self._is_time_to_beat(now):
            self._beats.append((now, self._steps))
        try:
            with self._ledger.writing() as connection:
                accepted = self._ledger.record(
                    events, self._job, skip_stale=True, within=connection
                )
                self._ledger.claims.give_back(self._job, give_back, within=connection)
                alive = self._ledger.jobs.beat(
                    self._job, self._steps, self._steps_per_second(), within=connection
                )
        except LedgerError:
            for unit in give_back:
                self._given_back.put(unit)
            raise
        self._lost_claims |= not alive
        self._undelivered.delivered(events, accepted)

    def _watch(self) -> None:
        """See which jobs have units; bury those that are dead."""
        living = []
        for other, n_units in self._ledger.claims.of_others(self._job, limited=self._rules.limited):
            if not self._neighbours.is_dead(other):
                if n_units:
                    living.append((other, n_units))
                continue
            events = bury(
                self._ledger,
                other,
                self._job,
                self._outboxes,
                self._evidence,
                self._rules.max_attempts,
            )
            self._nothing_left = False
            _log.info("job %d on %s is dead", other.id, other.host)
            for event in events:
                _log.info("%s: %s", event.unit, event.message)
        self._others = living
        self._unheard = any(not self._neighbours.is_known_to_live(job) for job, _ in living)
        self._watched = time.monotonic()

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
        now = time.monotonic()
        if self._away_since is None:
            _log.warning("%s; events go to %s until it is back", error, self._outboxes)
            self._away_since, self._pause = now, _ROUND_SECONDS
        self._try_again = now + self._pause
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        self._undelivered.keep()
        self.problem = str(error)

    def _is_back(self) -> None:
        if self._away_since is not None:
            _log.info("the database is back after %.0f s", time.monotonic() - self._away_since)
            self._away_since = self.problem = None
            self._neighbours.forget_times()
