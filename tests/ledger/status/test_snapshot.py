"""Read straight through its driver, a ledger has in it what was recorded, as of one moment."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from cvzmpi.errors import LedgerError
from cvzmpi.ledger import Event, Ledger, NewUnit, State
from cvzmpi.ledger.db.database import Database
from cvzmpi.ledger.db.stored_values import as_instant
from cvzmpi.ledger.records import now
from cvzmpi.ledger.status.snapshot import as_json, snapshot


def test_values_are_those_that_were_recorded(location, ledger, job):
    at, facts, detail = now(), {"tic": 7, "word": "Ω"}, {"path": Path("a/b"), "bad": float("nan")}
    ledger.add_units([NewUnit("a", facts=facts)], job)
    ledger.record([Event("a", State.QUALIFIED, at=at, detail=detail)], job)
    with snapshot(location) as seen:
        query = "SELECT facts, at, detail FROM units JOIN events ON unit_id = units.id WHERE at = ?"
        ((seen_facts, seen_at, seen_detail),) = seen.rows(query, at)
    assert as_json(seen_facts) == facts
    assert as_instant(seen_at) == at
    assert as_json(seen_detail) == {"path": "a/b", "bad": None}


def test_all_is_seen_as_of_one_moment(postgres):
    """In SQLite nobody can write meanwhile."""
    location = postgres.make_database("one_moment")
    with Ledger.open(location) as ledger, ledger.job("test") as job:
        ledger.add_units([NewUnit("a")], job)
        with snapshot(location) as seen:
            before = seen.rows("SELECT count(*) FROM events")
            ledger.record([Event("a", State.QUALIFIED)], job)
            assert seen.rows("SELECT count(*) FROM events") == before == [(1,)]


def test_an_sqlite_file_can_be_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = Path("50% of #1?") / "ledger.sqlite"
    Ledger.open(path).close()
    for location in (path, str(path.absolute())):
        with snapshot(location) as seen:
            assert seen.rows("SELECT count(*) FROM units") == [(0,)]


def test_an_empty_database_is_made_a_ledger(location):
    database = Database(location)
    with database.reading():  # which makes the file of SQLite
        pass
    database.close()
    with snapshot(location) as seen:
        assert seen.rows("SELECT count(*) FROM units") == [(0,)]


def test_a_ledger_of_a_newer_version_is_refused(location):
    with Ledger.open(location) as ledger, ledger.writing() as connection:
        connection.execute(sa.text("UPDATE ledger_version SET version_num = '9999'"))
    with pytest.raises(LedgerError, match="made by a newer cvzmpi"), snapshot(location):
        pass


def test_a_question_that_fails_is_an_error_of_the_ledger(location, ledger):
    with pytest.raises(LedgerError, match="nowhere"), snapshot(location) as seen:
        seen.rows("SELECT 1 FROM nowhere")


@pytest.mark.parametrize("url", ["mysql://a/b", "sqlite+psycopg:///a"])
def test_another_database_is_refused(url):
    with pytest.raises(LedgerError, match="expected sqlite:/// or postgresql://"), snapshot(url):
        pass
