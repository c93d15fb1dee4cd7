"""What is put into the ledger comes out of it, and nothing else happens to it."""

import os
import sqlite3
from dataclasses import replace
from datetime import timezone

import psycopg
import pytest

from cvzmpi import __version__
from cvzmpi.errors import (
    IllegalTransitionError,
    LedgerError,
    LedgerUnavailableError,
    StaleEventError,
)
from cvzmpi.ledger import Event, Ledger, NewUnit, State
from cvzmpi.ledger.records import now
from cvzmpi.ledger.status.status import take_status
from tests.ledger.way import WAY, bring_to, state_of

# ----------------------------------------------------------------- units


def test_units_are_discovered_once(ledger, job):
    assert ledger.add_units([NewUnit("a"), NewUnit("b"), NewUnit("a")], job) == 2
    assert ledger.add_units([NewUnit("b", cost=7), NewUnit("c")], job) == 1
    assert [unit.name for unit in ledger.units()] == ["a", "b", "c"]
    assert [len(ledger.history(name)) for name in "abc"] == [1, 1, 1]
    assert ledger.units(names=["b"])[0].cost == 1.0, "as it was found first"


def test_a_unit_keeps_what_is_known_of_it(ledger, job):
    facts = {"tmag": 10.25, "sectors": [1, 2], "bad": float("nan"), "name": "η Aqr"}
    ledger.add_units([NewUnit("a", cost=2.5, priority=-1.0, facts=facts)], job)
    (unit,) = ledger.units()
    assert (unit.cost, unit.priority) == (2.5, -1.0)
    assert unit.facts == facts | {"bad": None}, "JSON knows no NaN"
    assert unit.state is State.DISCOVERED
    assert (unit.number, unit.job, unit.progress, unit.attempts_used) == (1, job.id, 0, 0)
    assert unit.since.tzinfo is timezone.utc


def test_units_are_found_by_state_and_by_name(ledger, job):
    ledger.add_units([NewUnit(f"u{i:04d}") for i in range(2500)], job)
    ledger.record([Event(f"u{i:04d}", State.QUALIFIED) for i in range(1200)], job)
    assert len(ledger.units()) == 2500
    assert len(ledger.units(states=[State.QUALIFIED])) == 1200
    assert len(ledger.units(states=[State.QUALIFIED, State.DISCOVERED])) == 2500
    names = [f"u{i:04d}" for i in range(2000)] + ["nobody"]
    assert len(ledger.units(names=names)) == 2000
    assert len(ledger.units(names=names, states=[State.DISCOVERED])) == 800
    counts = ledger.counts()
    assert counts.pop(State.QUALIFIED) == 1200
    assert counts.pop(State.DISCOVERED) == 1300
    assert set(counts.values()) == {0}


def test_units_are_found_with_the_state_that_they_come_from(ledger, job):
    bring_to(ledger, job, State.PREPROCESSED, "a")
    ledger.add_units([NewUnit("b"), NewUnit("c")], job)
    ledger.record([Event(name, State.NOT_QUALIFIED) for name in "ab"], job)
    assert ledger.states_before(State.NOT_QUALIFIED) == {
        "a": State.PREPROCESSED,
        "b": State.DISCOVERED,
    }
    assert ledger.states_before(State.DISCOVERED) == {"c": None}


def test_new_units_are_recorded_together_with_what_is_known_of_them(ledger, job):
    bring_to(ledger, job, State.QUALIFIED, "there")
    found = [NewUnit(name, cost=3.0) for name in ("a", "there", "b")]
    judged = [
        Event("a", State.QUALIFIED, State.DISCOVERED, detail={"sectors": 12}),
        Event("a", State.PREPROCESSED, State.QUALIFIED, progress=7, attempts_used=2),
        Event("a", State.PREPROCESSED, State.PREPROCESSED),
        Event("there", State.NOT_QUALIFIED, State.QUALIFIED, message="not new"),
    ]
    assert ledger.add_units(found, job, judged=judged) == 2
    history = ledger.history("a")
    assert [event.number for event in history] == [1, 2, 3, 4]
    assert [event.to_state for event in history] == [State.DISCOVERED, *WAY[:2], WAY[1]]
    assert history[0].from_state is None
    assert [event.from_state for event in history[1:]] == [e.to_state for e in history[:-1]]
    assert history[1].detail == {"sectors": 12}
    a, b = ledger.units(names=["a", "b"])
    assert (a.state, a.number, a.progress, a.attempts_used) == (State.PREPROCESSED, 4, 7, 2)
    assert (b.state, b.number, b.cost) == (State.DISCOVERED, 1, 3.0)
    assert state_of(ledger, "there") is State.QUALIFIED


