"""Whether the ledger takes 1,000 light curves a second: claimed, begun and ended, by many jobs.

Each job is a process that does what a job's writer does: four times a second, or as soon as the
round before is over, it records in one transaction what began and ended since, and claims as many
light curves in another. What a round cannot take, the next one does, in a larger transaction.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import time
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from statistics import median
from typing import Any

from cvzmpi.errors import LedgerUnavailableError
from cvzmpi.ledger import Event, Job, Ledger, NewUnit, State
from tools.harness.postgres_server import PostgresServer, find_programs

WANTED = 1000.0
"""Light curves a second, of all jobs together: 4,000 cores at 4 s each."""
JOBS = (1, 50)  # of 4,000 ranks: 50 jobs of two nodes each, as the job scripts have it
_ROUND_SECONDS = 0.25
_BATCH = 2000


@dataclass(frozen=True)
class Rate:
    """What one kind of database took from so many jobs at once."""

    kind: str
    n_jobs: int
    per_second: float
    """Light curves, of all jobs together, in the second half of the time."""
    milliseconds: float
    """Of processor time for one light curve, of all jobs and of a server."""
    in_server: float
    """The part of them that the processes of a server took; 0 where there is none."""
    round_seconds: float
    """A job's two transactions, with its waits for the others: the median."""
    n_refused: int
    """Rounds in which the database was locked by others for too long."""

    @property
    def keeps_up(self) -> bool:
        """Whether it took what there was to record, but for a tenth: rounds are few."""
        return self.per_second >= 0.9 * WANTED


@dataclass
class Answer:
    """What one job did."""

    n_units: int = 0
    n_late: int = 0
    """In the second half of its time: the first has the start of all jobs at once."""
    n_refused: int = 0
    cpu: float = 0.0
    """Seconds of its process."""
    rounds: list[float] = field(default_factory=list)
    """Seconds of each."""


def measure(directory: Path, seconds: float, jobs: tuple[int, ...] = JOBS) -> list[Rate]:
    """SQLite, and PostgreSQL where it is installed; each with so many jobs at once."""
    rates = []
    for n_jobs in jobs:
        path = directory / f"ledger-{n_jobs}.sqlite"
        rates.append(_rate("SQLite", str(path), n_jobs, seconds))
    programs = find_programs()
    if programs is not None:
        with PostgresServer(programs) as server:
            for n_jobs in jobs:
                url = server.make_database(f"costs{n_jobs}")
                rates.append(_rate("PostgreSQL", url, n_jobs, seconds, server))
    return rates


def _rate(
    kind: str, location: str, n_jobs: int, seconds: float, server: PostgresServer | None = None
) -> Rate:
    jobs = fill(location, int(1.5 * WANTED * seconds) + 10 * n_jobs, n_jobs)
    processes = multiprocessing.get_context("fork")  # imported once, not by every job
    begin, answers = processes.Barrier(n_jobs), processes.SimpleQueue()
    before = _cpu_of_ended_backends(server)
    arguments = (WANTED / n_jobs, seconds, begin, answers)
    ranks = [processes.Process(target=_work, args=(location, job, *arguments)) for job in jobs]
    for rank in ranks:
        rank.start()
    answered: list[Answer] = [answers.get() for _ in ranks]
    for rank in ranks:
        rank.join()
    n_units = max(1, sum(answer.n_units for answer in answered))
    in_jobs = sum(answer.cpu for answer in answered)
    in_server = _cpu_of_ended_backends(server) - before
    return Rate(
        kind,
        n_jobs,
        sum(answer.n_late for answer in answered) / (seconds / 2),
        1e3 * (in_jobs + in_server) / n_units,
        1e3 * in_server / n_units,
        median(chain.from_iterable(answer.rounds for answer in answered)),
        sum(answer.n_refused for answer in answered),
    )


def _cpu_of_ended_backends(server: PostgresServer | None) -> float:
    """Seconds that a server's processes took, one for each job, which end with it."""
    if server is None:
        return 0.0
    time.sleep(0.5)  # the last of them ends
    pid = (server.directory / "data" / "postmaster.pid").read_text().split()[0]
    ended = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[13:15]
    return sum(map(int, ended)) / os.sysconf("SC_CLK_TCK")


def fill(location: str, n_units: int, n_jobs: int) -> list[Job]:
    """A ledger whose light curves all wait for a rank, and the jobs that are to have them."""
    with Ledger.open(location) as ledger:
        job = ledger.jobs.begin("fill")
        for first in range(0, n_units, _BATCH):
            names = [f"{25155310 + n}_1" for n in range(first, min(first + _BATCH, n_units))]
            ledger.add_units([NewUnit(name, cost=1.0) for name in names], job)
            ready = (State.QUALIFIED, State.PREPROCESSED)
            ledger.record([Event(name, state) for state in ready for name in names], job)
        return [ledger.jobs.begin("run", ranks=40, nodes=1) for _ in range(n_jobs)]


def _work(location: str, job: Job, rate: float, seconds: float, begin: Any, answers: Any) -> None:
    answer = Answer()
    try:
        with Ledger.open(location) as ledger:
            begin.wait()
            work(ledger, job, rate, seconds, answer)
    finally:
        answers.put(answer)


def work(ledger: Ledger, job: Job, rate: float, seconds: float, answer: Answer) -> None:
    """Be a job whose ranks end `rate` light curves a second, for a while."""
    cpu, start = _cpu(), time.monotonic()
    held: list[str] = []
    while (now := time.monotonic()) < start + seconds:
        try:
            states = (State.WORKING, State.DONE)
            ledger.record([Event(name, state) for state in states for name in held], job)
            answer.n_units += len(held)
            answer.n_late += len(held) if now > start + seconds / 2 else 0
            held = []
            n_due = int(rate * (now - start)) - answer.n_units
            held = [u.name for u in ledger.claims.take(job, n_due, (State.PREPROCESSED,))]
        except LedgerUnavailableError:  # others had it locked for long: a job tries again
            answer.n_refused += 1
        answer.rounds.append(time.monotonic() - now)
        time.sleep(max(0.0, _ROUND_SECONDS - answer.rounds[-1]))
    answer.cpu = _cpu() - cpu


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
