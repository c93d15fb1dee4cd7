"""The bookkeeping of rank 0: which units go from the source to the teams, and how they end."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from cvzmpi.messages.wording import counted
from cvzmpi.mpi.stopping import StopRequest
from cvzmpi.scheduler.campaign import Outcome, Remainder, Unit, UnitSource, Worker
from cvzmpi.scheduler.progress import ProgressDisplay

# Rank 0 looks after other things than messages this often, also when messages come without a pause.
_ATTEND_SECONDS = 0.02
_MOST_FAULTS = 5  # of the machines, if more units meet one than are done


@dataclass
class JobOutcome:
    """The units of a job by how they ended."""

    failed: list[Outcome] = field(default_factory=list)
    done: list[Outcome] = field(default_factory=list)
    unfinished: list[Outcome] = field(default_factory=list)
    all_given_out: bool = False  # whether the job came to the end of its units

    @property
    def complete(self) -> bool:
        """True if every unit was worked on to its end."""
        return self.all_given_out and not self.unfinished

    def record(self, outcome: Outcome) -> None:
        """Record how a unit ended."""
        if outcome.unfinished is not None:
            self.unfinished.append(outcome)
        elif outcome.error is not None:
            self.failed.append(outcome)
        else:
            self.done.append(outcome)


class Bookkeeping:
    """The books of rank 0: it takes units from the source, and records how they end.

    Use as a context: the source is closed in the end.

    Parameters
    ----------
    look_at_clock : callable
        Asks to stop when the job's time is almost over.
    """

    def __init__(
        self,
        source: UnitSource,
        display: ProgressDisplay,
        stop: StopRequest,
        look_at_clock: Callable[[], None],
    ) -> None:
        self.display = display
        self.stop = stop
        self._source = source
        self._look_at_clock = look_at_clock
        self._attended = -math.inf
        self._faults = 0  # of machines
        self._at_work: dict[int, str] = {}  # the unit of each leader, by rank
        overview = source.overview()
        self.outcome = JobOutcome(failed=list(overview.rejected))
        display.begin(overview)

    def __enter__(self) -> Bookkeeping:
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if error is not None:
            self._source.close(f"failed: {type(error).__name__}")
            return
        self._attend_to_source()
        self.outcome.all_given_out = self._source.exhausted()
        remainder = self._source.close(self.stop.reason)
        if remainder is not None:
            self._record_remainder(remainder)

    def _record_remainder(self, remainder: Remainder) -> None:
        """Record the units that are left in the end; only the source knows those of other jobs."""
        known = {outcome.unit for outcome in self.outcome.failed}
        outcomes = [outcome for outcome in remainder.failed if outcome.unit not in known]
        if self.outcome.all_given_out and remainder.n_open:
            outcomes += remainder.with_others
            if not remainder.with_others and not self.outcome.unfinished:
                outcomes.append(Outcome(f"{remainder.n_open} more", unfinished="no job has them"))
        for outcome in outcomes:
            self.outcome.record(outcome)
            self.display.dropped(outcome)
        self.display.remain(remainder.n_open)

    def next(self) -> Unit | None:
        """A unit to be worked on now; None where none is ready, or the job is to stop."""
        return None if self.stop else self._source.next()

    def is_closed(self) -> bool:
        """Tell whether no unit will be given out any more."""
        return bool(self.stop) or self._source.exhausted()

    def began(self, unit: Unit, worker: Worker) -> None:
        """A team was given the unit."""
        self._source.began(unit, worker)
        self._at_work[worker.rank] = unit.name
        self.display.assigned(unit)

    def ended(self, outcome: Outcome) -> None:
        """A team's work on a unit ended."""
        self._source.ended(outcome)
        self.outcome.record(outcome)
        self.display.ended(outcome)
        self._look_for_machine_faults(outcome)

    def _look_for_machine_faults(self, outcome: Outcome) -> None:
        """Put off no unit after the other for what all of them meet."""
        self._faults += outcome.machine_fault
        if self._faults >= _MOST_FAULTS and self._faults > len(self.outcome.done):
            self.stop.ask(
                f"{counted(self._faults, 'unit was', 'units were')} put off: {outcome.unfinished}"
            )

    def steps_done(self, steps: int, leader: int = 0) -> None:
        """The team of a leader did some steps of its unit."""
        self._source.steps_done(steps)
        self.display.steps_done(steps, self._at_work.get(leader))

    def attend(self) -> None:
        """Look at the clock and after the source, if some time has passed since the last look."""
        now = time.perf_counter()
        if now - self._attended < _ATTEND_SECONDS:
            return
        self._look_at_clock()
        self._attend_to_source()
        self.display.refresh(self._source.status(), self._source.ranks_of_others())
        self._attended = time.perf_counter()

    def _attend_to_source(self) -> None:
        for outcome in self._source.attend():
            self.outcome.record(outcome)
            self.display.dropped(outcome)
