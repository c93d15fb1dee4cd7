"""The source of a job's units, on rank 0, for every campaign.

It stands between the scheduler, which knows units, teams and outcomes, and the ledger, which knows
states and events.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cvzmpi.errors import CvzmpiError
from cvzmpi.ledger.client.job_writer import JobWriter
from cvzmpi.ledger.client.waiting import WaitForOthers
from cvzmpi.ledger.records import Event, LedgerUnit
from cvzmpi.ledger.states import State
from cvzmpi.scheduler.campaign import Outcome, Overview, Remainder, Unit, Worker

_log = logging.getLogger(__name__)

_RECENT_SECONDS = 60.0
# How long the end of a job may wait for a database that is away.
_PATIENCE = {False: 60.0, True: 5.0}  # by whether the job was asked to stop


@dataclass
class _Held:
    """A unit that this job has: as the ledger knew it, and what happened since."""

    unit: LedgerUnit
    state: State
    worker: Worker | None = None


def _who(held: _Held) -> dict[str, str]:
    """The rank that a line of the log is about."""
    worker = held.worker
    return {} if worker is None else {"who": f"rank {worker.rank} on {worker.host}"}


def _log_end(outcome: Outcome, held: _Held) -> None:
    who = _who(held)
    if outcome.error is not None:
        _log.error("%s failed: %s", outcome.unit, outcome.error, extra=who)
        if outcome.traceback is not None:
            _log.error("%s", outcome.traceback.rstrip(), extra=who)
    elif outcome.unfinished is not None:
        _log.info("%s is not finished: %s", outcome.unit, outcome.unfinished, extra=who)
    else:
        _log.info("%s is done, in %.1f s", outcome.unit, outcome.seconds, extra=who)
        if "note" in outcome.result:
            _log.warning("%s: %s", outcome.unit, outcome.result["note"], extra=who)


class LedgerSource:
    """Gives out the units that the writer claims, and has their outcomes recorded.

    Parameters
    ----------
    writer : JobWriter
        Not started yet.
    overview : callable
        Counts what there is to do; called when the units of dead jobs are given back, and again in
        the end.
    as_unit : callable
        Makes the scheduler's unit of the ledger's.
    n_ranks : int
        Of the job, or its teams, where units take long. Twice as many units are claimed ahead, and
        as many as ended in the last minute: enough for a minute without the database.
    as_recorded : callable, optional
        Adds to an outcome that a team sent what the unit's history is to have. Of its result,
        `summary` and `note` become the message.
    news : callable, optional
        Gives what else the event of a unit that is done is to tell of the job, as the room on its
        disk.
    """

    def __init__(
        self,
        writer: JobWriter,
        overview: Callable[[], Overview],
        as_unit: Callable[[LedgerUnit], Unit],
        n_ranks: int,
        as_recorded: Callable[[Outcome], Outcome] = lambda outcome: outcome,
        news: Callable[[], dict[str, Any]] = dict,
    ) -> None:
        self._writer = writer
        self._news = news
        self._as_recorded = as_recorded
        self._as_unit = as_unit
        self._n_ranks = n_ranks
        self._waiting: deque[Unit] = deque()
        self._held: dict[str, _Held] = {}
        self._ended_at: deque[float] = deque()
        self._unusable: list[Outcome] = []
        self._told_out_of_reach = False
        self._wait = WaitForOthers()
        self._look = overview
        writer.start(wanted=2 * n_ranks)
        self._overview = overview()
        _log.info(
            "%d units open, %d of them half done, %d done",
            self._overview.n_open,
            self._overview.n_begun,
            self._overview.n_done,
        )

    def overview(self) -> Overview:
        """The counts of what there is to do, as the job began."""
        return self._overview

    def next(self) -> Unit | None:
        """The next unit in the order of work; None where none is claimed at the moment."""
        self._take_claimed()
        return self._waiting.popleft() if self._waiting else None

    def exhausted(self) -> bool:
        """True if the job need not wait for more units.

        All are done or failed, or have been with other living jobs for long, or the database has
        been away for long.
        """
        self._take_claimed()
        if self._waiting:
            self._wait.end()
            return False
        if self._writer.gave_up():
            return True
        return self._writer.nothing_left() and not self._wait.goes_on(self._writer.with_others())

    def preprocessed(self, unit: Unit, **detail: Any) -> None:
        """Note that the input of a unit is here, verified, before it is given to a team."""
        if self._held[unit.name].state is not State.PREPROCESSED:  # else it was here once before
            self._move(unit.name, State.PREPROCESSED, detail=detail)

    def not_qualified(self, unit: Unit, message: str) -> None:
        """Note that the input of a unit is here and does not meet the criteria."""
        self._move(unit.name, State.NOT_QUALIFIED, message=message)
        self._writer.give_back(unit.name)
        del self._held[unit.name]

    def began(self, unit: Unit, worker: Worker) -> None:
        """Note that a team was given the unit."""
        held = self._held[unit.name]
        if held.state is not State.PREPROCESSED:
            self._move(unit.name, State.PREPROCESSED, message="needs its input no more")
        held.worker = worker
        self._move(unit.name, State.WORKING)
        attempt = held.unit.attempts_used + 1
        _log.info("began %s, attempt %d", unit.name, attempt, extra=_who(held))

    def ended(self, outcome: Outcome) -> None:
        """Note that the work on a unit, or the preparation for it, ended."""
        outcome = self._as_recorded(outcome)
        name, held = outcome.unit, self._held[outcome.unit]
        self._ended_at.append(time.monotonic())
        detail = {"seconds": round(outcome.seconds, 3), **outcome.result}
        _log_end(outcome, held)
        if outcome.error is not None:
            self._move(
                name,
                State.ERROR,
                message=outcome.error,
                detail=detail,
                attempts_used=held.unit.attempts_used + 1,
            )
        elif outcome.unfinished is None:
            said = [detail.pop(key) for key in ("summary", "note") if key in detail]
            detail |= self._news()
            self._move(
                name, State.DONE, message="; ".join(said) or None, detail=detail, attempts_used=0
            )
        elif held.state is State.WORKING:
            self._writer.put_off(name)
            self._move(
                name,
                State.PREPROCESSED,
                message=outcome.unfinished,
                detail=detail,
                progress=outcome.progress,
            )
        else:
            self._writer.give_back(name)
        self._held.pop(name, None)

    def attend(self) -> Sequence[Outcome]:
        """See to claims that were lost and units that cannot be used; their outcomes."""
        if self._writer.lost_claims():
            self._forget_waiting()
        if self._unusable:
            ended, self._unusable = self._unusable, []
            for outcome in ended:
                self.ended(outcome)
            return ended
        if self._told_out_of_reach or not self.exhausted() or not self._writer.gave_up():
            return ()
        self._told_out_of_reach = True
        why = f"the ledger is out of reach: {self._writer.problem}"
        return [Outcome("what the ledger still has", unfinished=why)]

    def steps_done(self, steps: int) -> None:
        """Count what the teams do."""
        self._writer.steps_done(steps)

    def status(self) -> str:
        """A word about the ledger for the progress display; empty when all is well."""
        if self._writer.problem is not None:
            return "ledger out of reach"
        return "waiting for other jobs" if self._wait.is_on else ""

    def ranks_of_others(self) -> int:
        """The ranks of other living jobs that have units."""
        return sum(job.ranks for job, n_units in self._writer.with_others() if n_units)

    def close(self, stopped: str | None) -> Remainder | None:
        """Give back the units that teams still have, and deliver all events."""
        for name, held in self._held.items():
            if held.state is State.WORKING:
                self._move(name, State.PREPROCESSED, message=f"the job ended: {stopped}")
        seen: list[Remainder] = []
        self._writer.close(
            stopped or "ended",
            _PATIENCE[stopped is not None],
            last_look=lambda: seen.append(self._remainder()),
        )
        _log.info("the job ends: %s", stopped or "nothing is left")
        return seen[-1] if seen else None

    def _remainder(self) -> Remainder:
        """The units that are left once all events of this job are delivered."""
        overview = self._look()
        with_others = [
            Outcome(f"{count} more", unfinished=f"job {job.id} on {job.host} has them, and lives")
            for job, count in self._writer.with_others()
        ]
        return Remainder(overview.n_open, tuple(overview.rejected), tuple(with_others))

    def _take_claimed(self) -> None:
        for unit in self._writer.claimed():
            self._held[unit.name] = _Held(unit, unit.state)
            try:
                self._waiting.append(self._as_unit(unit))
            except CvzmpiError as error:  # the ledger has something that is no unit of ours
                self._unusable.append(Outcome(unit.name, error=str(error)))
        now = time.monotonic()
        while self._ended_at and now - self._ended_at[0] > _RECENT_SECONDS:
            self._ended_at.popleft()
        enough = 2 * self._n_ranks + len(self._ended_at)
        missing = enough - len(self._waiting)
        self._writer.want(missing if missing >= enough / 2 else 0)

    def _forget_waiting(self) -> None:
        """Drop the units that wait: other jobs may have them now. Teams keep what they have."""
        for unit in self._waiting:
            del self._held[unit.name]
        self._waiting.clear()

    def _move(self, name: str, state: State, **facts: Any) -> None:
        """Have an event recorded."""
        held = self._held[name]
        event = Event(name, state, from_state=held.state, **facts)
        if held.worker is not None:
            event = replace(event, rank=held.worker.rank, host=held.worker.host)
        self._writer.tell(event)
        held.state = state
