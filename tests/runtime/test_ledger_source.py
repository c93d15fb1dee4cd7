"""Units from the ledger to the teams of a job, and what became of them back into it."""

import sqlite3
import time
from contextlib import contextmanager
from dataclasses import replace

import pytest

from cvzmpi.errors import LightCurveError
from cvzmpi.ledger import Event, Ledger, State
from cvzmpi.ledger.client.job_writer import JobWriter
from cvzmpi.ledger.client.rules import Evidence, JobRules
from cvzmpi.ledger.db import sqlite_file
from cvzmpi.runtime.ledger_source import LedgerSource
from cvzmpi.runtime.open_job import overview_of
from cvzmpi.scheduler.campaign import Outcome, Remainder, Unit
from tests.ledger.way import WORKER, begin_next, bring_to, next_unit, state_of


@pytest.fixture
def open_source(location, tmp_path):
    """Opens a source of the ledger, as a job does."""
    opened = []

    def as_unit(unit):
        return Unit(unit.name, unit.cost, unit.progress > 0)

    def open_source(
        n_ranks=2,
        progress=0,
        as_recorded=lambda outcome: outcome,
        as_unit=as_unit,
        news=dict,
        **rules,
    ):
        ledger = Ledger.open(location)
        job = ledger.jobs.begin("run", ranks=n_ranks)
        evidence = Evidence(lambda unit: progress, lambda unit: False)
        writer = JobWriter(ledger, job, tmp_path / "outbox", JobRules(**rules), evidence)
        opened.append(
            LedgerSource(
                writer,
                lambda: overview_of(ledger, job, batch=None, steps_per_unit=10),
                as_unit,
                n_ranks,
                as_recorded,
                news,
            )
        )
        opened[-1].job = job
        return opened[-1]

    yield open_source
    for source in opened:
        if source.job is not None:
            close(source, "end of the test")


def close(source, stopped=None):
    remainder = source.close(stopped)
    source.job = None
    return remainder


def wait_for(what):
    give_up = time.monotonic() + 30
    while not (result := what()):
        assert time.monotonic() < give_up
        time.sleep(0.01)
    return result


def story(ledger, name):
    return [(str(event.to_state), event.message) for event in ledger.history(name)][2:]


# ----------------------------------------------------------------- what happens to units


def test_each_unit_is_given_out_once_in_order_and_is_done(ledger, job, open_source):
    names = [f"u{i:02d}" for i in range(20)]
    for cost, name in enumerate(names):
        bring_to(ledger, job, State.PREPROCESSED, name, cost=cost)
    source = open_source()
    given = []
    while (unit := next_unit(source)) is not None:
        source.began(unit, WORKER)
        source.ended(Outcome(unit.name, seconds=1.25, result={"path": "p", "note": "said"}))
        given.append(unit.name)
    assert given == names[::-1]
    assert source.overview().n_open == 20
    close(source)
    assert ledger.counts()[State.DONE] == 20
    *_, working, done = ledger.history("u07")
    assert (working.rank, working.host, working.from_state) == (3, "n042", State.PREPROCESSED)
    assert (done.message, done.detail) == ("said", {"seconds": 1.25, "path": "p"})
    assert working.job.outcome == "ended"
    assert ledger.claims.of_others(job) == []


def test_a_unit_that_fails_says_why_and_has_used_up_an_attempt(ledger, job, open_source):
    bring_to(ledger, job, State.PREPROCESSED, "a")
    source = open_source()
    begin_next(source)
    source.ended(Outcome("a", error="no flux"))
    assert next_unit(source) is None
    close(source)
    assert story(ledger, "a")[2:] == [("error", "no flux")]
    assert ledger.units()[0].attempts_used == 1


def test_a_campaign_adds_to_what_the_history_says(ledger, job, open_source):
    bring_to(ledger, job, State.PREPROCESSED, "a", "b")

    def in_words(outcome):
        result = {**outcome.result, "summary": "two maps"}
        error = outcome.error and f"invert: {outcome.error}"
        return replace(outcome, error=error, result=result)

    source = open_source(as_recorded=in_words)
    for outcome in (Outcome("a", result={"note": "started anew"}), Outcome("b", error="no light")):
        begin_next(source)
        source.ended(outcome)
    close(source)
    assert story(ledger, "a")[2:] == [("done", "two maps; started anew")]
    assert story(ledger, "b")[2:] == [("error", "invert: no light")]


