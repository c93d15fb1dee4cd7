"""The status says what is in the ledger: what is done, how fast, who works, what failed."""

import heapq
import json
import re
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import pytest
from rich.console import Console
from scipy.stats import chi2

from cvzmpi.estimates import poisson_interval
from cvzmpi.ledger import Event, NewUnit, State
from cvzmpi.ledger.db.tables import jobs
from cvzmpi.ledger.failures import failures, retry
from cvzmpi.ledger.records import now
from cvzmpi.ledger.status.pace import WholeUnit
from cvzmpi.ledger.status.report import history_report, status_report
from cvzmpi.ledger.status.status import take_status
from tests.ledger.way import bring_to

_IDENTITY = "import os; from cvzmpi.ledger import process; print(process.identity())"

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


def at_work(
    ledger,
    job,
    n_done,
    seconds,
    *,
    n_open=0,
    n_teams=4,
    cost=lambda n: 1.0,
    told=True,
    prefix="unit",
):
    """A job whose teams have done units, one after the other, for so many seconds until now.

    A unit takes as long as its cost, and all of them as long as the seconds allow. With `told`,
    the events say how long it took, as those of a job do.
    """
    names = [f"{prefix}_{n}" for n in range(n_done + n_open)]
    costs = [cost(n) for n in range(len(names))]
    ledger.add_units(list(map(NewUnit, names, costs)), job)
    for state in (State.QUALIFIED, State.PREPROCESSED):
        ledger.record([Event(name, state) for name in names], job)
    running = ledger.jobs.begin("run", ranks=n_teams + 1)
    started = now() - timedelta(seconds=seconds)
    set_job(ledger, running, started=started)
    running = replace(running, started=started)
    ledger.claims.take(running, len(names), READY)
    free = [0.02 * team for team in range(n_teams)]
    spans = []
    for unit_cost in costs[: n_done + n_teams]:
        begin = heapq.heappop(free)
        spans.append((begin, begin + unit_cost))
        heapq.heappush(free, begin + unit_cost)
    ends = sorted(end for _, end in spans)
    until = sum(ends[max(n_done - 1, 0) : n_done + 1]) / len(ends[max(n_done - 1, 0) : n_done + 1])
    pace = seconds / (until if n_done else 0.3)
    for name, (begin, end) in zip(names, spans, strict=False):
        began, ended = (started + timedelta(seconds=s * pace) for s in (begin, end))
        if ended <= started + timedelta(seconds=seconds):
            detail = {"seconds": (end - begin) * pace} if told else None
            done = Event(name, State.DONE, at=ended, detail=detail)
            ledger.record([Event(name, State.WORKING, at=began), done], running)
        else:
            ledger.record([Event(name, State.WORKING, at=began)], running)
    return running


def set_job(ledger, job, **values):
    with ledger.writing() as connection:
        connection.execute(jobs.update().where(jobs.c.id == job.id).values(**values))


def speed_line(location):
    return shown(status_report(take_status(location), "injection")).splitlines()[1]


def test_a_rate_is_that_of_the_time_in_which_a_job_ran_with_its_uncertainty(location, ledger, job):
    running = at_work(ledger, job, 13, 32, told=False)
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


def test_a_rate_is_told_the_better_by_the_time_that_units_take(location, ledger, job):
    at_work(ledger, job, 13, 32, n_open=100)
    speed = take_status(location).speed
    true = 4 * 3600 / (32 / 4.01)  # the fourth wave of four teams is all but done
    assert speed.per_hour.low < true < speed.per_hour.high
    assert speed.per_hour.value == pytest.approx(true, rel=0.15)
    low, high = poisson_interval(13)
    assert speed.per_hour.high - speed.per_hour.low < (high - low) * 3600 / 32


def test_a_job_that_died_ran_until_its_last_sign_of_life(location, ledger, job):
    running = at_work(ledger, job, 13, 1800, n_open=1)
    set_job(ledger, running, heartbeat=running.started + timedelta(seconds=600))
    speed = take_status(location).speed
    assert (speed.n_active, speed.seconds_left) == (0, None)
    assert speed.seconds == pytest.approx(660, abs=30)
    ledger.jobs.end(running, "died")  # as noticed now
    assert take_status(location).speed.seconds == pytest.approx(660, abs=30)


@pytest.mark.parametrize(("n_done", "seconds"), [(0, 100), (2, 1000), (4, 2)])
def test_nothing_is_estimated_from_too_little(location, ledger, job, monkeypatch, n_done, seconds):
    running = at_work(ledger, job, n_done, seconds, n_open=20)
    asked_at = running.started + timedelta(seconds=seconds)
    monkeypatch.setattr("cvzmpi.ledger.status.status.now", lambda: asked_at)
    speed = take_status(location).speed
    assert (speed.n_done, speed.per_hour, speed.seconds_left) == (n_done, None, None)
    assert not re.search("left|an hour", speed_line(location))


