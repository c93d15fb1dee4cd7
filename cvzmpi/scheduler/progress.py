"""The progress of a running job: a live display on a terminal, lines in a log.

A log has a line soon after the start, which tells that all works, and then one a minute.
"""

from __future__ import annotations

import sys
import time
from typing import TextIO

from cvzmpi.estimates import Estimate, duration, time_left
from cvzmpi.messages.progress_bar import (
    BAR_SECONDS,
    FIRST_SECONDS,
    LINE_SECONDS,
    LiveLine,
    can_draw,
)
from cvzmpi.messages.wording import counted
from cvzmpi.scheduler.campaign import Outcome, Overview, Unit
from cvzmpi.scheduler.job_pace import JobPace

_ESTIMATE_SECONDS = 5.0  # between two estimates of the time left, each of which takes some 20 ms


class ProgressDisplay:
    """Units done, working and failed, steps per second, time left.

    Parameters
    ----------
    unit_name, step_name : str
        What a unit and a step of it are called.
    n_ranks : int, optional
        Of the job; told with the plan.
    stream : text stream
        Where to show it; live if it is a terminal that can do that.
    """

    def __init__(
        self,
        unit_name: str,
        step_name: str,
        stream: TextIO | None = None,
        *,
        n_ranks: int | None = None,
    ) -> None:
        self._unit_name = unit_name
        self._step_name = step_name
        self._stream = stream or sys.stderr
        self._n_ranks = n_ranks
        self._live = LiveLine(self._stream) if can_draw(self._stream) else None
        self._show_after = BAR_SECONDS if self._live else FIRST_SECONDS
        self._n_units = self._n_done = self._n_failed = self._n_working = 0
        self._n_done_before = 0
        self._steps = 0
        self._pace = JobPace(Overview(0))
        self._left: tuple[float, Estimate | None] | None = None  # as estimated last, and when
        self._status = ""
        self._n_left: int | None = None
        self._start = self._shown = time.monotonic()

    def begin(self, overview: Overview) -> None:
        """Say what there is to do."""
        self._n_failed = len(overview.rejected)
        self._n_done_before = self._n_done = overview.n_done
        self._n_units = overview.n_open + self._n_failed + self._n_done
        self._pace = JobPace(overview)
        ranks = f"; {counted(self._n_ranks, 'rank')}" if self._n_ranks else ""
        self._say(
            f"{counted(self._n_units, self._unit_name)}: {self._n_done:,} done before, "
            f"{overview.n_begun:,} half done, "
            f"{overview.n_open - overview.n_begun:,} to begin{ranks}"
        )
        for outcome in overview.rejected:
            self._say(f"failed {outcome.unit}: {outcome.error}")
        self._start = self._shown = time.monotonic()

    def assigned(self, unit: Unit) -> None:
        """A team got a unit."""
        self._pace.assigned(unit, time.monotonic())
        self._n_working += 1
        self.refresh()

    def steps_done(self, steps: int, unit: str | None = None) -> None:
        """A team did some steps of its unit, if it is known which."""
        self._steps += steps
        self._pace.steps_done(steps, unit)
        self.refresh()

    def ended(self, outcome: Outcome) -> None:
        """A team ended a unit."""
        self._n_working -= 1
        self.dropped(outcome)

    def dropped(self, outcome: Outcome) -> None:
        """A unit ended, perhaps without a team."""
        self._pace.ended(outcome, time.monotonic())
        if outcome.unfinished is not None:
            self._say(f"{outcome.unit} is not finished: {outcome.unfinished}")
        elif outcome.error is None:
            self._n_done += 1
        else:
            self._n_failed += 1
            self._say(f"failed {outcome.unit}: {outcome.error}")
        if "note" in outcome.result:
            self._say(f"{outcome.unit}: {outcome.result['note']}")
        self.refresh()

    def stopping(self, reason: str) -> None:
        """The job was asked to stop."""
        self._say(f"stopping at the next checkpoint: {reason}")

    def remain(self, n_left: int) -> None:
        """So many units are left in the end; others may have done what this job did not."""
        self._n_left = n_left

    def refresh(self, status: str | None = None, ranks_of_others: int = 0) -> None:
        """Show the present state, if it is time to; `status` says more about it from now on.

        Parameters
        ----------
        ranks_of_others : int
            Ranks of other jobs that work on the same units.
        """
        if status is not None:
            self._pace.shared_with = ranks_of_others / (self._n_ranks or 1)
        if status is not None:
            self._status = status
        now = time.monotonic()
        if now - self._shown >= self._show_after:
            self._shown = now
            if self._live:
                self._live.show(self.line(), self._n_done + self._n_failed, self._n_units)
            else:
                self._say(self.line())
                self._show_after = LINE_SECONDS

    def line(self) -> str:
        """The present state in one line."""
        elapsed = max(time.monotonic() - self._start, 1e-9)
        parts = [
            f"{self._n_done:,} of {counted(self._n_units, self._unit_name)} done",
            f"{self._n_working:,} working",
            f"{self._n_failed:,} failed",
            f"{self._steps / elapsed:,.0f} {self._step_name}s/s",
        ]
        if (left := self._seconds_left()) is not None:
            parts.append(time_left(left))
        if self._status:
            parts.append(self._status)
        return ", ".join(parts)

    def _seconds_left(self) -> Estimate | None:
        """The seconds until all units are done; None where that cannot be told."""
        now = time.monotonic()
        if self._left is None or now - self._left[0] >= _ESTIMATE_SECONDS:
            self._left = now, self._pace.seconds_left(now)
        return self._left[1]

    def __enter__(self) -> ProgressDisplay:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._live:
            self._live.stop()
        elapsed = duration(time.monotonic() - self._start)
        n_left = self._n_left
        if n_left is None:
            n_left = self._n_units - self._n_done - self._n_failed
        self._say(
            f"{counted(self._n_done - self._n_done_before, self._unit_name)} done in {elapsed}, "
            f"{self._n_failed:,} failed, {counted(self._steps, self._step_name)}"
            + (f"; {n_left:,} not finished, run it again" if n_left else "")
        )

    def _say(self, text: str) -> None:
        if self._live:
            self._live.say(text)
        else:
            print(time.strftime("%Y-%m-%d %H:%M:%S"), text, file=self._stream, flush=True)
