"""The column types that SQLite and PostgreSQL do not share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from cvzmpi.errors import LedgerError
from cvzmpi.ledger.db.stored_values import as_instant


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
