"""The units of a dead job: who got further has lost nothing, who never does is given up."""

import pytest

from cvzmpi.ledger import Event, State
from cvzmpi.ledger.client.outbox import Outbox
from cvzmpi.ledger.client.rules import Evidence
from cvzmpi.ledger.client.takeover import take_over
from tests.ledger.way import bring_to, state_of

READY = (State.PREPROCESSED,)


@pytest.fixture
def take_over_from(ledger, job, tmp_path):
    """Take over the units of a dead job; they are as far as `progress` says."""

    def take_over_from(dead, progress=0, max_attempts=3, begun=()):
        evidence = Evidence(lambda unit: progress, lambda unit: unit.name in begun)
        return take_over(ledger, dead, job, tmp_path, evidence, max_attempts)

    return take_over_from


def begin(ledger, name):
    """A job that begins a unit."""
    job = ledger.jobs.begin("run")
    assert [unit.name for unit in ledger.claims.take(job, 1, READY)] == [name]
    ledger.record([Event(name, State.WORKING)], job)
    return job


def unit_of(ledger, name="a"):
    (unit,) = ledger.units(names=[name])
    return unit


def test_its_units_go_to_others_and_its_end_is_noted(ledger, job, take_over_from):
    bring_to(ledger, job, State.PREPROCESSED, "a", "b")
    dead = ledger.jobs.begin("run")
    ledger.claims.take(dead, 2, READY)
    ledger.record([Event("a", State.WORKING)], dead)
    (event,) = take_over_from(dead, progress=5)
    assert event.message == f"job {dead.id} died on {dead.host}"
    assert len(ledger.claims.take(job, 9, READY)) == 2
    assert unit_of(ledger).progress == 5
    assert [j.outcome for j in ledger.jobs.all()] == [None, "died"]
    assert take_over_from(dead) == [], "once"


def test_a_unit_that_its_jobs_die_over_without_progress_is_given_up(ledger, job, take_over_from):
    bring_to(ledger, job, State.PREPROCESSED, "a")
    take_over_from(begin(ledger, "a"), progress=4)  # the first one got somewhere
    for _ in range(3):
        assert state_of(ledger, "a") is State.PREPROCESSED
        take_over_from(begin(ledger, "a"), progress=4)
    assert state_of(ledger, "a") is State.ERROR
    message = ledger.history("a")[-1].message
    assert message.startswith("3 jobs died while they worked on it and it got no further, the last")


def test_a_unit_that_kills_its_job_at_once_is_found_out(ledger, job, take_over_from):
    """Before the job can tell that it was begun: the file of its claim tells."""
    bring_to(ledger, job, State.PREPROCESSED, "a", "b")
    for _ in range(3):
        dead = ledger.jobs.begin("run")
        assert len(ledger.claims.take(dead, 2, READY)) == 2
        take_over_from(dead, begun={"a"})
    assert state_of(ledger, "a") is State.ERROR
    assert unit_of(ledger, "b").attempts_used == 0
    assert [str(event.to_state) for event in ledger.history("a")].count("working") == 3


def test_a_killed_unit_that_got_further_counts_anew(ledger, job, take_over_from):
    bring_to(ledger, job, State.PREPROCESSED, "a")
    for progress in range(1, 8):
        take_over_from(begin(ledger, "a"), progress, max_attempts=1)
        unit = unit_of(ledger)
        assert (unit.state, unit.attempts_used, unit.progress) == (State.PREPROCESSED, 0, progress)


def test_a_stopped_job_costs_no_attempt(ledger, job, take_over_from):
    bring_to(ledger, job, State.PREPROCESSED, "a")
    take_over_from(begin(ledger, "a"))
    for _ in range(5):
        stopped = begin(ledger, "a")
        ledger.record([Event("a", State.PREPROCESSED, message="stopped", progress=0)], stopped)
    assert unit_of(ledger).attempts_used == 1


def test_its_last_words_are_heard_first_and_once(ledger, job, take_over_from, tmp_path):
    bring_to(ledger, job, State.PREPROCESSED, "a")
    dead = begin(ledger, "a")
    outbox = Outbox(tmp_path, dead)
    done = Event("a", State.DONE, from_state=State.WORKING)
    outbox.append([done])
    assert take_over_from(dead) == []
    assert ledger.history("a")[-1].key == done.key
    assert ledger.history("a")[-1].job.id == dead.id
    assert outbox.read() == []
    outbox.append([done])
    take_over_from(dead)
    assert [event.key for event in ledger.history("a")].count(done.key) == 1


def test_words_that_came_too_late_are_kept_beside(ledger, job, take_over_from, tmp_path):
    bring_to(ledger, job, State.PREPROCESSED, "a")
    dead = begin(ledger, "a")
    take_over_from(dead)
    other = begin(ledger, "a")
    late = Event("a", State.DONE, from_state=State.WORKING)
    Outbox(tmp_path, dead).append([late])
    take_over_from(dead)
    assert ledger.history("a")[-1].job.id == other.id
    (kept,) = tmp_path.glob("*.refused.jsonl")
    assert str(late.key) in kept.read_text()


def test_a_job_that_gives_a_sign_of_life_is_not_taken_over(ledger, job, take_over_from):
    bring_to(ledger, job, State.PREPROCESSED, "a")
    living = begin(ledger, "a")
    with ledger.writing() as connection:
        assert ledger.jobs.beat(living, 0, None, within=connection)
    assert take_over_from(living) == []
    assert state_of(ledger, "a") is State.WORKING
    assert ledger.claims.of_others(job)[0][0].id == living.id


def test_a_job_that_was_taken_over_alive_is_told(ledger, job, take_over_from):
    living = ledger.jobs.begin("run")
    take_over_from(living)
    with ledger.writing() as connection:
        assert not ledger.jobs.beat(living, 0, None, within=connection)
        assert ledger.jobs.beat(living, 0, None, within=connection), "and lives again"


def test_units_that_a_job_left_when_it_ended_are_taken_over_and_have_used_up_no_attempt(
    ledger, job, take_over_from
):
    """As an earlier version did it when Ctrl-C ended rank 0."""
    bring_to(ledger, job, State.PREPROCESSED, "a")
    for _ in range(4):
        left = begin(ledger, "a")
        ledger.jobs.end(left, "failed: KeyboardInterrupt")
        ((ended, n_claimed),) = ledger.claims.of_others(job)
        assert (ended.id, n_claimed) == (left.id, 0)
        (event,) = take_over_from(ended, progress=4, max_attempts=1)
        assert event.message == (
            f"job {left.id} on {left.host} has ended (failed: KeyboardInterrupt) without giving it "
            "back"
        )
        assert (unit_of(ledger).state, unit_of(ledger).attempts_used) == (State.PREPROCESSED, 0)
        assert ledger.claims.of_others(job) == [], "once"