@pytest.mark.parametrize(
    ("event", "error"),
    [
        (Event("a", State.WORKING), IllegalTransitionError),
        (Event("a", State.PREPROCESSED, State.QUALIFIED), StaleEventError),
    ],
)
def test_what_a_new_unit_cannot_be_is_refused_and_nothing_stays(ledger, job, event, error):
    with pytest.raises(error):
        ledger.add_units([NewUnit("a"), NewUnit("b")], job, judged=[event])
    assert ledger.units() == []


# ----------------------------------------------------------------- events


def test_the_history_says_what_when_and_who(ledger, job):
    bring_to(ledger, job, State.PREPROCESSED, "a")
    before = now()
    ledger.record(
        [
            Event("a", State.WORKING, rank=3, host="n042", progress=0, attempts_used=2),
            Event("a", State.ERROR, message="no flux", detail={"seconds": 1.5}),
        ],
        job,
    )
    history = ledger.history("a")
    assert [event.number for event in history] == [1, 2, 3, 4, 5]
    assert [event.to_state for event in history] == [
        State.DISCOVERED,
        *WAY[:3],
        State.ERROR,
    ]
    assert history[0].from_state is None
    assert [event.from_state for event in history[1:]] == [e.to_state for e in history[:-1]]
    working, error = history[-2:]
    assert (working.rank, working.host, working.attempts_used) == (3, "n042", 2)
    assert (error.message, error.detail) == ("no flux", {"seconds": 1.5})
    assert (error.job.program, error.job.software) == ("test", __version__)
    assert before <= working.at <= error.at <= now()


def test_the_state_is_that_of_the_newest_event(ledger, job):
    for state in WAY:
        name = state.value
        bring_to(ledger, job, state, name)
        assert state_of(ledger, name) is state


@pytest.mark.parametrize(
    ("state", "after"),
    [(State.QUALIFIED, State.WORKING), (State.DONE, State.WORKING), (State.WORKING, State.WORKING)],
)
def test_an_illegal_transition_is_refused_and_nothing_of_its_batch_stays(ledger, job, state, after):
    bring_to(ledger, job, state, "a")
    bring_to(ledger, job, State.PREPROCESSED, "b")
    n_events = len(ledger.history("a"))
    with pytest.raises(IllegalTransitionError, match=f"a: {state} -> {after}"):
        ledger.record([Event("b", State.WORKING), Event("a", after)], job)
    assert state_of(ledger, "b") is State.PREPROCESSED
    assert len(ledger.history("a")) == n_events


def test_an_event_of_a_unit_that_is_not_there_is_refused(ledger, job):
    with pytest.raises(LedgerError, match="nobody: no such unit"):
        ledger.record([Event("nobody", State.QUALIFIED)], job)
    with pytest.raises(LedgerError, match="nobody: no such unit"):
        ledger.history("nobody")


def test_an_event_that_is_recorded_again_counts_once(ledger, job):
    ledger.add_units([NewUnit("a")], job)
    events = [Event("a", State.QUALIFIED), Event("a", State.QUALIFIED)]
    assert ledger.record(events, job) == events
    assert ledger.record([*events, Event("a", State.PREPROCESSED)], job)[:2] == events
    assert [event.to_state for event in ledger.history("a")] == [
        State.DISCOVERED,
        State.QUALIFIED,
        State.QUALIFIED,
        State.PREPROCESSED,
    ]


def test_an_event_that_supposes_another_state_is_stale(ledger, job):
    bring_to(ledger, job, State.PREPROCESSED, "a")
    ledger.add_units([NewUnit("b")], job)
    late = Event("a", State.QUALIFIED, from_state=State.DISCOVERED)
    with pytest.raises(StaleEventError, match="a: is preprocessed, not discovered"):
        ledger.record([late], job)
    other = Event("b", State.QUALIFIED, from_state=State.DISCOVERED)
    assert ledger.record([late, other], job, skip_stale=True) == [other]
    assert state_of(ledger, "a") is State.PREPROCESSED
    assert state_of(ledger, "b") is State.QUALIFIED


def test_only_the_job_that_began_the_work_ends_it(ledger, job):
    other = ledger.jobs.begin("test")
    bring_to(ledger, job, State.WORKING, "a")
    with pytest.raises(StaleEventError, match=f"a: job {job.id} works on it"):
        ledger.record([Event("a", State.DONE)], other)
    dead = Event("a", State.PREPROCESSED, message="its job died", instead_of=job.id)
    ledger.record([dead], other)
    ledger.record([Event("a", State.WORKING)], other)
    with pytest.raises(StaleEventError, match=f"a: job {other.id} works on it"):
        ledger.record([Event("a", State.DONE)], job)
    with pytest.raises(StaleEventError):
        ledger.record([replace(dead, key=Event("a", State.DONE).key)], job)
    ledger.record([Event("a", State.DONE)], other)


