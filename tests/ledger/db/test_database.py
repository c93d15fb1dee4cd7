"""Which errors of real databases pass by themselves."""

import sqlite3

import psycopg
import pytest
import sqlalchemy as sa

from cvzmpi.errors import LedgerError, LedgerLostError, LedgerUnavailableError
from cvzmpi.ledger import Ledger
from cvzmpi.ledger.db import sqlite_file
from cvzmpi.ledger.db.database import Database


def error_of(location, do=lambda connection: None):
    """What is raised when a database is opened, and something is done in a transaction."""
    database = Database(location)
    try:
        with pytest.raises(LedgerError) as caught, database.writing() as connection:
            do(connection)
    finally:
        database.close()
    return caught.value


def sql(text):
    return lambda connection: connection.execute(sa.text(text))


# ----------------------------------------------------------------- PostgreSQL


def test_a_server_that_refuses_or_is_not_there_may_be_back(tmp_path):
    for url in ("postgresql://a@127.0.0.1:9/a", f"postgresql://a@/a?host={tmp_path}"):
        assert isinstance(error_of(url), LedgerUnavailableError)


def test_who_finds_no_connection_left_may_find_one_later(postgres):
    postgres.execute("CREATE ROLE one LOGIN CONNECTION LIMIT 1")
    url = postgres.url("postgres", "one")
    with psycopg.connect(url):
        error = error_of(url)
    assert isinstance(error, LedgerUnavailableError), error


@pytest.mark.parametrize(
    "code", ["57P01", "57P03", "53300", "08006", "40001", "55P03", "25006", "58030"]
)
def test_errors_that_pass_are_known_by_their_code(postgres, code):
    """Raised by the server, as it would in such a state."""
    raised = f"DO $$ BEGIN RAISE EXCEPTION 'so it is' USING ERRCODE = '{code}'; END $$"
    error = error_of(postgres.url("postgres"), sql(raised))
    assert isinstance(error, LedgerUnavailableError), error


@pytest.mark.parametrize("code", ["42501", "42P01", "23505", "22023"])
def test_errors_that_do_not_pass_are_known_by_their_code(postgres, code):
    raised = f"DO $$ BEGIN RAISE EXCEPTION 'so it is' USING ERRCODE = '{code}'; END $$"
    error = error_of(postgres.url("postgres"), sql(raised))
    assert not isinstance(error, LedgerUnavailableError), error


def test_a_connection_that_the_server_ends_may_be_made_again(postgres):
    ending = sql("SELECT pg_terminate_backend(pg_backend_pid())")
    assert isinstance(error_of(postgres.url("postgres"), ending), LedgerUnavailableError)


@pytest.mark.parametrize("wrong", ["database", "role", "host"])
def test_a_wrong_address_does_not_become_right_by_waiting(postgres, wrong):
    url = {
        "database": postgres.url("nothing"),
        "role": postgres.url("postgres", "nobody_here"),
        "host": "postgresql://a@no-such-host.invalid/a",
    }[wrong]
    if wrong == "host" and "Name or service not known" not in str(error_of(url)):
        pytest.skip("names cannot be resolved here")
    assert not isinstance(error_of(url), LedgerUnavailableError)


# ----------------------------------------------------------------- SQLite


def test_a_file_that_others_have_locked_may_be_free_later(tmp_path, monkeypatch):
    monkeypatch.setattr(sqlite_file, "BUSY_SECONDS", 0.1)
    path = tmp_path / "ledger.sqlite"
    Ledger.open(path).close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        assert isinstance(error_of(path), LedgerUnavailableError)
    finally:
        other.close()


@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_a_file_that_is_not_the_one_that_was_opened_is_lost_until_that_is_back(tmp_path, how):
    path, kept = tmp_path / "ledger.sqlite", tmp_path / "kept"
    with Ledger.open(path) as ledger:
        job = ledger.jobs.begin("test")
        path.rename(kept)
        if how == "replaced":
            Ledger.open(path).close()
        for use in (ledger.database.reading, ledger.database.writing):
            with pytest.raises(LedgerLostError, match=r"ledger\.sqlite: "), use() as connection:
                sql("SELECT 1")(connection)
        assert path.exists() == (how == "replaced"), "none is made"
        kept.replace(path)
        assert [one.id for one in ledger.jobs.all()] == [job.id]


def test_a_ledger_made_anew_in_the_same_file_is_not_that_of_a_job_from_before(tmp_path):
    path = tmp_path / "ledger.sqlite"
    with Ledger.open(path) as ledger:
        job = ledger.jobs.begin("test")
        path.write_bytes(b"")
        with pytest.raises(LedgerLostError, match="the file is empty, or no ledger"):
            ledger.jobs.all()
        refused = pytest.raises(LedgerLostError, match=f"job {job.id} on")
        with Ledger.open(path) as anew, refused, anew.writing() as connection:
            anew.jobs.beat(job, 1, None, within=connection)
