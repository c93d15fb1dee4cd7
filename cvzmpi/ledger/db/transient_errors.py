"""Errors of a database that pass by themselves, told from those that a person must see to."""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

# Primary result codes, https://www.sqlite.org/rescode.html
_SQLITE = {
    5,  # BUSY: others have it locked
    6,  # LOCKED
    7,  # NOMEM
    9,  # INTERRUPT
    10,  # IOERR
    15,  # PROTOCOL: a race for locks
}
_NO_SQLITE_LEDGER = {
    "not a database": "file is not a database",
    "malformed": "the file is damaged",
    "no such table": "the file is empty, or no ledger",
}
_SQLITE_WORDS = ("locked", "disk i/o error", "locking protocol")  # before Python 3.11

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_POSTGRESQL_CLASSES = {
    "08",  # the connection
    "40",  # a transaction rolled back for the sake of others
    "53",  # no resources: connections, memory, disk
    "57",  # an operator: shutdown, starting up, recovery
    "58",  # the system below
}
_POSTGRESQL = {
    "25006",  # read-only: a standby that takes over
    "55P03",  # locked by others
}
# A connection that is refused has no code, and a text from libpq, the resolver, or the server.
_WRONG_CONNECTION = (
    "authentication failed",
    "no password supplied",
    "does not exist",
    "no pg_hba.conf entry",
    "pg_hba.conf rejects",
    "permission denied",
    "not permitted to log in",
    "not currently accepting connections",
    "name or service not known",
    "no address associated",
    "nodename nor servname",
    "certificate",
    "does not support ssl",
    "invalid",
    "unsupported frontend protocol",
)


def is_temporary(error: DBAPIError) -> bool:
    """Whether an error may pass by itself, so that the same works later.

    Parameters
    ----------
    error : DBAPIError
        Of SQLite or PostgreSQL.
    """
    original = error.orig
    if isinstance(original, sqlite3.Error):
        return _is_temporary_in_sqlite(original)
    if error.connection_invalidated or isinstance(error, InterfaceError):
        return True
    code: str | None = getattr(original, "sqlstate", None)
    if code is not None:
        return code[:2] in _POSTGRESQL_CLASSES or code in _POSTGRESQL
    text = str(original).lower()
    return isinstance(error, OperationalError) and not any(
        words in text for words in _WRONG_CONNECTION
    )


def is_full(error: DBAPIError) -> bool:
    """Whether the disk of the database is full."""
    if isinstance(error.orig, sqlite3.Error):
        return "database or disk is full" in str(error.orig)
    return getattr(error.orig, "sqlstate", None) == "53100"


def why_no_ledger(error: DBAPIError) -> str | None:
    """Why an SQLite file is no usable ledger, damaged or without tables; None for other errors."""
    if not isinstance(error.orig, sqlite3.Error):
        return None
    text = str(error.orig)
    return next((why for words, why in _NO_SQLITE_LEDGER.items() if words in text), None)


def _is_temporary_in_sqlite(error: sqlite3.Error) -> bool:
    code: int | None = getattr(error, "sqlite_errorcode", None)
    if code is not None:
        return code & 0xFF in _SQLITE
    return any(words in str(error).lower() for words in _SQLITE_WORDS)
