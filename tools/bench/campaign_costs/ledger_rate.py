"""How many light curves a second the ledger takes: claimed, begun and ended, by one job or many.

Each job is a process that does without a pause what a job's writer does four times a second: it
claims, and records what began and what ended, each in one transaction. The light curves take no
time, so this is the most that the ledger takes.
"""

from __future__ import annotations

import multiprocessing
import resource
import time
from dataclasses import dataclass
from pathlib import Path

from cvzmpi.ledger import Event, Ledger, NewUnit, State
from tools.harness.postgres_server import PostgresServer, find_programs

_ROUNDS_PER_SECOND = 4  # of a job's writer
_WANTED = 1000  # light curves a second, of all jobs together
_N_UNITS = 40_000
_BATCH = 2000


@dataclass(frozen=True)
class Rate:
    """What one kind of database took from so many jobs at once."""

    kind: str
    n_jobs: int
    per_second: float
    """Light curves, of all jobs together."""
    milliseconds: float
    """Of processor time that the jobs spent on one light curve; a server's is not in it."""


def measure(directory: Path, seconds: float, jobs: tuple[int, ...] = (1, 25)) -> list[Rate]:
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
                rates.append(_rate("PostgreSQL", url, n_jobs, seconds))
    return rates


def _rate(kind: str, location: str, n_jobs: int, seconds: float) -> Rate:
    fill(location, _N_UNITS)
    processes = multiprocessing.get_context("spawn")
    begin = processes.Barrier(n_jobs)
    arguments = [(location, _WANTED // _ROUNDS_PER_SECOND // n_jobs, seconds)] * n_jobs
    with processes.Pool(n_jobs, _hold, (begin,)) as pool:
        done = pool.starmap(work, arguments, chunksize=1)
    n_units, cpu = (sum(column) for column in zip(*done, strict=True))
    return Rate(kind, n_jobs, n_units / seconds, 1e3 * cpu / n_units)


def fill(location: str, n_units: int) -> None:
    """A ledger whose light curves all wait for a rank."""
    with Ledger.open(location) as ledger:
        job = ledger.jobs.begin("fill")
        for first in range(0, n_units, _BATCH):
            names = [f"{25155310 + n}_1" for n in range(first, min(first + _BATCH, n_units))]
            ledger.add_units([NewUnit(name, cost=1.0) for name in names], job)
            for state in (State.QUALIFIED, State.PREPROCESSED):
                ledger.record([Event(name, state) for name in names], job)


def _hold(begin: object) -> None:
    """Let every process wait for the others before it begins."""
    globals()["_begin"] = begin


def work(location: str, n_claim: int, seconds: float) -> tuple[int, float]:
    """Be a job for a while; the light curves that it ended, and its processor time."""
    with Ledger.open(location) as ledger:
        job = ledger.jobs.begin("run", ranks=40, nodes=1)
        globals()["_begin"].wait()
        cpu, end, n_done = _cpu(), time.monotonic() + seconds, 0
        while time.monotonic() < end:
            names = [u.name for u in ledger.claims.take(job, n_claim, (State.PREPROCESSED,))]
            if not names:
                raise RuntimeError(f"{location}: no light curve is left: fill more")
            for state in (State.WORKING, State.DONE):
                ledger.record([Event(name, state) for name in names], job)
            n_done += len(names)
        return n_done, _cpu() - cpu


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
