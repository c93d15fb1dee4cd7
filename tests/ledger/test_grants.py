"""The role of a service can add to the ledger, and nothing else."""

import psycopg
import pytest
from way import bring_to

from cvzmpi.errors import LedgerError
from cvzmpi.ledger import Event, Ledger, State
from cvzmpi.ledger.grants import grant


@pytest.fixture(scope="module")
def service(postgres):
    """The URL of a ledger, as the service's role sees it."""
    url = postgres.make_database("granted")
    postgres.execute('CREATE ROLE "the service" LOGIN')
    with Ledger.open(url) as ledger:
        grant(ledger.database, "the service")
    return postgres.url("granted", user="the%20service")


def test_it_can_do_what_jobs_do(service):
    with Ledger.open(service) as ledger, ledger.job("run") as job:
        bring_to(ledger, job, State.PREPROCESSED, "a", "b")
        assert ledger.claims.limit_to(job, ["a"], (State.PREPROCESSED,))
        (unit,) = ledger.claims.take(job, 5, (State.PREPROCESSED,), limited=True)
        ledger.record([Event(unit.name, State.WORKING), Event(unit.name, State.DONE)], job)
        ledger.set_priorities({"b": 3.0})
        with ledger.writing() as connection:
            ledger.jobs.beat(job, 5, 1.0, within=connection)
        assert ledger.counts()[State.DONE] == 1
        assert [event.to_state for event in ledger.history("a")][-1] is State.DONE


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET message = 'all is well'",
        "DELETE FROM events",
        "TRUNCATE events CASCADE",
        "DELETE FROM units",
        "UPDATE units SET name = 'b'",
        "UPDATE latest SET state = 'done'",
        "DELETE FROM latest",
        "INSERT INTO latest SELECT * FROM latest",
        "DELETE FROM jobs",
        "ALTER TABLE events DISABLE TRIGGER ALL",
        "DROP TABLE events CASCADE",
    ],
)
def test_it_cannot_touch_what_happened(service, statement):
    with (
        psycopg.connect(service) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement)


def test_a_role_that_is_not_there_is_one_line(postgres):
    with Ledger.open(postgres.make_database("no_role")) as ledger, pytest.raises(LedgerError) as e:
        grant(ledger.database, "nobody")
    assert 'role "nobody" does not exist' in str(e.value)


def test_sqlite_has_no_roles(tmp_path):
    with (
        Ledger.open(tmp_path / "ledger.sqlite") as ledger,
        pytest.raises(LedgerError, match="SQLite has no roles"),
    ):
        grant(ledger.database, "nobody")