def test_what_failed_elsewhere_than_in_the_work_can_be_left_out_of_the_overview(ledger, job):
    for name, state in (("fetched", State.QUALIFIED), ("worked on", State.WORKING)):
        bring_to(ledger, job, state, name)
        ledger.record([Event(name, State.ERROR, message="bad")], job)
    bring_to(ledger, job, State.QUALIFIED, "waits")
    overview = overview_of(
        ledger,
        job,
        batch=None,
        steps_per_unit=1,
        open_states=(State.PREPROCESSED,),
        failed_in=(State.WORKING,),
    )
    assert (overview.n_open, [outcome.unit for outcome in overview.rejected]) == (0, ["worked on"])


def test_a_unit_that_was_stopped_goes_back_half_done_and_costs_nothing(ledger, job, open_source):
    bring_to(ledger, job, State.PREPROCESSED, "a")
    source = open_source()
    begin_next(source)
    source.ended(Outcome("a", unfinished="stopped", progress=7))
    assert next_unit(source) is None, "not in this job again"
    close(source, "SIGTERM")
    assert story(ledger, "a")[2:] == [("preprocessed", "stopped")]
    (unit,) = ledger.units()
    assert (unit.progress, unit.attempts_used) == (7, 0)
    assert ledger.jobs.all()[-1].outcome == "SIGTERM"
    again = open_source()
    assert again.overview().n_begun == 1
    assert begin_next(again).begun


def test_what_was_claimed_and_not_begun_is_free_when_the_job_ends(ledger, job, open_source):
    bring_to(ledger, job, State.PREPROCESSED, "a", "b", "c")
    source = open_source()
    next_unit(source)
    close(source, "SIGTERM")
    assert story(ledger, "a") == [("preprocessed", None)]
    assert len(ledger.claims.take(job, 9, (State.PREPROCESSED,))) == 3


# ----------------------------------------------------------------- units whose input comes later


def test_a_unit_is_claimed_before_its_input_is_there(ledger, job, open_source):
    bring_to(ledger, job, State.QUALIFIED, "fetched", cost=4)
    bring_to(ledger, job, State.QUALIFIED, "half done", cost=3)
    bring_to(ledger, job, State.QUALIFIED, "gone", cost=2)
    bring_to(ledger, job, State.QUALIFIED, "later", cost=1)
    source = open_source(states=(State.PREPROCESSED, State.QUALIFIED))
    fetched, half_done, gone, later = (next_unit(source) for _ in range(4))
    source.preprocessed(fetched, file="f.fits", bytes=12)
    source.began(fetched, WORKER)
    source.began(half_done, WORKER)
    source.ended(Outcome(gone.name, error="not in the archive"))
    source.ended(Outcome(later.name, unfinished="the archive is down"))
    source.ended(Outcome(fetched.name))
    source.ended(Outcome(half_done.name))
    assert next_unit(source) is None
    close(source)
    assert ledger.history("fetched")[2].detail == {"file": "f.fits", "bytes": 12}
    assert story(ledger, "half done")[0] == ("preprocessed", "needs its input no more")
    assert {name: str(state_of(ledger, name)) for name in ("fetched", "half done")} == {
        "fetched": "done",
        "half done": "done",
    }
    assert story(ledger, "gone") == [("error", "not in the archive")]
    assert story(ledger, "later") == []


# ----------------------------------------------------------------- several jobs


def test_two_jobs_never_have_the_same_unit(ledger, job, open_source):
    bring_to(ledger, job, State.PREPROCESSED, *(f"u{i}" for i in range(30)))
    sources = [open_source(), open_source()]
    given = []
    while sources:
        for source in list(sources):
            source.attend()
            if (unit := source.next()) is not None:
                source.began(unit, WORKER)
                source.ended(Outcome(unit.name))
                given.append(unit.name)
            elif source.exhausted():
                close(source)
                sources.remove(source)
    assert sorted(given) == sorted(f"u{i}" for i in range(30))
    assert ledger.counts()[State.DONE] == 30


def test_a_job_waits_for_what_a_living_one_has(ledger, job, open_source, caplog):
    bring_to(ledger, job, State.PREPROCESSED, "a", "b")
    first = open_source(n_ranks=1)
    begin_next(first)
    second = open_source()
    has_two = f"job {first.job.id} on {first.job.host} has 2"
    assert f"other jobs work on this campaign: {has_two}" in caplog.messages
    wait_for(lambda: not second.exhausted() and second.status() == "waiting for other jobs")
    assert f"nothing else is left to do, waiting for others: {has_two}" in caplog.messages
    first.ended(Outcome("a"))
    begin_next(first)
    first.ended(Outcome("b"))
    close(first)
    assert next_unit(second) is None
    assert close(second) == Remainder(n_open=0)


def test_a_job_that_waits_does_what_the_other_gives_back(ledger, job, open_source):
    bring_to(ledger, job, State.PREPROCESSED, "a")
    first = open_source()
    begin_next(first)
    second = open_source()
    wait_for(lambda: not second.exhausted() and second.status() == "waiting for other jobs")
    first.ended(Outcome("a", unfinished="stopped"))
    close(first, "SIGINT")
    begin_next(second)
    second.ended(Outcome("a"))
    assert next_unit(second) is None
    assert close(second) == Remainder(n_open=0)


