"""An MPI job whose units are small files, kept by a ledger as those of a campaign are.

    mpirun -n 3 python -m tools.torture.toy_job LEDGER DIRECTORY N_UNITS SECONDS [MARK]

Each unit's file tells what happened to it, beside the ledger: a line for each beginning, step and
end, with the process that wrote it.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

from cvzmpi.ledger import Event, Ledger, NewUnit, State
from cvzmpi.ledger.client.job_writer import JobWriter
from cvzmpi.ledger.client.rules import Evidence, JobRules
from cvzmpi.ledger.process import identity, is_gone
from cvzmpi.mpi.launch import World
from cvzmpi.mpi.team import Team
from cvzmpi.runtime.ledger_source import LedgerSource
from cvzmpi.runtime.open_job import overview_of
from cvzmpi.scheduler import job
from cvzmpi.scheduler.campaign import Control, Unit
from cvzmpi.scheduler.progress import ProgressDisplay

STEPS = 4


class _ToyCampaign:
    """Units that take some seconds each."""

    step_name = "step"

    def __init__(
        self, ledger: str, directory: Path, n_units: int, seconds: float, ranks: int
    ) -> None:
        self._ledger, self._directory = ledger, directory
        self._n_units, self._seconds, self._ranks = n_units, seconds, ranks

    def open_source(self) -> LedgerSource:
        ledger = Ledger.open(self._ledger)
        this = ledger.jobs.begin("toy", ranks=self._ranks)
        names = [f"u{n:03d}" for n in range(self._n_units)]
        with ledger.writing() as connection:
            ledger.add_units([NewUnit(name) for name in names], this, within=connection)
            way = ((State.DISCOVERED, State.QUALIFIED), (State.QUALIFIED, State.PREPROCESSED))
            events = [Event(name, after, before) for name in names for before, after in way]
            # a unit that was there is further: those events come too late, and are left out
            ledger.record(events, this, skip_stale=True, within=connection)
        return LedgerSource(
            JobWriter(
                ledger,
                this,
                self._directory / "outbox",
                JobRules(max_attempts=1000),
                Evidence(
                    progress=lambda unit: self._steps(unit.name),
                    was_begun=lambda unit: self._lock_file(unit.name).exists(),
                ),
            ),
            lambda: overview_of(ledger, this, batch=None, steps_per_unit=STEPS),
            lambda unit: Unit(unit.name, unit.cost, unit.progress > 0),
            self._ranks,
        )

    def prepare(self) -> None:
        pass

    def lock_file(self, unit: Unit) -> Path:
        return self._lock_file(unit.name)

    def progress(self, unit: Unit) -> int:
        return self._steps(unit.name)

    def work(self, unit: Unit, team: Team, control: Control) -> dict[str, Any]:
        lines = read_lines(self._directory, unit.name)
        if any(word == "end" for word, _ in lines):
            return {"note": "was finished"}
        if lines and is_gone(lines[-1][1]) is False and lines[-1][0] != "stop":
            self._write(unit.name, "overlap")
        self._write(unit.name, "begin")
        for _ in range(self._steps(unit.name), STEPS):
            if control.stop_requested():
                self._write(unit.name, "stop")
            control.check_stop(team)
            time.sleep(self._seconds / STEPS)
            self._write(unit.name, "step")
            control.steps_done(1)
        self._write(unit.name, "end")
        return {}

    def _lock_file(self, name: str) -> Path:
        return self._directory / f"{name}.claim"

    def _steps(self, name: str) -> int:
        return sum(word == "step" for word, _ in read_lines(self._directory, name))

    def _write(self, name: str, word: str) -> None:
        with (self._directory / f"{name}.txt").open("a") as file:
            file.write(f"{word} {identity()}\n")


def read_lines(directory: Path, name: str) -> list[tuple[str, str]]:
    """Read a unit's file: words, and the processes that wrote them."""
    try:
        text = (directory / f"{name}.txt").read_text()
    except FileNotFoundError:
        return []
    return [(line.partition(" ")[0], line.partition(" ")[2]) for line in text.splitlines()]


def main() -> None:
    """Be one rank of the job."""
    ledger, directory, n_units, seconds = sys.argv[1:5]
    world = World.start()
    campaign = _ToyCampaign(ledger, Path(directory), int(n_units), float(seconds), world.size)
    outcome = job.run(campaign, world, ProgressDisplay("unit", "step"))
    complete = world.first(lambda: outcome is not None and outcome.complete)
    sys.exit(0 if complete else os.EX_TEMPFAIL)


if __name__ == "__main__":
    main()
