"""The status says what is in the ledger: what is done, how fast, who works, what failed."""

import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from rich.console import Console
from scipy.stats import chi2

from cvzmpi.ledger import Event, NewUnit, State
from cvzmpi.ledger.db.tables import jobs
from cvzmpi.ledger.failures import failures, retry
from cvzmpi.ledger.records import now
from cvzmpi.ledger.status.report import history_report, status_report
from cvzmpi.ledger.status.status import take_status
from tests.ledger.way import bring_to

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
        ledger.record([Event(f"{n}_1", State.ERROR, message=message, attempts_used=1)], running)
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


def test_steps_are_those_of_the_running_jobs(location, campaign):
    assert take_status(location).steps_per_second == 37.5


def test_units_at_work_without_a_living_job_are_said(location, ledger, campaign):
    status = take_status(location)
    assert status.left_at_work == []
    assert "without a living job" not in shown(status_report(status, "injection"))
    ledger.jobs.end(campaign, "failed: KeyboardInterrupt")
    status = take_status(location)
    assert status.left_at_work == status.as_json()["left_at_work"] == ["5_1"]
    line = "1 at work without a living job, the next one goes on: 5_1"
    assert line in shown(status_report(status, "injection"))


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


# ----------------------------------------------------------------- how fast, and when it is over


def at_work(ledger, job, n_done, seconds, *, n_open=0, cost_done=1.0, cost_open=1.0, n_working=0):
    """A job that has done units in its first so many seconds; it began then."""
    done, waiting = [f"done_{n}" for n in range(n_done)], [f"open_{n}" for n in range(n_open)]
    bring_to(ledger, job, State.PREPROCESSED, *done, cost=cost_done)
    bring_to(ledger, job, State.PREPROCESSED, *waiting, cost=cost_open)
    running = ledger.jobs.begin("run", ranks=3)
    started = now() - timedelta(seconds=seconds)
    set_job(ledger, running, started=started)
    running = replace(running, started=started)
    for n, name in enumerate(done):
        at = started + timedelta(seconds=seconds * (n + 0.5) / n_done)
        ledger.record(
            [Event(name, State.WORKING, at=started), Event(name, State.DONE, at=at)], running
        )
    if n_open:
        ledger.claims.take(running, n_open, READY)
    for name in waiting[:n_working]:
        ledger.record([Event(name, State.WORKING)], running)
    return running


def set_job(ledger, job, **values):
    with ledger.writing() as connection:
        connection.execute(jobs.update().where(jobs.c.id == job.id).values(**values))


def speed_line(location):
    return shown(status_report(take_status(location), "injection")).splitlines()[1]


def test_a_rate_is_that_of_the_time_in_which_a_job_ran_with_its_uncertainty(location, ledger, job):
    running = at_work(ledger, job, 13, 32)
    ledger.jobs.end(running, "done")
    set_job(ledger, running, ended=running.started + timedelta(seconds=32))
    speed = take_status(location).speed
    assert (speed.n_done, speed.seconds) == (13, pytest.approx(32))
    assert speed.per_hour.value == pytest.approx(13 * 3600 / 32)
    exact = [chi2.ppf(0.025, 26) / 2, chi2.ppf(0.975, 28) / 2]
    assert [speed.per_hour.low, speed.per_hour.high] == pytest.approx(
        [limit * 3600 / 32 for limit in exact], rel=0.02
    )
    assert speed.seconds_left is None
    assert speed_line(location) == (
        "13 done in 32 s, about 1,460 an hour (780 to 2,500), no job has units now"
    )


def test_a_job_that_died_ran_until_its_last_sign_of_life(location, ledger, job):
    running = at_work(ledger, job, 13, 1800, n_open=1)
    set_job(ledger, running, heartbeat=running.started + timedelta(seconds=600))
    speed = take_status(location).speed
    assert (speed.n_active, speed.seconds_left) == (0, None)
    assert speed.seconds == pytest.approx(660, abs=30)
    ledger.jobs.end(running, "died")  # as noticed now
    assert take_status(location).speed.seconds == pytest.approx(660, abs=30)