def test_a_job_does_not_wait_for_ever_and_says_who_has_the_rest(
    ledger, job, open_source, monkeypatch
):
    monkeypatch.setattr("cvzmpi.ledger.client.waiting.LONGEST", 0.1)
    bring_to(ledger, job, State.PREPROCESSED, "a", "b")
    first = open_source(n_ranks=1)
    begin_next(first)
    second = open_source()
    assert next_unit(second) is None
    remainder = close(second)
    assert remainder.n_open == 2
    (outcome,) = remainder.with_others
    assert outcome.unit == "2 more"
    assert outcome.unfinished == f"job {first.job.id} on {first.job.host} has them, and lives"


def test_what_failed_in_another_job_is_told_in_the_end(ledger, job, open_source):
    bring_to(ledger, job, State.PREPROCESSED, "a")
    first, second = open_source(), open_source()
    begin_next(first)
    first.ended(Outcome("a", error="no flux"))
    assert next_unit(second) is None
    assert close(second) == Remainder(n_open=0, failed=(Outcome("a", "no flux"),))


# ----------------------------------------------------------------- jobs that end unusually


def test_a_job_that_fails_gives_back_what_its_teams_have(ledger, job, open_source, tmp_path):
    bring_to(ledger, job, State.PREPROCESSED, "a", "b", "c")
    source = open_source(n_ranks=1)
    begin_next(source), begin_next(source)
    source.ended(Outcome("a"))
    close(source, "failed: ZeroDivisionError")
    assert [state_of(ledger, name) for name in "abc"] == [State.DONE, *2 * [State.PREPROCESSED]]
    assert story(ledger, "b")[-1] == ("preprocessed", "the job ended: failed: ZeroDivisionError")
    (unit,) = ledger.units(names=["b"])
    assert unit.attempts_used == 0
    assert len(ledger.claims.take(job, 9, (State.PREPROCESSED,))) == 2
    assert not list((tmp_path / "outbox").glob("*"))


def test_what_a_job_left_when_it_ended_goes_to_the_next(ledger, job, open_source):
    """As an earlier version left it: the unit at work, and nobody who would take it over."""
    bring_to(ledger, job, State.WORKING, "a")
    ledger.jobs.end(job, "failed: KeyboardInterrupt")
    source = open_source()
    assert source.overview().n_open == 1
    assert begin_next(source).name == "a"
    source.ended(Outcome("a"))
    assert close(source).n_open == 0
    assert state_of(ledger, "a") is State.DONE


def test_a_running_job_takes_over_what_another_leaves_when_it_ends(ledger, job, open_source):
    bring_to(ledger, job, State.PREPROCESSED, "a")
    first = open_source()
    begin_next(first)
    second = open_source()
    wait_for(lambda: state_of(ledger, "a") is State.WORKING)
    ledger.jobs.end(first.job, "failed: KeyboardInterrupt")
    first.close("SIGINT"), setattr(first, "job", None)
    assert begin_next(second).name == "a"


def test_what_a_broken_job_writer_could_not_tell_is_kept(
    ledger, job, open_source, monkeypatch, tmp_path
):
    bring_to(ledger, job, State.PREPROCESSED, "a")
    source = open_source()
    begin_next(source)

    def broken(*given, **named):
        raise ZeroDivisionError

    with monkeypatch.context() as broken_ledger:
        broken_ledger.setattr(Ledger, "record", broken)
        source.ended(Outcome("a"))
        with pytest.raises(ZeroDivisionError):
            close(source, "failed: ZeroDivisionError")
    source.job = None
    (kept,) = (tmp_path / "outbox").iterdir()
    assert '"to_state": "done"' in kept.read_text().splitlines()[-1]


# ----------------------------------------------------------------- the database away


@contextmanager
def away(location, request):
    """No database for as long as the context lasts."""
    if "://" in location:
        server = request.getfixturevalue("postgres")
        server.stop()
        try:
            yield
        finally:
            server.start()
    else:
        connection = sqlite3.connect(location, isolation_level=None)
        connection.execute("BEGIN EXCLUSIVE")
        try:
            yield
        finally:
            connection.close()


