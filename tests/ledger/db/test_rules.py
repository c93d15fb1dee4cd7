"""The database refuses what no command could read; of what is there already, a command says it."""

import json

import pytest

from cvzmpi.errors import LedgerError
from cvzmpi.ledger import Event, Ledger, NewUnit, State
from cvzmpi.ledger.failures import failures, retry
from cvzmpi.ledger.states import TRANSITIONS
from cvzmpi.ledger.status.status import take_status
from tests.ledger.earlier_version import earlier_ledger
from tests.ledger.way import bring_to

FAR = "1" + 5000 * "0"
DEEP = 2000 * '{"a":' + "1" + 2000 * "}"

# Of the next event of the one unit that is there.
EVENTS = [
    {"to_state": "'nonsense'"},
    {"to_state": "'Done'"},
    {"to_state": "''"},
    {"from_state": "'nonsense'"},
    {"from_state": "NULL"},
    {"from_state": "'error'", "to_state": "'error'"},
    {"number": "0"},
    {"number": "-3"},
    {"number": "99"},
    {"number": "2147483647"},
    {"charged": "-1"},
    {"charged": "2147483647"},
    {"progress": "-1"},
    {"at": "'12026-01-01 00:00:00'"},
    {"detail": "'5'"},
    {"detail": "'[1]'"},
    {"detail": "'null'"},
    {"unit_id": "77"},
    {"job_id": "77"},
]
ONLY_POSTGRESQL = [
    {"at": "'infinity'"},
    {"at": "'-infinity'"},
    {"at": "'0044-03-15 BC'"},
    {"at": "'9999-12-31 23:00+00'"},
    {"detail": f"'{DEEP}'"},
    {"detail": f"'{{\"seconds\": {FAR}}}'"},
    {"detail": f'\'{{"a": [[{{"b": -{FAR}}}]]}}\''},
    {"message": "repeat('x', 1000001)"},
]
ONLY_SQLITE = [
    {"at": "'yesterday'"},
    {"at": "5"},
    {"at": "'2026-13-41 00:00:00'"},
    {"at": "'now'"},
    {"detail": "'{'"},
]
OTHERS = [
    "INSERT INTO units (name, cost, priority, facts) VALUES ('', 1, 0, '{}')",
    "INSERT INTO units (name, cost, priority, facts) VALUES ('u', 1, 0, '[]')",
    "INSERT INTO units (name, cost, priority, facts) VALUES ('u', 1e301, 0, '{}')",
    "UPDATE units SET cost = 1e301",
    "UPDATE units SET priority = -1e301",
    "UPDATE jobs SET steps = -1",
    "UPDATE jobs SET steps_per_second = -1",
    "UPDATE jobs SET steps_per_second = 1e301",
    "UPDATE jobs SET heartbeat = '12026-01-01 00:00:00'",
    "UPDATE latest SET state = 'nonsense'",
]
OTHERS_OF_POSTGRESQL = [
    "UPDATE units SET cost = 'NaN'",
    "UPDATE units SET priority = 'Infinity'",
    "UPDATE jobs SET heartbeat = 'infinity'",
    "UPDATE jobs SET ended = '0044-03-15 BC'",
    "UPDATE jobs SET steps_per_second = 'NaN'",
    f"INSERT INTO units (name, cost, priority, facts) VALUES ('u', 1, 0, '{{\"tic\": {FAR}}}')",
]


def event(database, **values):
    key = "randomblob(16)" if database.is_sqlite else "gen_random_uuid()"
    row = {
        "key": key,
        "unit_id": "1",
        "number": "4",
        "from_state": "'preprocessed'",
        "to_state": "'working'",
        "at": "'2026-01-01 00:00:00.000000'",
        "job_id": "1",
    }
    row |= values
    return f"INSERT INTO events ({', '.join(row)}) VALUES ({', '.join(row.values())})"


def execute(database, statement):
    with database.writing() as connection:
        connection.execution_options(no_parameters=True).exec_driver_sql(statement)


@pytest.fixture(params=["new", "of an earlier version"])
def filled(request, location):
    """A ledger with one unit, as a new one and as one that was brought up to date."""
    if request.param == "new":
        with Ledger.open(location) as ledger, ledger.job("test") as job:
            bring_to(ledger, job, State.PREPROCESSED, "1_1", facts={"tic": 1})
    else:
        with earlier_ledger(location, "0001") as ledger, ledger.job("test") as job:
            bring_to(ledger, job, State.PREPROCESSED, "1_1", facts={"tic": 1})
    with Ledger.open(location) as ledger:
        yield ledger