@pytest.mark.parametrize(("n_done", "seconds"), [(0, 100), (4, 9), (4, 3000), (100, 5)])
def test_nothing_is_estimated_from_too_little(location, ledger, job, n_done, seconds):
    at_work(ledger, job, n_done, seconds, n_open=20)
    speed = take_status(location).speed
    assert (speed.n_done, speed.per_hour, speed.seconds_left) == (n_done, None, None)
    assert not re.search("left|an hour", speed_line(location))


def test_the_time_left_is_a_range_around_the_truth(location, ledger, job):
    at_work(ledger, job, 40, 400, n_open=60)
    left = take_status(location).speed.seconds_left
    assert left.low < 600 < left.high
    assert left.value == pytest.approx(600, rel=0.1)
    assert speed_line(location).endswith(", 0 injections/s, 7 to 14 min left")


def test_with_the_longest_first_the_time_left_goes_by_the_cost(location, ledger, job):
    at_work(ledger, job, 40, 400, n_open=60, cost_done=20.0, cost_open=5.0)
    left = take_status(location).speed.seconds_left
    assert left.value == pytest.approx(150, rel=0.1)
    assert left.low < 150 < 600 < left.high  # cost or number: either may be right


def test_what_is_worked_on_may_be_nearly_done(location, ledger, job):
    at_work(ledger, job, 10, 100, n_open=60, n_working=10)
    left = take_status(location).speed.seconds_left
    assert left.low < 60 * 100 / 20 < 60 * 100 / 10 < left.high


def test_jobs_of_commands_are_no_time_in_which_units_were_done(location, ledger, job):
    command = ledger.jobs.begin("verify")
    set_job(ledger, command, started=now() - timedelta(seconds=3000))
    at_work(ledger, job, 20, 100, n_open=5)
    assert take_status(location).speed.seconds == pytest.approx(100, abs=30)


def test_what_was_only_found_done_does_not_count_as_speed(location, ledger, job):
    bring_to(ledger, job, State.PREPROCESSED, "a")
    ledger.record([Event("a", State.DONE, message="found done")], job)
    speed = take_status(location).speed
    assert (speed.n_done, speed.per_hour, speed.seconds_left) == (0, None, None)
    assert speed_line(location) == "no job has units now"


def test_estimates_are_told_to_programs_with_their_intervals(location, ledger, job):
    at_work(ledger, job, 40, 400, n_open=60)
    told = json.loads(json.dumps(take_status(location).as_json()))
    for name in ("done_per_hour", "seconds_left"):
        assert told[name]["low"] < told[name]["value"] < told[name]["high"]
    assert told["done_lately"] == 40


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
    text = shown(status_report(take_status(location, undelivered=3), "injection"))
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
    assert "silent for 5 min" in shown(status_report(silent, "injection"))


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
    for attempts_used in (1, 2):
        ledger.record(
            [
                Event("a", State.WORKING),
                Event("a", State.PREPROCESSED, attempts_used=attempts_used),
            ],
            job,
        )
    ledger.record([Event("a", State.WORKING)], job)
    (unit,) = ledger.units()
    text = shown(history_report(unit, ledger.history("a")))
    assert [f"attempt {n}" in text for n in (1, 2, 3, 4)] == [True, True, True, False]


# ----------------------------------------------------------------- another try


@pytest.mark.parametrize("failed_in", [State.DISCOVERED, State.QUALIFIED, State.PREPROCESSED])
def test_a_unit_is_tried_again_from_where_it_failed(ledger, job, failed_in):
    ledger.add_units([NewUnit("a")], job)
    way = [State.DISCOVERED, State.QUALIFIED, State.PREPROCESSED]
    ledger.record([Event("a", state) for state in way[1 : way.index(failed_in) + 1]], job)
    ledger.record([Event("a", State.ERROR, message="no", attempts_used=4)], job)
    (failure,) = failures(ledger)
    assert (failure.from_state, failure.message) == (failed_in, "no")
    assert len(retry(ledger, [failure], job)) == 1
    (unit,) = ledger.units()
    assert (unit.state, unit.attempts_used) == (failed_in, 0)
    assert failures(ledger) == []
