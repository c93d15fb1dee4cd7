"""A role that may add to the ledger gets the rights of its owner in no way."""

import itertools

import psycopg
import pytest

from cvzmpi.ledger import Ledger, State
from cvzmpi.ledger.db.grants import grant
from tests.ledger.earlier_version import earlier_ledger
from tests.ledger.way import bring_to

ROLE = "intruder"

_names = itertools.count()

# What cvzmpi granted when functions still looked for tables along the search path.
EARLIER_GRANT = (
    "GRANT SELECT ON ALL TABLES IN SCHEMA public TO intruder",
    "GRANT INSERT ON units, events, jobs, claims, batches TO intruder",
    "GRANT UPDATE (cost, priority) ON units TO intruder",
    "GRANT UPDATE (heartbeat, steps, steps_per_second, ended, outcome) ON jobs TO intruder",
    "GRANT DELETE ON claims, batches TO intruder",
    "GRANT USAGE ON SEQUENCE units_id_seq, events_id_seq, jobs_id_seq TO intruder",
)

# Ends with the rights of whoever runs it: the owner's, if all goes well for the intruder.
PAYLOAD = (
    "BEGIN EXECUTE 'GRANT ALL ON public.events, public.latest, public.jobs TO intruder'; "
    "EXECUTE 'CREATE OR REPLACE FUNCTION public.ledger_keep() RETURNS trigger LANGUAGE plpgsql "
    "AS ''BEGIN RETURN NULL; END'''; "
)
ADD_EVENT = (
    "INSERT INTO public.events (key, unit_id, number, from_state, to_state, at, job_id) "
    "SELECT gen_random_uuid(), unit_id, number + 1, state, 'published', now(), job_id "
    "FROM public.latest LIMIT 1"
)
CHANGE_UNIT = "UPDATE public.units SET priority = priority + 1, cost = 7"

TEMPORARY_TABLES = (
    "CREATE TEMP TABLE units (LIKE public.units)",
    "INSERT INTO pg_temp.units SELECT * FROM public.units",
    "CREATE TEMP TABLE latest (LIKE public.latest)",
    "ALTER TABLE pg_temp.latest ADD PRIMARY KEY (unit_id)",
    "INSERT INTO pg_temp.latest SELECT * FROM public.latest OFFSET 1",
    "CREATE FUNCTION pg_temp.evil() RETURNS trigger LANGUAGE plpgsql AS "
    f"$${PAYLOAD} RETURN NEW; END $$",
    "CREATE TRIGGER evil BEFORE INSERT OR UPDATE ON pg_temp.latest FOR EACH ROW "
    "EXECUTE FUNCTION pg_temp.evil()",
    "GRANT ALL ON pg_temp.latest, pg_temp.units TO PUBLIC",
    ADD_EVENT,
    CHANGE_UNIT,
)
TEMPORARY_VIEW = (
    f"CREATE FUNCTION pg_temp.evil() RETURNS integer LANGUAGE plpgsql AS $${PAYLOAD} "
    "RETURN 1; END $$",
    "CREATE TEMP VIEW units AS SELECT id, name, pg_temp.evil()::float AS cost, priority, facts "
    "FROM public.units",
    "GRANT ALL ON pg_temp.units TO PUBLIC",
    ADD_EVENT,
)


def shadowed(type_):
    """Functions and operators of our names in a schema that the session searches first."""
    return (
        f"CREATE FUNCTION own.evil(a {type_}, b {type_}) RETURNS boolean LANGUAGE plpgsql AS "
        f"$${PAYLOAD} RETURN true; END $$",
        f"CREATE OPERATOR own.> (LEFTARG = {type_}, RIGHTARG = {type_}, FUNCTION = own.evil)",
        f"CREATE OPERATOR own.= (LEFTARG = {type_}, RIGHTARG = {type_}, FUNCTION = own.evil)",
        "SET search_path = own, pg_temp, public, pg_catalog",
        ADD_EVENT,
        CHANGE_UNIT,
    )