def test_what_no_command_could_read_is_refused(filled):
    database = filled.database
    before = filled.history("1_1")
    special = (ONLY_SQLITE, []) if database.is_sqlite else (ONLY_POSTGRESQL, OTHERS_OF_POSTGRESQL)
    statements = [event(database, **values) for values in EVENTS + special[0]]
    for statement in [*statements, *OTHERS, *special[1]]:
        with pytest.raises(LedgerError) as error:
            execute(database, statement)
        assert len(str(error.value).splitlines()) == 1, statement[:200]
    assert filled.history("1_1") == before
    execute(database, event(database))  # and what is as it must be is taken
    assert filled.counts()[State.WORKING] == 1
    assert take_status(filled.database.engine.url.render_as_string(False)).counts


def test_the_database_knows_all_states_and_transitions(ledger, job):
    """Whatever may follow what, the database takes it."""
    ledger.add_units([NewUnit("a")], job)
    number = 1
    for before, after in TRANSITIONS:
        if before is not None:
            number += 1
            states = {"from_state": f"'{before}'", "to_state": f"'{after}'"}
            execute(ledger.database, event(ledger.database, number=str(number), **states))
    assert len(ledger.history("a")) == number


def test_an_upgrade_leaves_every_row_and_every_guard(location):
    with earlier_ledger(location, "0001") as ledger:
        with ledger.job("test") as job:
            bring_to(ledger, job, State.DONE, "1_1", "2_1", facts={"tic": 1})
        before = [ledger.history(name) for name in ("1_1", "2_1")], ledger.units()
    with Ledger.open(location) as ledger:
        assert ([ledger.history(name) for name in ("1_1", "2_1")], ledger.units()) == before
        for statement in ("DELETE FROM events", "UPDATE events SET rank = 1", "DELETE FROM units"):
            with pytest.raises(LedgerError, match="never"):
                execute(ledger.database, statement)
        with ledger.job("test") as job:
            ledger.record([Event("1_1", State.PUBLISHED)], job)


NONSENSE = [
    {"to_state": "'nonsense'"},
    {"from_state": "'nonsense'"},
    {"detail": "'[1]'", "to_state": "'done'", "from_state": "'working'"},
    {"to_state": "'error'", "from_state": "'nonsense'"},
]
NONSENSE_OF_POSTGRESQL = [
    {"at": "'infinity'"},
    {"at": "'0044-03-15 BC'"},
    {"detail": f"'{DEEP}'"},
    {"detail": f"'{{\"a\": {FAR}}}'"},
]
NONSENSE_OF_SQLITE = [{"at": "'yesterday'"}, {"at": "5"}, {"detail": "'{'"}, {"key": "x'00'"}]


def said(call, *arguments):
    """What a command says of a ledger with nonsense: nothing wrong, or one line."""
    status, _, err = call(*arguments)
    assert status in {0, 1, 2}, (arguments, err)
    assert len(err.splitlines()) == (1 if status == 2 else 0)
    return status


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_of_nonsense_that_is_there_commands_say_one_line(request, tmp_path, call, database):
    of_database = NONSENSE_OF_SQLITE if database == "sqlite" else NONSENSE_OF_POSTGRESQL
    for number, values in enumerate(NONSENSE + of_database):
        output = tmp_path / str(number)
        url = f"sqlite:///{output}/ledger.sqlite"
        if database == "postgresql":
            url = request.getfixturevalue("postgres").make_database(f"nonsense_{number}")
        with earlier_ledger(url, "0001") as ledger, ledger.job("test") as job:
            bring_to(ledger, job, State.PREPROCESSED, "1_1", facts={"tic": 1, "sector": 1})
            execute(ledger.database, event(ledger.database, **values))
        file = tmp_path / f"{number}.toml"
        file.write_text(f"[ledger]\nurl = {json.dumps(url)}\n[output]\ndirectory = '{output}'\n")
        commands = (["status"], ["status", "--json"], ["history", "1_1"], ["retry", "--all"])
        ends = [said(call, *command, "--config", file) for command in commands]
        ends.append(said(call, "verify", "--dry-run", "--config", file))
        assert 2 in ends, values


def test_a_unit_that_failed_first_of_all_can_be_tried_again(location):
    with earlier_ledger(location, "0001") as ledger, ledger.job("test") as job:
        bring_to(ledger, job, State.PREPROCESSED, "a")
        execute(ledger.database, event(ledger.database, from_state="NULL", to_state="'error'"))
    with Ledger.open(location) as ledger, ledger.job("test") as job:
        (event_,) = retry(ledger, failures(ledger), job)
        assert event_.to_state is State.DISCOVERED
