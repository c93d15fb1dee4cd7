"""Who is dead: by its process, by the queue, or by silence while one listens; and the heartbeat."""

import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import pytest

from cvzmpi.ledger import process
from cvzmpi.ledger.client.liveness import Heartbeat, Liveness, queue_id


@pytest.fixture
def elsewhere(job):
    """A job on another machine."""
    heartbeat = job.started + timedelta(seconds=1)
    return replace(job, id=job.id + 1, process="another machine 17:4", heartbeat=heartbeat)


@pytest.fixture
def clock(monkeypatch):
    """The clock of this job, to be set."""

    class Clock:
        now = 1000.0

    monkeypatch.setattr("time.monotonic", lambda: Clock.now)
    return Clock


def process_of_its_own(code):
    """A process, and its identity."""
    child = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"from cvzmpi.ledger.process import identity; print(identity(), flush=True); {code}",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    return child, child.stdout.readline().strip()


def test_a_process_is_there_until_it_is_gone_and_nothing_is_known_of_other_machines():
    child, identity = process_of_its_own("input()")
    assert process.is_gone(identity) is False
    child.kill()
    child.wait()
    assert process.is_gone(identity) is True
    assert process.is_gone(process.identity()) is False
    assert process.is_gone("another machine 17:4") is None
    place, _, name = process.identity().rpartition(" ")
    assert process.is_gone(f"{place} {name}0") is True, "a number that is used again"


def test_a_job_whose_process_is_gone_is_dead_at_once(job):
    child, identity = process_of_its_own("pass")
    child.wait()
    assert Liveness(job, lease=120).is_dead(replace(job, id=7, process=identity))
    assert not Liveness(job, lease=120).is_dead(replace(job, id=7))


def test_a_job_that_the_queue_started_again_is_dead_at_once(job, elsewhere):
    liveness = Liveness(replace(job, queue_id="812+2"), lease=120)
    assert liveness.is_dead(replace(elsewhere, queue_id="812+1"))
    assert liveness.is_dead(replace(elsewhere, queue_id="812"))
    assert not liveness.is_dead(replace(elsewhere, queue_id="812+2")), "another step of this job"
    assert not liveness.is_dead(replace(elsewhere, queue_id="813"))
    assert not liveness.is_dead(elsewhere)


def test_a_silent_job_is_dead_after_a_lease_of_listening(job, elsewhere, clock):
    liveness = Liveness(job, lease=120)
    # however old its heartbeat looks: the clocks of two machines are not compared
    silent = replace(elsewhere, heartbeat=elsewhere.heartbeat - timedelta(days=3))
    assert not liveness.is_dead(silent)
    assert not liveness.is_known_to_live(silent)
    clock.now += 119
    assert not liveness.is_dead(silent)
    clock.now += 2
    assert liveness.is_dead(silent)


def test_a_command_that_never_gave_a_sign_of_life_is_not_waited_for(job, elsewhere, clock):
    liveness = Liveness(job, lease=120)
    command = replace(elsewhere, heartbeat=elsewhere.started)
    assert not liveness.is_dead(command)
    clock.now += 1000
    assert not liveness.is_dead(command)


def test_a_process_that_is_there_lives_however_silent(job, clock):
    liveness = Liveness(job, lease=120)
    stopped = replace(job, id=job.id + 1, heartbeat=job.started + timedelta(seconds=1))
    assert not liveness.is_dead(stopped)
    clock.now += 1000
    assert not liveness.is_dead(stopped)


def test_a_job_that_is_heard_lives(job, elsewhere, clock):
    liveness = Liveness(job, lease=120)
    for beat in range(10):
        heard = replace(elsewhere, heartbeat=elsewhere.heartbeat + timedelta(seconds=beat))
        assert not liveness.is_dead(heard)
        clock.now += 100
    assert liveness.is_known_to_live(heard)


def test_nobody_is_dead_because_nobody_could_be_heard(job, elsewhere, clock):
    liveness = Liveness(job, lease=120)
    assert not liveness.is_dead(elsewhere)
    clock.now += 3600  # the database was away
    liveness.forget_times()
    assert not liveness.is_dead(elsewhere)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, None),
        ({"SLURM_JOB_ID": "812"}, "812"),
        ({"SLURM_JOB_ID": "812", "SLURM_RESTART_COUNT": "0"}, "812"),
        ({"SLURM_JOB_ID": "812", "SLURM_RESTART_COUNT": "3"}, "812+3"),
    ],
)
def test_the_number_of_a_job_says_how_often_it_was_started(environment, expected):
    assert queue_id(environment) == expected


# ----------------------------------------------------------------- the heartbeat


def test_the_first_is_due_at_once_and_the_next_after_the_heartbeat(clock):
    life = Heartbeat(interval=5.0)
    assert life.is_due()
    life.beat()
    assert not life.is_due()
    clock.now += 5.0
    assert life.is_due()


def test_the_speed_is_that_of_the_last_minute(clock):
    life = Heartbeat(interval=5.0)
    life.beat()
    assert life.steps_per_second() == 0.0
    for speed in (100, 20):
        for _ in range(20):
            clock.now += 5.0
            life.steps += 5 * speed
            life.beat()
    assert life.steps_per_second() == pytest.approx(20.0)