def test_progress_and_attempts_used_stay_until_they_change(ledger, job):
    bring_to(ledger, job, State.PREPROCESSED, "a")
    ledger.record([Event("a", State.WORKING, progress=5, attempts_used=1)], job)
    ledger.record([Event("a", State.PREPROCESSED)], job)
    (unit,) = ledger.units()
    assert (unit.progress, unit.attempts_used) == (5, 1)
    ledger.record([Event("a", State.WORKING), Event("a", State.DONE, attempts_used=0)], job)
    ledger.record([Event("a", State.PREPROCESSED, progress=0)], job)
    (unit,) = ledger.units()
    assert (unit.progress, unit.attempts_used) == (0, 0)


def test_what_follows_an_event_is_in_its_transaction_and_happens_once(ledger, job):
    bring_to(ledger, job, State.QUALIFIED, "a", "b")
    followed = []

    def follow(connection, happened):
        followed.extend(event.unit for event in happened)
        if "a" in followed[-1:]:
            ledger.add_units([NewUnit("of a")], job, within=connection)

    ledger.follow(follow)
    event = Event("a", State.PREPROCESSED)
    ledger.record([event], job)
    ledger.record([event], job)  # nobody knew whether it was recorded
    ledger.record([Event("a", State.PREPROCESSED, State.DONE)], job, skip_stale=True)
    assert followed == ["a", "of a"]
    assert [unit.name for unit in ledger.units()] == ["a", "b", "of a"]


def test_an_event_whose_consequences_are_impossible_is_not_recorded(ledger, job):
    bring_to(ledger, job, State.QUALIFIED, "a")

    def refuse(connection, happened):
        raise ValueError("not so")

    ledger.follow(refuse)
    with pytest.raises(ValueError, match="not so"):
        ledger.record([Event("a", State.PREPROCESSED)], job)
    assert state_of(ledger, "a") is State.QUALIFIED


def test_a_transaction_of_several_things_is_one(ledger, job):
    with ledger.writing() as connection:
        ledger.add_units([NewUnit("a")], job, within=connection)
        ledger.record([Event("a", State.QUALIFIED)], job, within=connection)
        with pytest.raises(IllegalTransitionError):
            ledger.record([Event("a", State.WORKING)], job, within=connection)
        connection.rollback()
    assert ledger.units() == []


# ----------------------------------------------------------------- the database itself refuses


def raw(location):
    """A connection that knows nothing of cvzmpi."""
    if "://" in location:
        return psycopg.connect(location.replace("postgresql+psycopg", "postgresql"))
    return sqlite3.connect(location)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET message = 'all is well'",
        "UPDATE events SET to_state = 'done' WHERE number = 1",
        "DELETE FROM events",
        "DELETE FROM events WHERE number = 2",
        "DELETE FROM units",
        "UPDATE units SET name = 'b'",
    ],
)
def test_what_happened_cannot_be_changed_or_deleted(ledger, job, location, statement):
    bring_to(ledger, job, State.WORKING, "a")
    before = ledger.history("a")
    connection = raw(location)
    with pytest.raises((sqlite3.IntegrityError, psycopg.errors.RaiseException), match="never"):
        connection.execute(statement)
    connection.close()
    assert ledger.history("a") == before


def test_sqlite_replaces_no_event(tmp_path):
    """INSERT OR REPLACE deletes what is in the way, and asks no trigger for deletions."""
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        bring_to(ledger, ledger.jobs.begin("test"), State.WORKING, "a")
        before = ledger.history("a")
    connection = sqlite3.connect(tmp_path / "ledger.sqlite")
    columns = "id, key, unit_id, number, to_state, at, job_id"
    for replaced in (
        "id, randomblob(16), unit_id, 99",
        "NULL, key, unit_id, 99",
        "NULL, randomblob(16), unit_id, number",
    ):
        with pytest.raises(sqlite3.IntegrityError, match="never replaced"):
            connection.execute(
                f"INSERT OR REPLACE INTO events ({columns}) "
                f"SELECT {replaced}, 'done', at, job_id FROM events WHERE number = 2"
            )
    connection.close()
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        assert ledger.history("a") == before


