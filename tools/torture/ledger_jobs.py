"""Jobs on one ledger, killed at random and started again, with a database that goes away.

    python -m tools.torture.ledger_jobs                 all of it, some ten minutes
    python -m tools.torture.ledger_jobs --kills 6       shorter

Afterwards the history must prove: each unit was done once, and never two jobs had one at a time; no
event is lost or doubled. The units' own files, which know nothing of the ledger, must agree.
"""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click

from cvzmpi.ledger import Ledger, Recorded, State
from tools.harness.job_process import ROOT, environment, kill
from tools.harness.postgres_server import PostgresServer, find_programs
from tools.torture.toy_job import read_lines

_ENDS_WITHIN = 300.0


@dataclass
class Campaign:
    """Toy units, and the jobs on them.

    Attributes
    ----------
    ledger : str
        Its location.
    directory : Path
    n_units : int
    seconds : float
        That a unit takes.
    """

    ledger: str
    directory: Path
    n_units: int
    seconds: float

    def start(self, ranks: int = 3) -> subprocess.Popen[str]:
        """Start a job."""
        self.directory.mkdir(parents=True, exist_ok=True)
        command = [str(ROOT / "tools" / "mpirun.sh"), "-n", str(ranks), sys.executable]
        command += ["-m", "tools.torture.toy_job", self.ledger, str(self.directory)]
        with (self.directory / "jobs.log").open("a") as log:
            return subprocess.Popen(
                [*command, str(self.n_units), str(self.seconds)],
                cwd=ROOT,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                text=True,
                start_new_session=True,
            )

    def n_done(self) -> int:
        """How many units are finished, as their files tell."""
        return sum(
            any(word == "end" for word, _ in read_lines(self.directory, path.stem))
            for path in self.directory.glob("u*.txt")
        )

    def is_done(self) -> bool:
        """Whether all units are finished."""
        return self.n_done() >= self.n_units

    def n_lines(self) -> int:
        """How much happened to the units so far, as their files tell."""
        files = self.directory.glob("u*.txt")
        return sum(len(read_lines(self.directory, path.stem)) for path in files)

    def finish(self, jobs: list[subprocess.Popen[str]]) -> None:
        """Wait for the jobs, and run another one if they left something."""
        give_up = time.monotonic() + _ENDS_WITHIN
        try:
            for job in jobs:
                job.wait(max(give_up - time.monotonic(), 1.0))
            # one more: it does what is left, and accounts for jobs that died at the very end
            assert self.start().wait(_ENDS_WITHIN) == 0, self.log()
        except subprocess.TimeoutExpired:
            for job in jobs:
                kill(job)
            raise AssertionError(f"a job hangs; their log: {self.log()}") from None

    def log(self) -> str:
        """What the jobs said."""
        return (self.directory / "jobs.log").read_text()[-3000:]


# ----------------------------------------------------------------- what the history proves


def check(campaign: Campaign, *, killed: bool) -> str:
    """Prove from the history that all was as it should be; a line about what was seen.

    Parameters
    ----------
    campaign : Campaign
    killed : bool
        Whether jobs were killed: what one did in its last moment, only the files know.

    Raises
    ------
    AssertionError
    """
    n_events = n_attempts = n_burials = 0
    with Ledger.open(campaign.ledger, create=False) as ledger:
        units = ledger.units()
        assert len(units) == campaign.n_units
        keys = set()
        for unit in units:
            history = ledger.history(unit.name)
            _check_history(history)
            keys |= {event.key for event in history}
            n_events += len(history)
            n_attempts += sum(event.to_state is State.WORKING for event in history)
            n_burials += sum(_is_burial(event) for event in history)
            _check_file(campaign, unit.name, history, killed)
        assert len(keys) == n_events, "an event is there twice"
        assert ledger.counts()[State.DONE] == campaign.n_units
        assert all(job.ended is not None for job in ledger.jobs.all()), "all jobs are accounted for"
        n_jobs = len(ledger.jobs.all())
    left = [path.name for path in (campaign.directory / "outbox").glob("*")]
    assert not left, f"undelivered or refused: {left}"
    return (
        f"{campaign.n_units} units done once each by {n_jobs} jobs, {n_attempts} attempts, "
        f"{n_burials} taken over from dead jobs, {n_events} events"
    )


def _check_history(history: list[Recorded]) -> None:
    """A unit is done once, and the work of a job on it ends before that of the next begins."""
    name = history[0].unit
    assert [event.number for event in history] == list(range(1, len(history) + 1)), name
    before: Recorded | None = None
    for event in history:
        assert event.from_state is (before and before.to_state), f"{name}: a gap at {event.number}"
        if before is not None and before.to_state is State.WORKING:
            assert event.job.id == before.job.id or _is_burial(event), (
                f"{name}: job {event.job.id} had it while job {before.job.id} worked on it"
            )
        before = event
    assert [event.to_state for event in history].count(State.DONE) == 1, name
    assert history[-1].to_state is State.DONE, name


def _is_burial(event: Recorded) -> bool:
    said = event.message or ""
    return event.from_state is State.WORKING and (" died on " in said or " has ended (" in said)


