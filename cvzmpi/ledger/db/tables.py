"""The tables of the ledger, as SQLAlchemy sees them. `migrations` makes them, with their triggers.

`units` and `events` are the truth, and only ever grow. What else is there can be lost:

- `latest` holds the newest event of each unit. A trigger keeps it, and it can be made anew from the
  events. Without it, counting the states of 200,000 units means to find the newest of 2,000,000
  events 200,000 times, in seconds rather than milliseconds, and each claim would sort them all.
- `claims`, `batches` and the heartbeats of `jobs` say who has what *now*. That is no history.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from cvzmpi.errors import LedgerError
from cvzmpi.ledger.db.stored_values import as_instant

# ----------------------------------- the column types that SQLite and PostgreSQL do not share


class Utc(sa.TypeDecorator[datetime]):
    """An instant, in UTC. SQLite has it as text without a zone."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """The value that the database is given."""
        if value is not None and dialect.name == "sqlite":
            return value.astimezone(timezone.utc).replace(tzinfo=None)
        return value

    def result_processor(
        self, dialect: sa.Dialect, coltype: object
    ) -> Callable[[Any], datetime | None]:
        """A function that reads a value as the driver gives it."""
        del dialect, coltype
        return lambda value: None if value is None else as_instant(value)


class Key(sa.TypeDecorator[UUID]):
    """A UUID. SQLite has it as its 16 bytes: as text, two million take 100 MB more."""

    impl = sa.LargeBinary(16)
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """The type of the column in this database."""
        return dialect.type_descriptor(
            sa.Uuid() if dialect.name == "postgresql" else sa.LargeBinary(16)
        )

    def process_bind_param(self, value: UUID | None, dialect: sa.Dialect) -> Any:
        """The value that the database is given."""
        return value.bytes if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> UUID | None:
        """The value that a program is given."""
        if not isinstance(value, bytes | memoryview):
            return value
        try:
            return UUID(bytes=bytes(value))
        except ValueError:
            raise LedgerError(
                f"the ledger has {value!r:.80} where it must have a key of 16 bytes"
            ) from None


class Json(sa.TypeDecorator[Any]):
    """JSON; PostgreSQL has it in a form that it can look into."""

    impl = sa.JSON(none_as_null=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """The type of the column in this database."""
        if dialect.name != "postgresql":
            return dialect.type_descriptor(sa.JSON(none_as_null=True))
        from sqlalchemy.dialects.postgresql import JSONB  # not where SQLite is all that is needed

        return dialect.type_descriptor(JSONB(none_as_null=True))


# ----------------------------------------------------------------- the tables

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