def test_the_time_left_is_a_range_around_the_truth(location, ledger, job):
    at_work(ledger, job, 40, 400, n_open=62)
    left = take_status(location).speed.seconds_left
    assert left.low < 600 < left.high < 3 * left.low
    assert left.value == pytest.approx(600, rel=0.15)
    assert re.search(r", 0 injections/s, \d+ to \d+ min left$", speed_line(location))


def test_four_light_curves_in_nine_seconds_are_no_hour(location, ledger, job):
    """Two teams that have done four of a hundred units: what is left takes four minutes."""
    at_work(ledger, job, 4, 9, n_open=96, n_teams=2)
    left = take_status(location).speed.seconds_left
    assert left.low < 96 * 4.5 / 2.5 < left.high < 1200


def test_with_the_longest_first_the_time_left_goes_by_the_cost(location, ledger, job):
    at_work(ledger, job, 40, 400, n_open=60, cost=lambda n: 10 ** (1 - n / 100))
    costs = [10 ** (1 - n / 100) for n in range(100)]
    true = 400 * sum(costs[42:]) / sum(costs[:42])  # two of four units at work are done
    left = take_status(location).speed.seconds_left
    assert left.low < true < left.high
    assert left.value == pytest.approx(true, rel=0.25)
    assert true < 0.7 * 400 * 58 / 42  # by number it would be much longer


def test_in_the_end_the_last_units_count(location, ledger, job):
    at_work(ledger, job, 40, 400, n_open=4)  # all of them are half done
    left = take_status(location).speed.seconds_left
    assert left.low < 400 / 10.5 / 2 < left.high < 60


def test_what_a_half_done_unit_has_left_is_known_where_all_are_alike(location, ledger, job):
    at_work(ledger, job, 40, 400, n_open=64, n_teams=4)
    names = [f"unit_{n}" for n in range(44, 104)]
    ledger.record([Event(name, State.PREPROCESSED, progress=90) for name in names], job)
    whole = WholeUnit(steps=100, progress=100)
    left = take_status(location, whole=whole).speed.seconds_left
    # half of the units at work, and a tenth of the 60 others
    assert left.low < 38 * (4 / 2 + 60 / 10) / 4 < left.high
    without = take_status(location).speed.seconds_left
    assert without.value > 2 * left.value  # half of each, for all that is known


def test_steps_tell_the_time_left_before_a_unit_is_done(location, ledger, job):
    running = at_work(ledger, job, 0, 300, n_open=8)
    with ledger.writing() as connection:
        ledger.jobs.beat(running, 1200, 4.0, within=connection)
    whole = WholeUnit(steps=1000, progress=1000)  # of four: three tenths are done
    left = take_status(location, whole=whole).speed.seconds_left
    assert left.low < 2 * 1000 - 300 < left.high
    assert take_status(location).speed.seconds_left is None


def test_without_a_job_the_time_of_running_is_told(location, ledger, job):
    running = at_work(ledger, job, 40, 400, n_open=64)
    ledger.jobs.end(running, "less than 120 s of the job's time are left")
    status = take_status(location)
    assert status.speed.seconds_left is None
    left = status.speed.running_seconds_left
    assert left.low < 64 / 4 * 40 < left.high
    assert re.search(
        r", no job has units now, \d+ to \d+ min of running left$", speed_line(location)
    )


def test_a_queue_in_which_no_job_runs_makes_it_longer(location, ledger, job):
    """A job of an hour four days ago, and one that has run for 400 s."""
    before = ledger.jobs.begin("run", ranks=5)
    began = now() - timedelta(days=4)
    ended = began + timedelta(hours=1)
    set_job(ledger, before, started=began, heartbeat=ended, ended=ended, steps=1000)
    at_work(ledger, job, 40, 400, n_open=64)
    speed = take_status(location).speed
    share = (3600 + 400) / (4 * 86400)
    assert speed.running_share == pytest.approx(share, rel=0.02)
    assert speed.calendar_seconds_left.value == pytest.approx(
        speed.seconds_left.value / share, rel=0.02
    )
    assert re.search(
        r"left, \d+ h .* at the share of time in which jobs ran this week \(1 %\)$",
        speed_line(location),
    )


def test_a_job_whose_process_is_gone_is_not_waited_for(location, ledger, job):
    running = at_work(ledger, job, 40, 400, n_open=64)
    assert take_status(location).speed.n_active == 1
    dead = subprocess.run([sys.executable, "-c", _IDENTITY], capture_output=True, text=True)
    set_job(ledger, running, process=dead.stdout.strip())
    assert take_status(location).speed.n_active == 0


def test_several_jobs_are_as_fast_as_all_of_them(location, ledger, job):
    at_work(ledger, job, 40, 400, n_open=64)
    alone = take_status(location).speed
    at_work(ledger, job, 40, 400, n_open=64, prefix="more")
    both = take_status(location).speed
    assert both.n_active == 2
    assert both.per_hour.value == pytest.approx(2 * alone.per_hour.value, rel=0.1)
    assert both.seconds_left.value == pytest.approx(alone.seconds_left.value, rel=0.2)


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
