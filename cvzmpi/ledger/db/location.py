"""Settings of every connection to a ledger's database, with and without SQLAlchemy."""

from __future__ import annotations

VERSION = "0002"
"""The newest version of the ledger's tables. With it here, Alembic is imported only when there is a
migration to run."""

BUSY_SECONDS = 10
"""Seconds that SQLite waits for others to unlock the file."""

# The limits keep a job from waiting for ever for a server that does not answer.
POSTGRESQL_OPTIONS = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
    "application_name": "cvzmpi",
    "client_encoding": "utf8",  # else it is the database's, and SQL_ASCII brings bytes for text
}
"""Options of a connection, where the URL does not say otherwise."""


def is_url(text: str) -> bool:
    """True if this is the URL of a database rather than a path."""
    return "://" in text
