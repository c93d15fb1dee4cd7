"""The progress of a running job: a live display on a terminal, one line a minute in a log."""

from __future__ import annotations

import os
import sys
import time
from typing import TextIO

from cvzmpi.estimates import Estimate, duration, rate, time_left
from cvzmpi.scheduler.campaign import Outcome, Overview, Unit

_LOG_SECONDS = 60.0
_LIVE_SECONDS = 0.2


class ProgressDisplay:
    """Units done, working and failed, steps per second, time left.

    Parameters
    ----------
    unit_name, step_name : str
        What the units and their steps are called, in the plural.
    stream : text stream
        Where to show it; live if it is a terminal that can do that.
    """

    def __init__(self, unit_name: str, step_name: str, stream: TextIO | None = None) -> None:
        self._unit_name = unit_name
        self._step_name = step_name
        self._stream = stream or sys.stderr
        is_live = self._stream.isatty() and os.environ.get("TERM") != "dumb"
        self._live = _LiveLine(self._stream) if is_live else None
        self._n_units = self._n_done = self._n_failed = self._n_working = 0
        self._n_done_before = 0
        self._n_open = self._n_ended_otherwise = 0
        self._steps_per_unit = self._steps = 0
        self._status = ""
        self._n_left: int | None = None
        self._start = self._shown = time.monotonic()

    def begin(self, overview: Overview) -> None:
        """Say what there is to do."""
        self._n_failed = len(overview.rejected)
        self._n_done_before = self._n_done = overview.n_done
        self._n_units = overview.n_open + self._n_failed + self._n_done
        self._n_open, self._steps_per_unit = overview.n_open, overview.steps_per_unit
        self._say(
            f"{self._n_units} {self._unit_name}: {self._n_done} done before, {overview.n_begun} "
            f"half done, {overview.n_open - overview.n_begun} to begin"
        )
        for outcome in overview.rejected:
            self._say(f"failed {outcome.unit}: {outcome.error}")
        self._start = self._shown = time.monotonic()

    def assigned(self, unit: Unit) -> None:
        """A team got a unit."""
        del unit
        self._n_working += 1
        self.refresh()

    def steps_done(self, steps: int) -> None:
        """A team did some steps of its unit."""
        self._steps += steps
        self.refresh()

    def ended(self, outcome: Outcome) -> None:
        """A team ended a unit."""
        self._n_working -= 1
        self.dropped(outcome)

    def dropped(self, outcome: Outcome) -> None:
        """A unit ended, perhaps without a team."""
        if outcome.unfinished is not None or outcome.error is not None:
            self._n_ended_otherwise += 1
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

    def refresh(self, status: str | None = None) -> None:
        """Show the present state, if it is time to; `status` says more about it from now on."""
        if status is not None:
            self._status = status
        now = time.monotonic()
        if now - self._shown >= (_LIVE_SECONDS if self._live else _LOG_SECONDS):
            self._shown = now
            if self._live:
                self._live.show(self.line(), self._n_done + self._n_failed, self._n_units)
            else:
                self._say(self.line())

    def line(self) -> str:
        """The present state in one line."""
        elapsed = max(time.monotonic() - self._start, 1e-9)
        parts = [
            f"{self._n_done} of {self._n_units} {self._unit_name} done",
            f"{self._n_working} working",
            f"{self._n_failed} failed",
            f"{self._steps / elapsed:,.0f} {self._step_name}/s",
        ]
        if (left := self._left(elapsed)) is not None:
            parts.append(time_left(left))
        if self._status:
            parts.append(self._status)
        return ", ".join(parts)

    def _left(self, elapsed: float) -> Estimate | None:
        """The seconds until all steps are done; None where too little is done to tell.

        A team's steps come in bursts as long as a unit, or as a minute where units take longer: so
        many bursts there were, and so uncertain is the rate of steps.
        """
        bursts = rate(max(self._n_done - self._n_done_before, int(elapsed / 60)), elapsed)
        if bursts is None or not self._steps:
            return None
        n_ended = self._n_done - self._n_done_before + self._n_ended_otherwise
        # half-done units have fewer steps than the others
        total = self._n_open * self._steps_per_unit
        to_do = min(total - self._steps, (self._n_open - n_ended) * self._steps_per_unit)
        left = max(to_do, 0) * elapsed / self._steps
        return Estimate(left, left * bursts.value / bursts.high, left * bursts.value / bursts.low)

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
            f"{self._n_done - self._n_done_before} {self._unit_name} done in {elapsed}, "
            f"{self._n_failed} failed, {self._steps:,} {self._step_name}"
            + (f"; {n_left} not finished, run it again" if n_left else "")
        )

    def _say(self, text: str) -> None:
        if self._live:
            self._live.say(text)
        else:
            print(time.strftime("%Y-%m-%d %H:%M:%S"), text, file=self._stream, flush=True)


class _LiveLine:
    """A progress bar that stays at the bottom of a terminal, with rich."""

    def __init__(self, stream: TextIO) -> None:
        # Only rank 0, and only on a terminal, has a use for rich.
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

        self._progress = Progress(
            SpinnerColumn(),
            BarColumn(bar_width=24),
            TextColumn("{task.description}", markup=False),
            console=Console(file=stream),
            auto_refresh=False,  # drawn between messages: no second thread beside MPI
        )
        self._task = self._progress.add_task("starting", total=None)

    def start(self) -> None:
        self._progress.start()

    def stop(self) -> None:
        self._progress.stop()

    def show(self, text: str, completed: int, total: int) -> None:
        self._progress.update(self._task, description=text, completed=completed, total=total)
        self._progress.refresh()

    def say(self, text: str) -> None:
        self._progress.console.print(text, markup=False, highlight=False, soft_wrap=True)