def test_the_work_goes_on_without_the_database_and_nothing_is_lost_or_doubled(
    ledger, job, open_source, location, request, monkeypatch, tmp_path
):
    monkeypatch.setattr(sqlite_file, "BUSY_SECONDS", 0.2)
    bring_to(ledger, job, State.PREPROCESSED, *(f"u{i}" for i in range(12)))
    ledger.close()
    source = open_source(n_ranks=3)
    begun = begin_next(source)
    with away(location, request):
        done = [begun.name]
        source.ended(Outcome(begun.name))
        while (unit := source.next()) is not None:  # as many as are claimed
            source.began(unit, WORKER)
            source.ended(Outcome(unit.name))
            done.append(unit.name)
        assert len(done) == 6
        wait_for(lambda: source.status() == "ledger out of reach")
        (kept,) = wait_for(lambda: list((tmp_path / "outbox").glob("*")))
        assert wait_for(lambda: len(kept.read_text().splitlines()) >= 11)
        assert not source.exhausted()
    while (unit := next_unit(source)) is not None:
        source.began(unit, WORKER)
        source.ended(Outcome(unit.name))
    wait_for(lambda: source.status() == "")
    close(source)
    assert not kept.exists()
    assert ledger.counts()[State.DONE] == 12
    assert {len(ledger.history(f"u{i}")) for i in range(12)} == {5}


def test_a_job_does_not_wait_for_ever_for_a_database_that_is_gone(
    ledger, job, open_source, location, request, monkeypatch
):
    monkeypatch.setattr(sqlite_file, "BUSY_SECONDS", 0.2)
    monkeypatch.setattr("cvzmpi.runtime.ledger_source._PATIENCE", {False: 0.5, True: 0.5})
    bring_to(ledger, job, State.PREPROCESSED, *(f"u{i}" for i in range(12)))
    ledger.close()
    source = open_source(n_ranks=1, patience=1.0)
    with away(location, request):
        done, told = 0, []
        while not source.exhausted():
            if (unit := source.next()) is not None:
                source.began(unit, WORKER)
                source.ended(Outcome(unit.name))
                done += 1
            told += source.attend()
            time.sleep(0.01)
        (outcome,) = told or source.attend()
        assert outcome.unfinished.startswith("the ledger is out of reach: ")
        assert not source.attend(), "it is told once"
        close(source)
    assert 0 < done < 12


def test_what_the_database_never_took_stays_in_the_outbox(
    ledger, job, open_source, location, request, monkeypatch, tmp_path
):
    monkeypatch.setattr(sqlite_file, "BUSY_SECONDS", 0.2)
    monkeypatch.setattr("cvzmpi.runtime.ledger_source._PATIENCE", {False: 0.5, True: 0.5})
    bring_to(ledger, job, State.PREPROCESSED, "a")
    ledger.close()
    source = open_source()
    begin_next(source)
    with away(location, request):
        source.ended(Outcome("a"))
        close(source)
    (kept,) = (tmp_path / "outbox").iterdir()
    assert '"to_state": "done"' in kept.read_text().splitlines()[-1]


def test_a_defect_of_the_job_writer_is_raised_where_it_is_seen(
    ledger, job, open_source, monkeypatch
):
    bring_to(ledger, job, State.PREPROCESSED, "a")
    source = open_source()
    begin_next(source)

    def broken(*given, **named):
        raise ZeroDivisionError

    monkeypatch.setattr(Ledger, "record", broken)
    source.ended(Outcome("a"))
    with pytest.raises(ZeroDivisionError):
        wait_for(lambda: source.next())
    monkeypatch.undo()


def test_what_is_no_unit_of_the_campaign_fails_alone(open_source, ledger, job):
    def as_unit(unit):
        if unit.name == "b":
            raise LightCurveError("b: not the name of a light curve")
        return Unit(unit.name, unit.cost)

    bring_to(ledger, job, State.PREPROCESSED, "a", "b", "c")
    source = open_source(as_unit=as_unit)
    for name in ("a", "c"):
        unit = begin_next(source)
        assert unit.name == name
        source.ended(Outcome(unit.name))
    failed = wait_for(source.attend)
    assert [(outcome.unit, outcome.error) for outcome in failed] == [
        ("b", "b: not the name of a light curve")
    ]
    assert next_unit(source) is None
    close(source)
    assert state_of(ledger, "b") is State.ERROR
    assert state_of(ledger, "a") is state_of(ledger, "c") is State.DONE


def test_the_figures_of_a_result_and_the_news_of_the_job_are_in_the_history(
    open_source, ledger, job
):
    bring_to(ledger, job, State.PREPROCESSED, "1_1")
    source = open_source(news=lambda: {"disk": {"free_bytes": 5}})
    unit = begin_next(source)
    source.ended(Outcome(unit.name, seconds=2.0, result={"outcome": {"n_flares": 3}, "note": "x"}))
    close(source)
    event = ledger.history("1_1")[-1]
    expected = {"seconds": 2.0, "outcome": {"n_flares": 3}, "disk": {"free_bytes": 5}}
    assert (event.detail, event.message) == (expected, "x")
