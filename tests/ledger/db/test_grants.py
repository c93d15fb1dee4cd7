"""The role of a service can add to the ledger, and nothing else."""

import psycopg
import pytest
import sqlalchemy as sa

from cvzmpi.errors import LedgerError
from cvzmpi.ledger import Event, Ledger, State
from cvzmpi.ledger.db.grants import grant
from tests.ledger.earlier_version import earlier_ledger
from tests.ledger.way import bring_to


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


def refused(ledger, role):
    """What is said of a role that gets nothing."""
    with pytest.raises(LedgerError) as error:
        grant(ledger.database, role)
    (line,) = str(error.value).splitlines()
    return line


@pytest.fixture(scope="module")
def owned(postgres):
    """A ledger of the server's superuser."""
    with Ledger.open(postgres.make_database("owned")) as ledger:
        yield ledger


@pytest.mark.parametrize(
    "role", ["nobody", "", "%s", "a%%b", 'a"b', "a:b", "no\0body", "\udcff", "x" * 70, "two\nlines"]
)
def test_a_role_that_is_not_there_is_one_line(owned, role):
    assert "does not exist" in refused(owned, role)


@pytest.mark.parametrize("role", ["public", "PUBLIC"])
def test_everyone_is_no_role(owned, role):
    assert "is everyone, not a role" in refused(owned, role)


@pytest.mark.parametrize("role", ["%s", "a%%b", "%(role)s", 'a"b', "a:b", "Größe", "a'; --"])
def test_a_name_is_taken_as_it_is(owned, postgres, role):
    quoted = '"' + role.replace('"', '""') + '"'
    postgres.execute(f"CREATE ROLE {quoted}")
    grant(owned.database, role)
    with owned.database.reading() as connection:
        query = sa.text("SELECT has_table_privilege(:role, 'events', 'INSERT')")
        assert connection.execute(query, {"role": role}).scalar()


def test_whoever_does_not_own_the_tables_cannot_grant(postgres):
    url = postgres.make_database("of_jane")
    postgres.execute("CREATE ROLE jane LOGIN")
    postgres.execute("CREATE ROLE jobs_of_jane LOGIN")
    postgres.execute("CREATE ROLE joe LOGIN")
    postgres.execute("ALTER DATABASE of_jane OWNER TO jane")
    with Ledger.open(postgres.url("of_jane", user="jane")) as ledger:
        grant(ledger.database, "joe")
    with Ledger.open(postgres.url("of_jane", user="joe")) as ledger:
        assert 'tables belong to "jane"' in refused(ledger, "jobs_of_jane")
    with psycopg.connect(url) as connection:
        query = "SELECT has_table_privilege('jobs_of_jane', 'events', 'SELECT')"
        assert connection.execute(query).fetchone() == (False,)


@pytest.mark.parametrize(
    "how",
    [
        "CREATE ROLE strong SUPERUSER",
        "CREATE ROLE strong CREATEROLE",
        "CREATE ROLE strong IN ROLE cvzmpi",
        "CREATE ROLE strong IN ROLE pg_write_all_data",
        "CREATE ROLE strong; GRANT DELETE ON events TO PUBLIC",
        "CREATE ROLE strong; GRANT UPDATE (message) ON events TO PUBLIC",
        "CREATE ROLE deleting; GRANT DELETE ON events TO deleting; "
        "CREATE ROLE strong IN ROLE deleting",
        "CREATE ROLE strong; CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; "
        "ALTER FUNCTION f() OWNER TO strong",
    ],
)
def test_a_role_that_could_do_more_gets_nothing(postgres, how):
    postgres.make_database("strong_role")
    try:
        with Ledger.open(postgres.url("strong_role")) as ledger:
            for statement in how.split("; "):
                postgres.execute(statement, "strong_role")
            assert "strong" in refused(ledger, "strong")
            with ledger.database.reading() as connection:
                query = sa.text("SELECT relacl::text FROM pg_class WHERE relname = 'events'")
                assert "strong" not in (connection.execute(query).scalar() or "")
    finally:
        postgres.execute("DROP DATABASE strong_role")
        for role in ("strong", "deleting"):
            postgres.execute(f"DROP ROLE IF EXISTS {role}")


def test_what_everyone_may_make_is_taken_from_everyone_and_said(postgres):
    url = postgres.make_database("everyone")
    postgres.execute("GRANT CREATE ON SCHEMA public TO PUBLIC", "everyone")
    postgres.execute("CREATE ROLE maker LOGIN")
    with Ledger.open(url) as ledger:
        assert grant(ledger.database, "maker") == [
            'TEMPORARY ON DATABASE "everyone"',
            'CREATE ON SCHEMA "public"',
        ]
        assert grant(ledger.database, "maker") == []
    with psycopg.connect(postgres.url("everyone", user="maker")) as connection:
        for statement in ("CREATE TEMP TABLE t (i int)", "CREATE TABLE t (i int)"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
            connection.rollback()


def test_what_the_owner_of_the_tables_cannot_take_away_is_said_with_who_can(postgres):
    postgres.make_database("of_the_centre")
    postgres.execute("CREATE ROLE jill LOGIN")
    postgres.execute("CREATE ROLE jobs_of_jill LOGIN")
    postgres.execute("GRANT CREATE ON SCHEMA public TO jill", "of_the_centre")
    with Ledger.open(postgres.url("of_the_centre", user="jill")) as ledger:
        line = refused(ledger, "jobs_of_jill")
        said = 'REVOKE TEMPORARY ON DATABASE "of_the_centre" FROM PUBLIC, "jobs_of_jill"'
        assert '"cvzmpi" can take that away' in line
        assert line.endswith(said)
        postgres.execute(said)
        assert grant(ledger.database, "jobs_of_jill") == []


def test_a_ledger_in_another_schema_is_granted(postgres):
    postgres.make_database("elsewhere")
    postgres.execute('CREATE SCHEMA "the $$ : % schema"', "elsewhere")
    path = "options=-csearch_path%3D%22the%5C%20$$%5C%20:%5C%20%25%5C%20schema%22"
    postgres.execute("CREATE ROLE elsewhere LOGIN")
    with Ledger.open(f"{postgres.url('elsewhere')}&{path}") as ledger, ledger.job("run") as job:
        grant(ledger.database, "elsewhere")
        bring_to(ledger, job, State.DONE, "a")
    with (
        Ledger.open(f"{postgres.url('elsewhere', user='elsewhere')}&{path}") as ledger,
        ledger.job("run") as job,
    ):
        bring_to(ledger, job, State.DONE, "b")
        assert ledger.counts()[State.DONE] == 2


def test_a_job_that_may_not_bring_the_tables_up_to_date_says_who_can(postgres):
    url = postgres.make_database("of_old")
    postgres.execute("CREATE ROLE late LOGIN")
    with earlier_ledger(url, "0001"):
        postgres.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO late", "of_old")
    with pytest.raises(LedgerError) as error:
        Ledger.open(postgres.url("of_old", user="late"))
    assert "made by an earlier cvzmpi" in str(error.value)
    assert "its owner, cvzmpi, has to bring it up to date" in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_sqlite_has_no_roles(tmp_path):
    with (
        Ledger.open(tmp_path / "ledger.sqlite") as ledger,
        pytest.raises(LedgerError, match="SQLite has no roles"),
    ):
        grant(ledger.database, "nobody")
