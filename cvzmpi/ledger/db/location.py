"""What every connection to a ledger's database needs to know, with and without SQLAlchemy."""

from __future__ import annotations

VERSION = "0002"
"""Of the ledger's tables: the newest of `migrations`. Said here, so that Alembic is imported only
when there is work for it."""

BUSY_SECONDS = 10
"""That SQLite waits for others to unlock the file."""

# A server that does not answer must not be waited for without end.
POSTGRESQL_OPTIONS = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
    "application_name": "cvzmpi",
    "client_encoding": "utf8",  # else it is the database's, and SQL_ASCII brings bytes for text
}
"""Of a connection, where the URL does not say otherwise."""


def is_url(text: str) -> bool:
    """Whether this is the URL of a database rather than a path."""
    return "://" in text