OWN_TABLE = (
    "CREATE DOMAIN own.hostile AS integer CHECK (true)",
    "CREATE TABLE own.fake (id integer, unit_id integer, number own.hostile, to_state text, "
    "at timestamptz, job_id integer, charged own.hostile, progress own.hostile, cost float, "
    "priority float)",
    "CREATE TRIGGER fake AFTER INSERT ON own.fake FOR EACH ROW "
    "EXECUTE FUNCTION public.ledger_follow_event()",
    "CREATE TRIGGER faked AFTER INSERT ON own.fake FOR EACH ROW "
    "EXECUTE FUNCTION public.ledger_follow_unit()",
    "INSERT INTO own.fake VALUES (1, 1, 99, 'discovered', now(), 1, 0, 0, 666, 666)",
)
OTHER_DOORS = (
    "SELECT public.ledger_follow_event()",
    "SET session_replication_role = replica",
    "SET ROLE cvzmpi",
    "SET SESSION AUTHORIZATION cvzmpi",
    "ALTER TABLE public.events DISABLE TRIGGER ALL",
    "CREATE RULE gone AS ON INSERT TO public.events DO INSTEAD DELETE FROM public.events",
    "CREATE TRIGGER mine BEFORE INSERT ON public.events FOR EACH ROW "
    "EXECUTE FUNCTION public.ledger_keep()",
    "ALTER FUNCTION public.ledger_keep() RENAME TO gone",
    "ALTER FUNCTION public.ledger_follow_event() SET search_path = pg_temp, public",
    "CREATE OR REPLACE FUNCTION public.ledger_keep() RETURNS trigger LANGUAGE plpgsql "
    "AS 'BEGIN RETURN NULL; END'",
    "CREATE FUNCTION public.pg_advisory_xact_lock(integer) RETURNS void LANGUAGE sql AS ''",
    "CREATE SCHEMA cvzmpi",
    "ALTER SEQUENCE public.events_id_seq RESTART",
    "SELECT setval('public.events_id_seq', 1)",
    "INSERT INTO public.events SELECT * FROM public.events ON CONFLICT (id) "
    "DO UPDATE SET message = 'rewritten'",
    "MERGE INTO public.events e USING public.units u ON u.id = e.unit_id WHEN MATCHED THEN DELETE",
    "SELECT * FROM public.events FOR UPDATE",
    "LOCK TABLE public.events IN ACCESS EXCLUSIVE MODE",
    "COPY public.events TO PROGRAM 'true'",
)

ATTEMPTS = {
    "temporary tables": TEMPORARY_TABLES,
    "a temporary view": TEMPORARY_VIEW,
    "operators on integer": shadowed("integer"),
    "operators on text": shadowed("text"),
    "operators on float": shadowed("double precision"),
    "our triggers on its own table": OWN_TABLE,
    "other doors": OTHER_DOORS,
}


@pytest.fixture(scope="module", params=["made today", "made earlier"])
def intruded(request, postgres):
    """A ledger with history; the role has a schema of its own, and may make temporary objects.

    `grant` takes those rights, too: here the functions alone must withstand.
    """
    database = f"intruded_{next(_names)}"
    url = postgres.make_database(database)
    postgres.execute(f"DROP ROLE IF EXISTS {ROLE}")
    postgres.execute(f"CREATE ROLE {ROLE} LOGIN")
    if request.param == "made earlier":
        with earlier_ledger(url, "0001") as ledger, ledger.job("run") as job:
            bring_to(ledger, job, State.DONE, "a", "b", "c")
            for right in EARLIER_GRANT:
                postgres.execute(right, database)
        Ledger.open(url).close()  # brings it up to date
    else:
        with Ledger.open(url) as ledger, ledger.job("run") as job:
            bring_to(ledger, job, State.DONE, "a", "b", "c")
            grant(ledger.database, ROLE)
    postgres.execute(f"GRANT TEMPORARY ON DATABASE {database} TO {ROLE}", database)
    postgres.execute(f"CREATE SCHEMA own AUTHORIZATION {ROLE}", database)
    yield postgres, database
    postgres.execute(f"DROP OWNED BY {ROLE} CASCADE", database)
    postgres.execute(f"DROP ROLE {ROLE}")


def as_owner(postgres, database, query):
    with psycopg.connect(postgres.url(database)) as connection:
        return connection.execute(query).fetchall()


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_the_history_is_as_it_was(intruded, attempt):
    postgres, database = intruded
    history = "SELECT * FROM events ORDER BY id"
    triggers = (
        "SELECT tgname, tgenabled, prosrc, proowner, proconfig FROM pg_trigger "
        "JOIN pg_proc ON pg_proc.oid = tgfoid WHERE NOT tgisinternal ORDER BY tgname, tgrelid"
    )
    before = as_owner(postgres, database, history)
    guards = as_owner(postgres, database, triggers + "")
    with psycopg.connect(postgres.url(database, ROLE), autocommit=True) as connection:
        for statement in ATTEMPTS[attempt]:
            try:
                connection.execute(statement)
            except psycopg.Error as error:
                print(statement[:60], "refused:", str(error).splitlines()[0])
        for statement in (
            "DELETE FROM public.events",
            "UPDATE public.events SET message = 'rewritten'",
            "DELETE FROM public.latest",
            "DELETE FROM public.jobs",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
    after = as_owner(postgres, database, history)
    assert after[: len(before)] == before
    assert [g for g in as_owner(postgres, database, triggers) if g in guards] == guards
    wrong = (
        "SELECT count(*) FROM latest JOIN (SELECT unit_id, max(number) AS number FROM events "
        "GROUP BY unit_id) e USING (unit_id) WHERE latest.number <> e.number OR priority = 666"
    )
    assert as_owner(postgres, database, wrong) == [(0,)]
    # and the owner's own commands still work, and find nobody else's functions
    with Ledger.open(postgres.url(database)) as ledger:
        assert sum(ledger.counts().values()) == 3


def test_nobody_but_the_owner_can_call_what_runs_with_his_rights(intruded):
    postgres, database = intruded
    found = as_owner(
        postgres,
        database,
        "SELECT proname, proconfig, has_function_privilege('intruder', oid, 'EXECUTE') "
        "FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace ORDER BY proname",
    )
    path = ["search_path=pg_catalog, pg_temp"]
    assert found == [("ledger_follow_event", path, False), ("ledger_follow_unit", path, False)]
