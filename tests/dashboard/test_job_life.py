"""A job is dead when its process is gone, or when it was silent for a lease."""

import os
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest

from cvzmpi.dashboard.look.job_life import JobLife, Life
from cvzmpi.ledger import Job, process
from cvzmpi.ledger.records import now
from cvzmpi.ledger.status.status import RunningJob

LEASE = 120.0


@pytest.fixture
def clock():
    return SimpleNamespace(now=1000.0)


@pytest.fixture
def life(clock):
    return JobLife(LEASE, lambda: clock.now)


def elsewhere(silent, started_before=timedelta(hours=1)):
    """A job of another machine whose last sign of life came so many seconds ago."""
    at = now()
    heartbeat = at - timedelta(seconds=silent)
    job = Job(
        *(7, "run", None, "n042", "another-boot/1 12:34", "0.1", 3, 1, None),
        *(heartbeat - started_before, heartbeat, 0, None, None, None),
    )
    return RunningJob(job, 0, 0, silent)


@pytest.mark.parametrize(
    ("seconds", "expected"), [(5, Life.LIVES), (60, Life.SILENT), (LEASE + 1, Life.DEAD)]
)
def test_a_silence_of_a_lease_is_death(life, seconds, expected):
    assert life.of(elsewhere(seconds)) is expected


def test_a_heartbeat_that_comes_counts_more_than_the_clocks(life, clock):
    """The clock of its machine is ten minutes late."""
    late = elsewhere(600)
    assert life.of(late) is Life.DEAD
    beat = replace(late, job=replace(late.job, heartbeat=late.job.heartbeat + timedelta(seconds=5)))
    assert life.of(beat) is Life.LIVES
    clock.now += LEASE - 1
    assert life.of(beat) is Life.SILENT
    clock.now += 2
    assert life.of(beat) is Life.DEAD


def test_a_command_is_not_dead_by_its_silence(life):
    assert life.of(elsewhere(1e6, started_before=timedelta())) is Life.LIVES


def test_a_process_here_is_dead_as_soon_as_it_is_gone(life):
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    place = process.identity().rpartition(" ")[0]
    identity = f"{place} {process._name(child.pid)}"
    running = elsewhere(5)
    here = replace(running, job=replace(running.job, process=identity))
    assert life.of(here) is Life.LIVES
    assert life.of(replace(here, silent=1e6)) is Life.LIVES
    os.kill(child.pid, 9)
    child.wait()
    child.stdin.close()
    assert life.of(here) is Life.DEAD
