"""A ledger at one moment, read straight through the driver of its database.

People wait for `status`, and importing SQLAlchemy takes longer than all of its queries. So they are
plain SQL that SQLite and PostgreSQL share.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from cvzmpi.errors import LedgerError, LedgerUnavailableError, one_line
from cvzmpi.ledger.db import stored_values
from cvzmpi.ledger.db.location import BUSY_SECONDS, POSTGRESQL_OPTIONS, VERSION, is_url


@dataclass(frozen=True)
class _Driver:
    """The differences between the drivers of SQLite and PostgreSQL."""

    connect: Callable[[], Any]
    error: type[Exception]
    unreadable: type[Exception]
    begin: str
    placeholder: str
    as_value: Callable[[Any], Any]


class Snapshot:
    """A transaction that reads, and sees the ledger as it is when it begins. See `snapshot`."""

    def __init__(self, driver: _Driver, connection: Any) -> None:
        self._driver, self._connection = driver, connection
        connection.execute(driver.begin)

    def rows(self, query: str, *values: str | int | datetime) -> list[tuple[Any, ...]]:
        """The rows that a query finds.

        Parameters
        ----------
        query : str
            With a `?` for each value.
        """
        query = query.replace("?", self._driver.placeholder)
        known = [self._driver.as_value(value) for value in values]
        rows: list[tuple[Any, ...]] = self._connection.execute(query, known).fetchall()
        return rows


@contextmanager
def snapshot(location: str | Path) -> Iterator[Snapshot]:
    """Look at a ledger that is there.

    Parameters
    ----------
    location : str or Path
        As for `Ledger.open`.

    Raises
    ------
    LedgerUnavailableError
        If the database cannot be reached.
    LedgerError
        If there is no ledger, or it is none that this version knows.
    """
    driver = _driver_of(location)
    connection = _connect_if_as_expected(driver)
    if connection is None:
        # Opening it brings the tables up to date, or says what is wrong.
        from cvzmpi.ledger.ledger import Ledger

        Ledger.open(location, create=False).close()
    try:
        with closing(connection or driver.connect()) as connection:
            yield Snapshot(driver, connection)
    except driver.unreadable as error:
        raise LedgerError(f"a value in the ledger cannot be read: {one_line(error)}") from error
    except driver.error as error:
        raise LedgerUnavailableError(f"the ledger cannot be read: {one_line(error)}") from error


_DAMAGES = ("not a database", "malformed")  # in the messages of SQLite


def recorded_version(location: str | Path) -> str | None:
    """The version of the tables of a ledger, of which nothing is made or changed.

    Parameters
    ----------
    location : str or Path
        As for `Ledger.open`.

    Returns
    -------
    str or None
        None where the database has no ledger.

    Raises
    ------
    LedgerUnavailableError
        If the database cannot be reached or read now.
    LedgerError
        If it is a file that is damaged or no database.
    """
    driver = _driver_of(location)
    try:
        connection = driver.connect()
    except driver.error as error:
        raise LedgerUnavailableError(one_line(error)) from error
    with closing(connection):
        try:
            versions = connection.execute("SELECT version_num FROM ledger_version").fetchall()
        except driver.error as error:
            if _lacks_table(error):
                return None
            if any(words in str(error) for words in _DAMAGES):
                raise LedgerError(one_line(error)) from error
            raise LedgerUnavailableError(one_line(error)) from error
    return versions[0][0] if versions else None


def _lacks_table(error: Exception) -> bool:
    """True if a database has no such table."""
    undefined_table = "42P01"  # https://www.postgresql.org/docs/current/errcodes-appendix.html
    return getattr(error, "sqlstate", None) == undefined_table or "no such table" in str(error)


def _connect_if_as_expected(driver: _Driver) -> Any | None:
    """A connection to a ledger of the version that is known here; None where there is none."""
    try:
        connection = driver.connect()
    except driver.error:
        return None
    try:
        if connection.execute("SELECT version_num FROM ledger_version").fetchall() == [(VERSION,)]:
            return connection
    except driver.error:
        pass  # no such table
    connection.close()
    return None


def _driver_of(location: str | Path) -> _Driver:
    if not isinstance(location, str) or not is_url(location):
        return _sqlite(str(location))
    kind, _, rest = location.partition("://")
    if kind == "sqlite":
        return _sqlite(rest.removeprefix("/").partition("?")[0])
    if kind in {"postgresql", "postgresql+psycopg"}:
        return _postgresql(f"postgresql://{rest}")
    raise LedgerError(f"{kind}://...: expected sqlite:/// or postgresql://")


def _sqlite(path: str) -> _Driver:
    def connect() -> sqlite3.Connection:
        # opened for writing, since SQLite may have to undo what a dead writer left; never created
        uri = f"{Path(path).absolute().as_uri()}?mode=rw"
        connection = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
        connection.execute("PRAGMA query_only = ON")
        return connection

    def as_value(value: Any) -> Any:
        if isinstance(value, datetime):  # text without a zone: see `tables.Utc`
            value = value.astimezone(timezone.utc).replace(tzinfo=None)
            return value.isoformat(" ", "microseconds")
        return value

    return _Driver(connect, sqlite3.Error, sqlite3.DataError, "BEGIN", "?", as_value)


def _postgresql(url: str) -> _Driver:
    # The SQLite ledger does without, and its status is there the sooner.
    import psycopg.conninfo
    import psycopg.types.json

    def connect() -> Any:
        options: dict[str, Any] = {**POSTGRESQL_OPTIONS, **psycopg.conninfo.conninfo_to_dict(url)}
        connection = psycopg.connect(**options, autocommit=True)
        psycopg.types.json.set_json_loads(stored_values.from_text, connection)
        return connection

    begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
    return _Driver(connect, psycopg.Error, psycopg.DataError, begin, "%s", lambda value: value)


def as_json(value: Any) -> Any:
    """The value of a JSON column, which SQLite gives as text."""
    return stored_values.from_text(value) if isinstance(value, str | bytes) else value
