"""Rank 0 with thousands of imitated teams; a program for mpirun.

    imitated_teams N_TEAMS N_UNITS S       N_TEAMS leaders with units of S/2 to S seconds

Rank 0 runs the engine's own `job.run`. Each other rank plays many leaders: it sends, through MPI,
exactly the messages that their `job.run` would send, when it would send them (with S = 0: at once),
and measures how long each leader waits for its next unit. Rank 0 prints JSON.
"""

from __future__ import annotations

import heapq
import json
import os
import random
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any

from mpi4py import MPI

from cvzmpi.mpi.launch import World
from cvzmpi.mpi.team import Team
from cvzmpi.scheduler import job
from cvzmpi.scheduler.campaign import Control, Outcome, Unit
from cvzmpi.scheduler.progress import ProgressDisplay
from cvzmpi.scheduler.schedule import Schedule

_REPORT_SECONDS = 5.0  # a leader reports its progress so often: `checkpoint.interval`
_PATHS = ("/scratch/campaign/input/tess-s0001-{}-s_lc.fits", "/scratch/campaign/output/{}_1.h5")


class _EmptyCampaign:
    """Units of the size that light curves have as messages, and no work at all."""

    step_name = "step"

    def __init__(self, n_units: int) -> None:
        self._n_units = n_units

    def open_source(self) -> Schedule:
        units = [
            Unit(f"{i}_1", cost=1.0, content=tuple(path.format(i) for path in _PATHS))
            for i in range(self._n_units)
        ]
        return Schedule(units, steps_per_unit=20)

    def prepare(self) -> None:
        raise NotImplementedError  # as all below: the other ranks imitate it

    def lock_file(self, unit: Unit) -> Path:
        raise NotImplementedError

    def progress(self, unit: Unit) -> int:
        raise NotImplementedError

    def work(self, unit: Unit, team: Team, control: Control) -> dict[str, Any]:
        raise NotImplementedError


class _ClockedDisplay(ProgressDisplay):
    """A display nobody sees, that knows when the first unit began and the last one ended."""

    first: float | None = None
    last = 0.0

    def assigned(self, unit: Unit) -> None:
        if self.first is None:
            self.first = time.perf_counter()
        super().assigned(unit)

    def ended(self, outcome: Outcome) -> None:
        super().ended(outcome)
        self.last = time.perf_counter()


class _Leaders:
    """Many leaders played by one rank.

    `waits` has for each assignment when it was asked for, and how long it took; `n_reports` counts
    the messages of progress.
    """

    def __init__(self, communicator: MPI.Intracomm, n: int, seconds: float) -> None:
        self._communicator = communicator
        self._seconds = seconds
        self._random = random.Random(communicator.rank)
        self._n_working = n
        self._events: list[tuple[float, str | None]] = [(0.0, None)] * n  # when, unit that ends
        self._reports: list[tuple[float, float]] = []  # when, and until when
        self._asked: deque[float] = deque()  # rank 0 answers in the order of the questions
        self.waits: list[tuple[float, float]] = []
        self.n_reports = 0

    def play(self) -> None:
        """Until rank 0 has sent all of them home."""
        start = time.perf_counter()
        while self._n_working:
            now = time.perf_counter() - start
            self._ask(now, start)
            self._report(now)
            while self._communicator.iprobe(0, job._ASSIGNMENT):
                self._take(start)
            if self._seconds == 0:
                os.sched_yield()  # the next question is due as soon as the answer is here
            elif not self._due(time.perf_counter() - start):
                time.sleep(0.0005)

    def _due(self, now: float) -> bool:
        return any(heap and heap[0][0] <= now for heap in (self._events, self._reports))

    def _ask(self, now: float, start: float) -> None:
        while self._events and self._events[0][0] <= now:
            _, unit = heapq.heappop(self._events)
            outcome = (
                None if unit is None else Outcome(unit, seconds=15.0, result={"path": _PATHS[1]})
            )
            self._asked.append(time.perf_counter() - start)
            self._communicator.send(outcome, 0, job._READY)

    def _report(self, now: float) -> None:
        while self._reports and self._reports[0][0] <= now:
            when, until = heapq.heappop(self._reports)
            self._communicator.send(4000, 0, job._STEPS)
            self.n_reports += 1
            self._plan_report(when, until)

    def _plan_report(self, now: float, until: float) -> None:
        if now + _REPORT_SECONDS < until:
            heapq.heappush(self._reports, (now + _REPORT_SECONDS, until))

    def _take(self, start: float) -> None:
        unit = self._communicator.recv(source=0, tag=job._ASSIGNMENT)
        now, asked = time.perf_counter() - start, self._asked.popleft()
        self.waits.append((asked, now - asked))
        if unit is None:
            self._n_working -= 1
            return
        end = now + self._random.uniform(0.5, 1.0) * self._seconds
        heapq.heappush(self._events, (end, unit.name))
        self._plan_report(now, end)


def main(n_teams: int, n_units: int, seconds: float) -> None:
    """Run it; rank 0 prints what came out."""
    world = World.start()
    communicator = world.communicator
    leaders = None
    with open(os.devnull, "w") as nowhere:
        display = _ClockedDisplay("units", "steps", nowhere)
        if world.rank == 0:
            job.run(_EmptyCampaign(n_units), world, display)
        else:
            players = world.size - 1
            n = n_teams // players + (world.rank <= n_teams % players)
            world.form_team(1)  # the same collective calls as `job.run` makes on these ranks
            world.first(lambda: None)
            communicator.gather((n, ""))
            leaders = _Leaders(communicator, n, seconds)
            leaders.play()
    played = communicator.gather(None if leaders is None else (leaders.waits, leaders.n_reports))
    if world.rank == 0:
        assert played is not None
        assert display.first is not None
        everyone = [player for player in played if player is not None]
        answer = {
            "seconds": display.last - display.first,
            "waits": [wait for waits, _ in everyone for wait in waits],
            "n_reports": sum(n_reports for _, n_reports in everyone),
        }
        print(json.dumps(answer))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
