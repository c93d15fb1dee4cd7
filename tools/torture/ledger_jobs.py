"""Jobs on one ledger, killed at random and started again, with a database that goes away.

    python -m tools.torture.ledger_jobs                 all of it, some ten minutes
    python -m tools.torture.ledger_jobs --kills 6       shorter

Afterwards the history must prove: each unit was done once, and never two jobs had one at a time; no
event is lost or doubled. The units' own files, which know nothing of the ledger, must agree.
"""

from __future__ import annotations

import itertools
import random
import signal
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path

import click

from cvzmpi.ledger import Ledger, State
from cvzmpi.runtime.command_line import HELP_OPTIONS
from tools.harness import job_process
from tools.harness.job_process import ROOT, wait_until
from tools.harness.marked_job import MarkedJob
from tools.harness.postgres_server import PostgresServer, find_programs
from tools.torture.disturbance import Seen, Target, disturb_campaign, end_all
from tools.torture.ledger_history import is_takeover, wrong_in_ledger
from tools.torture.toy_job import read_lines

_ENDS_WITHIN = 300.0
_KILL, _CRASH = "jobs killed", "crashes of the server"


class LedgerJobs(Target):
    """Toy units that take some seconds, and the jobs on them, some of which run at a time.

    Parameters
    ----------
    ledger : str
        Its location.
    server : PostgresServer, optional
        Crashes now and then, where it is given.
    """

    def __init__(
        self,
        ledger: str,
        directory: Path,
        n_units: int,
        seconds: float,
        n_jobs: int = 1,
        server: PostgresServer | None = None,
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.ledger, self.n_units, self.n_jobs = ledger, n_units, n_jobs
        self._directory, self._seconds, self._server = directory, seconds, server
        self._log = directory / "jobs.log"
        self._numbers = itertools.count()

    def start(self, chance: random.Random | None = None) -> MarkedJob:
        """Start a job."""
        mark = f"{self._directory}/job-{next(self._numbers)}"
        process = job_process.start(
            [self.ledger, self._directory, str(self.n_units), str(self._seconds), mark],
            ranks=3,
            cwd=ROOT,
            program=("-m", "tools.torture.toy_job"),
            log=self._log,
        )
        return MarkedJob(process, mark, self._log)

    def disturb(self, job: MarkedJob, chance: random.Random) -> str | None:
        """Kill it some time after something happened to units, or let the server crash."""
        before = self._n_lines()
        # The last lines may have been written just before they were counted.
        self._wait_until(lambda: self._n_lines() >= before + 2 or self.is_done([]), "more lines")
        time.sleep(chance.uniform(0.0, 2.0))
        if self._server is not None and chance.random() < 0.3:
            self._server.stop(chance.choice([signal.SIGINT, signal.SIGQUIT]))
            time.sleep(chance.uniform(0.0, 3.0))
            self._server.start()
            return _CRASH
        if job.has_ended():
            return None
        job.kill()
        return _KILL

    def is_done(self, jobs: list[MarkedJob]) -> bool:
        """True if all units are finished, as their files tell."""
        return self.n_done() >= self.n_units

    def finish(self, jobs: list[MarkedJob]) -> Iterator[tuple[str, str]]:
        """Wait for the jobs, run another one, and prove that all is as promised."""
        give_up = time.monotonic() + _ENDS_WITHIN
        for job in jobs:
            job.wait(max(give_up - time.monotonic(), 1.0))
        # One more: it does what is left, and accounts for jobs that died at the very end.
        if (status := self.start().wait(_ENDS_WITHIN)) != 0:
            yield "last job", f"exit status {status}: {self._log.read_text()[-3000:]}"
        yield from wrong_in_ledger(self.ledger, self._directory / "outbox")
        with Ledger.open(self.ledger, create=False) as ledger:
            if ledger.counts()[State.DONE] != self.n_units:
                yield "ledger", f"{ledger.counts()[State.DONE]} of {self.n_units} units are done"
            for job_record in ledger.jobs.all():
                if job_record.ended is None:
                    yield "ledger", f"job {job_record.id} is not accounted for"
        if len(self._words()) != self.n_units:
            yield "file", f"{len(self._words())} of {self.n_units} units have one"
        for unit, words in self._words().items():
            if (words.count("end"), words[-1], "overlap" in words) != (1, "end", False):
                yield "file", f"{unit}: {words}"

    def wrong_if_undisturbed(self) -> Iterator[tuple[str, str]]:
        """List the faults of a campaign without kills: each unit is begun once, by all accounts."""
        with Ledger.open(self.ledger, create=False) as ledger:
            for unit, words in self._words().items():
                states = [event.to_state for event in ledger.history(unit)]
                begun = (states.count(State.WORKING), words.count("begin"))
                if begun != (1, 1):
                    yield "begun", f"{unit}: {begun[0]} times, in its file {begun[1]} times"

    def summary(self) -> str:
        """Sum the ledger up in a line."""
        with Ledger.open(self.ledger, create=False) as ledger:
            histories = [ledger.history(unit.name) for unit in ledger.units()]
            n_jobs = len(ledger.jobs.all())
        events = list(itertools.chain.from_iterable(histories))
        n_taken_over = sum(
            is_takeover(event, before.job.id)
            for history in histories
            for before, event in pairwise(history)
        )
        return (
            f"{len(histories)} units done once each by {n_jobs} jobs, "
            f"{sum(event.to_state is State.WORKING for event in events)} attempts, "
            f"{n_taken_over} taken over from dead jobs, {len(events)} events"
        )

    def take_away(self, away: Callable[[], None]) -> tuple[Seen, int]:
        """Let the database be away in the middle; what was seen, and the units done meanwhile."""
        seen = Seen(campaigns=1)
        jobs = [self.start() for _ in range(self.n_jobs)]
        try:
            self._wait_until(lambda: self.n_done() >= self.n_units // 5, "the first units")
            before = self.n_done()
            away()
            meanwhile = self.n_done() - before
            if meanwhile == 0:
                seen.wrong.append(("away", "nothing was done without the database"))
            seen.wrong += [*self.finish(jobs), *self.wrong_if_undisturbed()]
        finally:
            end_all(jobs)
        return seen, meanwhile

    def n_done(self) -> int:
        """How many units are finished, as their files tell."""
        return sum("end" in words for words in self._words().values())

    def _n_lines(self) -> int:
        """How much happened to the units so far, as their files tell."""
        return sum(map(len, self._words().values()))

    def _words(self) -> dict[str, list[str]]:
        """The story of each unit, as its file tells."""
        units = sorted(path.stem for path in self._directory.glob("u*.txt"))
        return {unit: [word for word, _ in read_lines(self._directory, unit)] for unit in units}

    def _wait_until(self, reached: Callable[[], bool], what: str) -> None:
        wait_until(reached, what, self._log, _ENDS_WITHIN, 0.05)


def stop_server(server: PostgresServer, seconds: float) -> None:
    """Take PostgreSQL away."""
    server.stop()
    time.sleep(seconds)
    server.start()


def lock_file(path: str, seconds: float) -> None:
    """Take SQLite away."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=60)
    connection.execute("BEGIN EXCLUSIVE")
    time.sleep(seconds)
    connection.close()


@click.command(context_settings=HELP_OPTIONS)
@click.option("--kills", default=30, show_default=True, help="Of jobs and of the server.")
@click.option("--units", default=150, show_default=True)
@click.option("--seconds", default=0.6, show_default=True, help="That a unit takes.")
@click.option("--away", default=30.0, show_default=True, help="Seconds without the database.")
@click.option("--seed", default=1, show_default=True)
def main(kills: int, units: int, seconds: float, away: float, seed: int) -> None:
    """All that the ledger promises of jobs: exit status 1 if anything is not as promised."""
    chance = random.Random(seed)
    programs = find_programs()
    if programs is None:
        raise click.ClickException("no PostgreSQL server is installed")
    n_wrong = 0

    def report(title: str, done: str, jobs: LedgerJobs, seen: Seen) -> None:
        nonlocal n_wrong
        click.echo(f"{title}: {done}; {jobs.summary()}")
        n_wrong += seen.say_what_is_wrong()

    with (
        tempfile.TemporaryDirectory(prefix="cvzmpi-jobs-") as directory,
        PostgresServer(programs) as server,
    ):

        def jobs_on(location: str, name: str, n_jobs: int, **more: PostgresServer) -> LedgerJobs:
            return LedgerJobs(location, Path(directory) / name, units, seconds, n_jobs, **more)

        killed = server.make_database("killed")
        for title, jobs, n in (
            ("PostgreSQL, three jobs", jobs_on(killed, "killed", 3, server=server), kills),
            ("SQLite, one job", jobs_on(f"{directory}/one.sqlite", "one", 1), kills),
            ("SQLite, two jobs", jobs_on(f"{directory}/two.sqlite", "two", 2), kills // 2),
        ):
            seen = disturb_campaign(jobs, n, chance)
            done = f"{seen.kinds[_KILL]} {_KILL}, {seen.kinds[_CRASH]} {_CRASH}"
            report(title, done, jobs, seen)
        gone, locked = server.make_database("away"), f"{directory}/away.sqlite"
        for title, jobs, way in (
            ("PostgreSQL, three jobs", jobs_on(gone, "away", 3), partial(stop_server, server)),
            ("SQLite, one job", jobs_on(locked, "away-one", 1), partial(lock_file, locked)),
        ):
            seen, meanwhile = jobs.take_away(partial(way, away))
            done = f"database away for {away:.0f} s, {meanwhile} units done meanwhile"
            report(title, done, jobs, seen)
    raise SystemExit(bool(n_wrong))


if __name__ == "__main__":
    main()
