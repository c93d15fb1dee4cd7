"""A job whose process is no more, for the tests."""

import sqlalchemy as sa

from cvzmpi.ledger.db.tables import jobs
from cvzmpi.ledger.records import Job


def let_die(job: Job, connection: sa.Connection) -> None:
    """From now on, the process of a job is one that this machine does not have."""
    gone = f"{job.process.rpartition(' ')[0]} 0:0"
    connection.execute(jobs.update().where(jobs.c.id == job.id).values(process=gone))