def _check_file(campaign: Campaign, name: str, history: list[Recorded], killed: bool) -> None:
    """The unit's own file tells the same story."""
    words = [word for word, _ in read_lines(campaign.directory, name)]
    assert words.count("end") == 1, f"{name}: {words}"
    assert words[-1] == "end", f"{name}: {words}"
    assert "overlap" not in words, f"{name}: {words}"
    n_begun = words.count("begin")
    n_recorded = [event.to_state for event in history].count(State.WORKING)
    if not killed:
        assert n_recorded == n_begun == 1, f"{name}: {words}"


# ----------------------------------------------------------------- what is done to jobs


def kill_at_random(
    campaign: Campaign,
    n_jobs: int,
    kills: int,
    chance: random.Random,
    server: PostgresServer | None = None,
) -> str:
    """Kill jobs, and the database server, at random instants and start them again."""
    jobs = [campaign.start() for _ in range(n_jobs)]
    n_killed = n_crashes = 0
    while n_killed + n_crashes < kills and not campaign.is_done():
        before = campaign.n_lines()
        # The last lines may have been written just before they were counted.
        _wait_for(
            lambda: campaign.n_lines() >= before + 2 or campaign.is_done(),  # noqa: B023 - waits here
            campaign,
        )
        time.sleep(chance.uniform(0.0, 2.0))
        if server is not None and chance.random() < 0.3:
            server.stop(chance.choice([signal.SIGINT, signal.SIGQUIT]))
            time.sleep(chance.uniform(0.0, 3.0))
            server.start()
            n_crashes += 1
        else:
            victim = chance.randrange(n_jobs)
            if jobs[victim].poll() is None:
                kill(jobs[victim])
                n_killed += 1
            jobs[victim] = campaign.start()
    campaign.finish(jobs)
    return f"{n_killed} jobs killed, {n_crashes} crashes of the server"


def take_away(
    campaign: Campaign, n_jobs: int, seconds: float, away: Callable[[float], None]
) -> str:
    """Let the database be away for some time in the middle."""
    jobs = [campaign.start() for _ in range(n_jobs)]
    _wait_for(lambda: campaign.n_done() >= campaign.n_units // 5, campaign)
    before = campaign.n_done()
    away(seconds)
    meanwhile = campaign.n_done() - before
    assert meanwhile > 0, "the work went on"
    campaign.finish(jobs)
    return f"database away for {seconds:.0f} s, {meanwhile} units done meanwhile"


def _wait_for(what: Callable[[], bool], campaign: Campaign) -> None:
    give_up = time.monotonic() + _ENDS_WITHIN
    while not what():
        assert time.monotonic() < give_up, campaign.log()
        time.sleep(0.05)


def stop_server(server: PostgresServer) -> Callable[[float], None]:
    """A way to take PostgreSQL away."""

    def away(seconds: float) -> None:
        server.stop()
        time.sleep(seconds)
        server.start()

    return away


def lock_file(path: str) -> Callable[[float], None]:
    """A way to take SQLite away."""

    def away(seconds: float) -> None:
        connection = sqlite3.connect(path, isolation_level=None, timeout=60)
        connection.execute("BEGIN EXCLUSIVE")
        time.sleep(seconds)
        connection.close()

    return away


@click.command()
@click.option("--kills", default=30, show_default=True, help="Of jobs and of the server.")
@click.option("--units", default=150, show_default=True)
@click.option("--seconds", default=0.6, show_default=True, help="That a unit takes.")
@click.option("--away", default=30.0, show_default=True, help="Seconds without the database.")
@click.option("--seed", default=1, show_default=True)
def main(kills: int, units: int, seconds: float, away: float, seed: int) -> None:
    """All that the ledger promises of jobs."""
    chance = random.Random(seed)
    programs = find_programs()
    if programs is None:
        raise click.ClickException("no PostgreSQL server is installed")
    server = PostgresServer(programs)
    with tempfile.TemporaryDirectory(prefix="cvzmpi-jobs-") as name:
        directory = Path(name)

        def campaign(kind: str, title: str) -> Campaign:
            place = directory / title
            place.mkdir()
            ledger = (
                str(place / "ledger.sqlite")
                if kind == "SQLite"
                else server.make_database(title.replace("-", "_"))
            )
            return Campaign(ledger, place, units, seconds)

        def report(title: str, done: str, ended: Campaign, killed: bool) -> None:
            click.echo(f"{title}: {done}; {check(ended, killed=killed)}")

        try:
            server.start()
            c = campaign("PostgreSQL", "killed-pg")
            done = kill_at_random(c, 3, kills, chance, server)
            report("PostgreSQL, three jobs", done, c, True)
            c = campaign("SQLite", "killed-sqlite")
            report("SQLite, one job", kill_at_random(c, 1, kills, chance), c, True)
            c = campaign("SQLite", "killed-sqlite-2")
            report("SQLite, two jobs", kill_at_random(c, 2, kills // 2, chance), c, True)
            c = campaign("PostgreSQL", "away-pg")
            report("PostgreSQL, three jobs", take_away(c, 3, away, stop_server(server)), c, False)
            c = campaign("SQLite", "away-sqlite")
            done = take_away(c, 1, away, lock_file(c.ledger))
            report("SQLite, one job", done, c, False)
        finally:
            server.remove()


if __name__ == "__main__":
    main()