def test_postgresql_does_not_truncate(postgres):
    url = postgres.make_database("truncated")
    with Ledger.open(url) as ledger, ledger.job("test") as job:
        bring_to(ledger, job, State.WORKING, "a")
        with (
            psycopg.connect(url) as connection,
            pytest.raises(psycopg.errors.RaiseException, match="never"),
        ):
            connection.execute("TRUNCATE events, latest, claims, batches, units, jobs")
        assert len(ledger.history("a")) == 4


# ----------------------------------------------------------------- jobs


def test_jobs_are_entered_with_what_they_are(ledger):
    job = ledger.jobs.begin("run", ranks=40, nodes=2, queue_id="1234")
    with ledger.job("verify"):
        pass
    first, second = ledger.jobs.all()
    assert first == job
    assert (first.ranks, first.nodes, first.queue_id, first.ended) == (40, 2, "1234", None)
    assert (second.program, second.outcome) == ("verify", "ended")
    assert second.ended >= second.started
    ledger.jobs.end(job, "SIGTERM")
    assert ledger.jobs.all()[0].outcome == "SIGTERM"


# ----------------------------------------------------------------- opening


def test_what_is_in_a_ledger_is_there_when_it_is_opened_again(location):
    with Ledger.open(location) as ledger, ledger.job("test") as job:
        bring_to(ledger, job, State.DONE, "a")
    with Ledger.open(location, create=False) as ledger:
        assert state_of(ledger, "a") is State.DONE
        assert len(ledger.jobs.all()) == 1


def test_a_ledger_that_is_not_there_is_not_made_unless_wanted(tmp_path):
    with pytest.raises(LedgerError, match="there is no ledger"):
        Ledger.open(tmp_path / "no" / "ledger.sqlite", create=False)
    assert not (tmp_path / "no").exists()
    Ledger.open(tmp_path / "no" / "ledger.sqlite").close()


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("mysql://host/x", "expected sqlite:/// or postgresql://"),
        ("://", "not the URL of a database"),
    ],
)
def test_what_is_no_database_is_refused(location, message):
    with pytest.raises(LedgerError, match=message):
        Ledger.open(location)


def test_a_file_that_is_no_database_is_refused(tmp_path):
    (tmp_path / "ledger.sqlite").write_text("something else " * 100)
    with pytest.raises(LedgerError, match=r"ledger\.sqlite: file is not a database"):
        Ledger.open(tmp_path / "ledger.sqlite")


def test_a_server_that_is_not_there_is_one_clear_line(tmp_path):
    with pytest.raises(LedgerUnavailableError) as caught:
        Ledger.open(f"postgresql://user:secret@/db?host={tmp_path}")
    assert len(str(caught.value).splitlines()) == 1
    assert "secret" not in str(caught.value)


# ----------------------------------------------------------------- where and for whom


@pytest.mark.parametrize(("umask", "mode"), [(0o002, 0o664), (0o022, 0o644), (0o077, 0o600)])
def test_whoever_may_write_beside_it_may_write_to_the_file(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
            ledger.jobs.begin("test")
    finally:
        os.umask(before)
    assert (tmp_path / "ledger.sqlite").stat().st_mode & 0o777 == mode


ODD = "Größe Ω \0 \udcff \\u0000"
SHOWN = "Größe Ω \\x00 \\udcff \\u0000"


def test_any_text_can_be_recorded(ledger, job):
    ledger.add_units([NewUnit("a", facts={"path": "Größe Ω", "odd": ODD})], job)
    ledger.record([Event("a", State.ERROR, message=ODD, detail={ODD: [ODD]})], job)
    (unit,) = ledger.units()
    last = ledger.history("a")[-1]
    assert unit.facts["path"] == "Größe Ω"
    assert last.message == SHOWN
    as_given = ODD if ledger.database.is_sqlite else SHOWN
    assert unit.facts["odd"] == as_given
    assert last.detail == {as_given: [as_given]}


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "EUC_JP"])
def test_a_database_of_another_encoding_has_the_same_texts(postgres, encoding):
    name = f"in_{encoding.lower()}"
    postgres.execute(f"CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0")
    url = postgres.url(name)
    with Ledger.open(url) as ledger, ledger.job("test") as job:
        ledger.add_units([NewUnit("Größe", facts={"path": "Größe Ω"})], job)
        ledger.record([Event("Größe", State.ERROR, message="Ω", detail={"Ω": "é"})], job)
        assert ledger.units()[0].facts == {"path": "Größe Ω"}
        assert ledger.history("Größe")[-1].detail == {"Ω": "é"}
    (failed,) = take_status(url).failures
    assert (failed.message, failed.examples) == ("Ω", ["Größe"])
