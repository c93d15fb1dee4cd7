"""The status says what is in the ledger: what is done, how fast, who works, what failed."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from rich.console import Console
from way import bring_to

from cvzmpi.ledger import Event, NewUnit, State
from cvzmpi.ledger.failures import failures, retry
from cvzmpi.ledger.records import now
from cvzmpi.ledger.report import duration, history_report, status_report
from cvzmpi.ledger.status import take_status

READY = (State.PREPROCESSED,)


@pytest.fixture
def campaign(ledger, job):
    """A job in the middle of its work."""
    bring_to(ledger, job, State.PREPROCESSED, *(f"{n}_1" for n in range(1, 9)))
    bring_to(ledger, job, State.QUALIFIED, "20_1")
    running = ledger.jobs.begin("run", ranks=40, nodes=2, queue_id="812")
    ledger.claims.take(running, 7, READY)
    begun_before = now() - timedelta(minutes=30)
    for n in range(1, 6):
        ledger.record(
            [Event(f"{n}_1", State.WORKING, rank=n, host="n042", at=begun_before)], running
        )
    ledger.record([Event("1_1", State.DONE, detail={"seconds": 8.0})], running)
    ledger.record([Event("2_1", State.DONE, detail={"seconds": 95.0})], running)
    for n, message in (
        (3, "/a/3_1.fits: 12 usable cadences (rank 3 on n042)"),
        (4, "/b/4_1.fits: 700 usable cadences (rank 4 on n042)"),
    ):
        ledger.record([Event(f"{n}_1", State.ERROR, message=message, charged=1)], running)
    with ledger.writing() as connection:
        ledger.jobs.beat(running, 4000, 37.5, within=connection)
    ledger.set_priorities({"8_1": 2.0})
    return running


def shown(report, width=200):
    console = Console(width=width, highlight=False)
    with console.capture() as capture:
        console.print(report)
    return capture.get()


def test_units_are_counted_by_state(location, campaign):
    status = take_status(location)
    counts = {str(state): n for state, n in status.counts.items() if n}
    assert counts == {"preprocessed": 3, "qualified": 1, "working": 1, "done": 2, "error": 2}


def test_units_at_work_without_a_living_job_are_said(location, ledger, campaign):
    status = take_status(location)
    assert status.left_at_work == []
    assert "without a living job" not in shown(status_report(status, "injections"))
    ledger.jobs.end(campaign, "failed: KeyboardInterrupt")
    status = take_status(location)
    assert status.left_at_work == status.as_json()["left_at_work"] == ["5_1"]
    line = "1 at work without a living job, the next one goes on: 5_1"
    assert line in shown(status_report(status, "injections"))


def test_speed_is_that_of_the_running_jobs(location, campaign):
    status = take_status(location)
    assert status.steps_per_second == 37.5
    seconds = (status.at - campaign.started).total_seconds()
    assert status.done_per_hour == pytest.approx(2 * 3600 / max(seconds, 1.0))
    assert status.seconds_left == pytest.approx(5 / status.done_per_hour * 3600)


def test_what_was_only_found_done_does_not_count_as_speed(location, ledger, job):
    bring_to(ledger, job, State.PREPROCESSED, "a")
    ledger.record([Event("a", State.DONE, message="found done")], job)
    status = take_status(location)
    assert (status.done_per_hour, status.seconds_left) == (0.0, None)


def test_running_jobs_are_shown_with_what_they_have(location, campaign):
    (_, running) = take_status(location).running  # the first is the test's own
    assert running.job.id == campaign.id
    assert (running.job.ranks, running.job.nodes) == (40, 2)
    assert (running.n_working, running.n_claimed) == (1, 3)


def test_oldest_and_slowest_units_are_named(location, campaign):
    status = take_status(location)
    assert [unit.name for unit in status.longest_at_work] == ["5_1"]
    assert status.slowest == [("2_1", 95.0), ("1_1", 8.0)]
    assert status.longest_waiting[0].name in {"6_1", "7_1", "8_1", "20_1"}


def test_what_comes_next_is_shown_in_the_order_of_work(location, campaign):
    assert [unit.name for unit in take_status(location).next] == ["8_1", "20_1"]


def test_what_is_shown_as_next_is_what_a_job_is_given(location, ledger, job):
    for name, state, cost in (
        *(("a", State.QUALIFIED, 9.0), ("b", State.PREPROCESSED, 1.0), ("c", State.QUALIFIED, 1.0)),
        *(("d", State.QUALIFIED, 9.0), ("e", State.PREPROCESSED, 5.0), ("f", State.QUALIFIED, 2.0)),
    ):
        bring_to(ledger, job, state, name, cost=cost)
    ledger.record([Event("b", State.PREPROCESSED, progress=3)], job)
    ledger.set_priorities({"c": 1.0, "d": -1.0})
    shown_next = [unit.name for unit in take_status(location).next]
    assert shown_next == ["b", "c", "a", "e", "f"]
    taken = ledger.claims.take(job, 5, (State.PREPROCESSED, State.QUALIFIED))
    assert [unit.name for unit in taken] == shown_next


def test_failures_are_grouped_by_message(location, campaign):
    (group,) = take_status(location).failures
    assert (group.n_units, group.examples) == (2, ["3_1", "4_1"])
    assert group.message.startswith("/a/3_1.fits: 12 usable cadences")


def test_it_is_the_same_as_json(location, campaign):
    status = take_status(location, undelivered=3)
    told = json.loads(json.dumps(status.as_json()))
    assert told["units"]["done"] == 2
    assert told["jobs"][-1]["ranks"] == 40
    assert told["failures"] == [
        {"message": status.failures[0].message, "n_units": 2, "examples": ["3_1", "4_1"]}
    ]
    assert told["undelivered_events"] == 3


def test_a_person_reads_all_of_it(location, campaign):
    text = shown(status_report(take_status(location, undelivered=3), "injections"))
    for expected in (
        "9 units: 1 qualified, 3 preprocessed, 1 working, 2 done, 2 error",
        "38 injections/s",
        "3 events wait in the outbox",
        "812",
        "longest at work: 5_1 (30 min)",
        "slowest lately: 2_1 (2 min), 1_1 (8 s)",
        "8_1 (priority 2), 20_1",
        "12 usable cadences",
        "3_1, 4_1",
    ):
        assert expected in text, text


def test_a_job_that_is_silent_is_said_to_be_and_counts_for_nothing(location, campaign):
    status = take_status(location)
    silent = replace(status, running=[replace(status.running[-1], silent=300.0)])
    assert "silent for 5 min" in shown(status_report(silent, "injections"))


def test_the_story_of_a_unit_can_be_read(ledger, campaign):
    retry(ledger, failures(ledger), campaign)
    ledger.record([Event("3_1", State.WORKING, rank=7, host="n043")], campaign)
    (unit,) = ledger.units(names=["3_1"])
    text = shown(history_report(unit, ledger.history("3_1")))
    lines = [line.split() for line in text.splitlines()]
    states = [line[2].rstrip(",") for line in lines if line[:1] and line[0].startswith("20")]
    assert states == [
        "discovered",
        "qualified",
        "preprocessed",
        "working",
        "error",
        "preprocessed",
        "working",
    ]
    assert "(812)" in text
    assert "rank 3 on n042" in text
    assert "to be tried again" in text


def test_attempts_are_numbered_in_the_story(ledger, job):
    bring_to(ledger, job, State.PREPROCESSED, "a")
    for charged in (1, 2):
        ledger.record(
            [Event("a", State.WORKING), Event("a", State.PREPROCESSED, charged=charged)], job
        )
    ledger.record([Event("a", State.WORKING)], job)
    (unit,) = ledger.units()
    text = shown(history_report(unit, ledger.history("a")))
    assert [f"attempt {n}" in text for n in (1, 2, 3, 4)] == [True, True, True, False]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (89, "89 s"), (90, "2 min"), (7230, "2 h 00 min"), (400_000, "4 d 15 h")],
)
def test_durations_are_said_as_a_person_would(seconds, text):
    assert duration(seconds) == text


# ----------------------------------------------------------------- another try


@pytest.mark.parametrize("failed_in", [State.DISCOVERED, State.QUALIFIED, State.PREPROCESSED])
def test_a_unit_is_tried_again_from_where_it_failed(ledger, job, failed_in):
    ledger.add_units([NewUnit("a")], job)
    way = [State.DISCOVERED, State.QUALIFIED, State.PREPROCESSED]
    ledger.record([Event("a", state) for state in way[1 : way.index(failed_in) + 1]], job)
    ledger.record([Event("a", State.ERROR, message="no", charged=4)], job)
    (failure,) = failures(ledger)
    assert (failure.from_state, failure.message) == (failed_in, "no")
    assert len(retry(ledger, [failure], job)) == 1
    (unit,) = ledger.units()
    assert (unit.state, unit.charged) == (failed_in, 0)
    assert failures(ledger) == []
