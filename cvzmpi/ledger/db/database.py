"""The connection to SQLite or PostgreSQL; modules above see no difference.

Writers take turns: a writing transaction holds a lock on the whole ledger from its first moment
(`BEGIN IMMEDIATE` in SQLite, an advisory lock in PostgreSQL). What it reads is then true until it
ends. A job makes a handful of short ones a second, however many ranks it has.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError

from cvzmpi.errors import (
    LedgerError,
    LedgerFullError,
    LedgerLostError,
    LedgerUnavailableError,
    one_line,
)
from cvzmpi.ledger.db import stored_values
from cvzmpi.ledger.db.location import POSTGRESQL_OPTIONS, is_url
from cvzmpi.ledger.db.sqlite_file import SqliteFile
from cvzmpi.messages.redaction import shown_url, url_fault

_CHUNK = 1000
_LOCK = 0x6376_7A6D  # of the advisory lock; any number that nobody else uses in that database

T = TypeVar("T")


def chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """Values in parts that fit into one statement: databases have limits."""
    for first in range(0, len(values), _CHUNK):
        yield values[first : first + _CHUNK]


class Database:
    """A database, whichever it is.

    Parameters
    ----------
    location : str or Path
        Path of an SQLite file, `sqlite:///...`, or `postgresql://user@host/database`.
    create : bool
        Whether an SQLite file that is not there is made.
    """

    def __init__(self, location: str | Path, create: bool = True) -> None:
        self.location = location
        text = _url(location)
        self.name = shown_url(text)
        if is_url(str(location)) and (fault := url_fault(text)) is not None:
            raise LedgerError(f"{self.name}: not the URL of a database: {fault}")
        try:
            url = sa.make_url(text)
        except (ArgumentError, ValueError):
            raise LedgerError(f"{self.name}: not the URL of a database") from None
        if url.drivername == "sqlite":
            self.name = url.database or ""
            self.engine = _sqlite(url, create)
        elif url.drivername in {"postgresql", "postgresql+psycopg"}:
            url = url.set(drivername="postgresql+psycopg")
            self.engine = sa.create_engine(
                url,
                connect_args={
                    key: v for key, v in POSTGRESQL_OPTIONS.items() if key not in url.query
                },
                pool_pre_ping=True,
                json_serializer=stored_values.as_utf8,
                json_deserializer=stored_values.from_text,
            )
        else:
            raise LedgerError(f"{self.name}: expected sqlite:/// or postgresql://")
        self._writing = self.engine.execution_options(cvzmpi_writes=True)

    @property
    def is_sqlite(self) -> bool:
        """True if this is SQLite."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A transaction that only reads.

        Raises
        ------
        LedgerUnavailableError
            If the database cannot be reached.
        """
        with self._errors(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A transaction in which nobody else writes; committed where nothing is raised.

        Raises
        ------
        LedgerUnavailableError
            If the database cannot be reached, or others keep it locked. Whether what was done is
            committed is then not known.
        """
        with self._errors(), self._writing.begin() as connection:
            if not self.is_sqlite:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
            yield connection

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            what = f"{self.name}: {one_line(error.orig or error)}"
            if _is_full(error):
                raise LedgerFullError(what) from error
            if _is_temporary(error):
                raise LedgerUnavailableError(what) from error
            if (why := _why_no_ledger(error)) is not None:
                raise LedgerLostError(f"{self.name}: {why}") from error
            raise LedgerError(what) from error
        except UnicodeDecodeError as error:
            raise LedgerError(f"{self.name}: has a text that is no UTF-8: {error}") from error
        except sa.exc.TimeoutError as error:  # no connection became free
            raise LedgerUnavailableError(f"{self.name}: {one_line(error)}") from error


def _url(location: str | Path) -> str:
    if isinstance(location, str) and is_url(location):
        return location
    return sa.URL.create("sqlite", database=str(location)).render_as_string()


def _sqlite(url: sa.URL, create: bool) -> sa.Engine:
    file = SqliteFile(Path(url.database or ""), create)
    engine = sa.create_engine(
        url,
        creator=file.connect,
        json_serializer=stored_values.as_text,
        json_deserializer=stored_values.from_text,
    )

    @sa.event.listens_for(engine, "connect")
    def _connected(connection: Any, record: object) -> None:
        del record
        connection.isolation_level = None  # we say BEGIN ourselves: sqlite3 would do it too late
        # No write-ahead log: its shared memory does not work on network file systems.
        connection.execute("PRAGMA journal_mode=DELETE")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA cache_size=-65536")  # 64 MB: keys are anywhere in their index

    @sa.event.listens_for(engine, "begin")
    def _begun(connection: sa.Connection) -> None:
        file.check()
        writes = connection.get_execution_options().get("cvzmpi_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


# -------------------------- errors that pass by themselves, and those that a person must see to

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


def _is_temporary(error: DBAPIError) -> bool:
    """True if an error may pass by itself, so that the same works later."""
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


def _is_full(error: DBAPIError) -> bool:
    """True if the disk of the database is full."""
    if isinstance(error.orig, sqlite3.Error):
        return "database or disk is full" in str(error.orig)
    return getattr(error.orig, "sqlstate", None) == "53100"


def _why_no_ledger(error: DBAPIError) -> str | None:
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
