"""The registry of jobs: who records, where it runs, and when it was last heard of."""

from __future__ import annotations

import socket
from pathlib import Path
from uuid import uuid4

import sqlalchemy as sa

from cvzmpi import __version__
from cvzmpi.errors import LedgerLostError
from cvzmpi.ledger import process
from cvzmpi.ledger.db.database import Database
from cvzmpi.ledger.db.stored_values import storable_text
from cvzmpi.ledger.db.tables import batches, claims, jobs
from cvzmpi.ledger.records import Job, now

JOB_COLUMNS = [column for column in jobs.c if column.name != "key"]


class JobRegistry:
    """All jobs and commands that ever recorded something."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(
        self,
        program: str,
        *,
        ranks: int = 1,
        nodes: int = 1,
        queue_id: str | None = None,
        log: Path | None = None,
    ) -> Job:
        """Enter this process; all that it records says so.

        Parameters
        ----------
        program : str
            `run`, `scan`, `verify`, ...
        queue_id : str, optional
            The queue's number of the job.
        log : Path, optional
            Its log file.
        """
        key, time = uuid4(), now()
        values = {
            "key": key,
            "program": program,
            "queue_id": queue_id,
            "host": socket.gethostname(),
            "process": process.identity(),
            "software": __version__,
            "ranks": ranks,
            "nodes": nodes,
            "log": None if log is None else storable_text(str(log)),
            "started": time,
            "heartbeat": time,
            "steps": 0,
        }
        with self._database.writing() as connection:
            connection.execute(jobs.insert().values(**values))
            row = connection.execute(sa.select(*JOB_COLUMNS).where(jobs.c.key == key)).one()
        return Job(*row)

    def beat(
        self, job: Job, steps: int, steps_per_second: float | None, *, within: sa.Connection
    ) -> bool:
        """Give a sign of life, and say how much is done.

        Returns
        -------
        bool
            False if others took the job for dead meanwhile: then its claims are gone, and it has
            come back to life without them.

        Raises
        ------
        LedgerLostError
            If the job is not in this ledger: it was emptied and made anew.
        """
        known = within.execute(
            sa.select(jobs.c.ended, jobs.c.process, jobs.c.host).where(jobs.c.id == job.id)
        ).one_or_none()
        if known is None or (known.process, known.host) != (job.process, job.host):
            raise LedgerLostError(
                f"{self._database.name}: not the ledger that job {job.id} on {job.host} began with"
            )
        values = {
            "heartbeat": now(),
            "steps": steps,
            "steps_per_second": steps_per_second,
            "ended": None,
            "outcome": None,
        }
        within.execute(jobs.update().where(jobs.c.id == job.id).values(**values))
        return known.ended is None

    def end(self, job: Job, outcome: str) -> None:
        """Note how a job ended; its claims end with it."""
        ended = {"ended": now(), "outcome": outcome}
        with self._database.writing() as connection:
            connection.execute(jobs.update().where(jobs.c.id == job.id).values(**ended))
            end_claims(connection, job)

    def all(self) -> list[Job]:
        """All of them, the newest last."""
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(*JOB_COLUMNS).order_by(jobs.c.id))
            return [Job(*row) for row in rows]


def end_claims(connection: sa.Connection, job: Job) -> None:
    """Have a job claim nothing more."""
    for table in (claims, batches):
        connection.execute(table.delete().where(table.c.job_id == job.id))
