"""The tables of the ledger, as SQLAlchemy sees them. `migrations` makes them, with their triggers.

`units` and `events` are the truth, and only ever grow. What else is there can be lost:

- `latest` holds the newest event of each unit. A trigger keeps it, and it can be made anew from the
  events. Without it, counting the states of 200,000 units means to find the newest of 2,000,000
  events 200,000 times, in seconds rather than milliseconds, and each claim would sort them all.
- `claims`, `batches` and the heartbeats of `jobs` say who has what *now*. That is no history.
"""

from __future__ import annotations

import sqlalchemy as sa

from cvzmpi.ledger.db.column_types import Json, Key, Utc

metadata = sa.MetaData()

jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("key", Key, nullable=False, unique=True),
    sa.Column("program", sa.Text, nullable=False),
    sa.Column("queue_id", sa.Text),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("process", sa.Text, nullable=False),
    sa.Column("software", sa.Text, nullable=False),
    sa.Column("ranks", sa.Integer, nullable=False),
    sa.Column("nodes", sa.Integer, nullable=False),
    sa.Column("log", sa.Text),
    sa.Column("started", Utc, nullable=False),
    sa.Column("heartbeat", Utc, nullable=False),
    sa.Column("steps", sa.BigInteger, nullable=False),
    sa.Column("steps_per_second", sa.Float),
    sa.Column("ended", Utc),
    sa.Column("outcome", sa.Text),
)

units = sa.Table(
    "units",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("cost", sa.Float, nullable=False),
    sa.Column("priority", sa.Float, nullable=False),
    sa.Column("facts", Json, nullable=False),
)

events = sa.Table(
    "events",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("key", Key, nullable=False, unique=True),
    sa.Column("unit_id", sa.ForeignKey("units.id"), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("from_state", sa.Text),
    sa.Column("to_state", sa.Text, nullable=False),
    sa.Column("at", Utc, nullable=False),
    sa.Column("job_id", sa.ForeignKey("jobs.id"), nullable=False),
    sa.Column("rank", sa.Integer),
    sa.Column("host", sa.Text),
    sa.Column("charged", sa.Integer),
    sa.Column("progress", sa.Integer),
    sa.Column("message", sa.Text),
    sa.Column("detail", Json),
    sa.UniqueConstraint("unit_id", "number"),
    sa.Index(
        "events_done",
        "at",
        sqlite_where=sa.text("to_state = 'done'"),
        postgresql_where=sa.text("to_state = 'done'"),
    ),
)

latest = sa.Table(
    "latest",
    metadata,
    sa.Column("unit_id", sa.ForeignKey("units.id"), primary_key=True, autoincrement=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("since", Utc, nullable=False),
    sa.Column("job_id", sa.Integer, nullable=False),
    sa.Column("charged", sa.Integer, nullable=False),
    sa.Column("progress", sa.Integer, nullable=False),
    sa.Column("begun", sa.Integer, nullable=False),
    sa.Column("priority", sa.Float, nullable=False),
    sa.Column("cost", sa.Float, nullable=False),
    sa.Index(
        "latest_order",  # of `cvzmpi.ledger.order`
        "state",
        sa.text("begun DESC"),
        sa.text("priority DESC"),
        sa.text("cost DESC"),
        "unit_id",
    ),
    sa.Index("latest_since", "state", "since"),
)

claims = sa.Table(
    "claims",
    metadata,
    sa.Column("unit_id", sa.ForeignKey("units.id"), primary_key=True, autoincrement=False),
    sa.Column("job_id", sa.ForeignKey("jobs.id"), nullable=False, index=True),
)

batches = sa.Table(
    "batches",
    metadata,
    sa.Column("job_id", sa.ForeignKey("jobs.id"), primary_key=True, autoincrement=False),
    sa.Column("unit_id", sa.ForeignKey("units.id"), primary_key=True, autoincrement=False),
)
