"""Signs of life are due at intervals, and say how fast the job was of late."""

import pytest

from cvzmpi.ledger.client import heartbeat
from cvzmpi.ledger.client.heartbeat import Heartbeat


@pytest.fixture
def clock(monkeypatch):
    """The time, in a list of one number."""
    now = [1000.0]
    monkeypatch.setattr(heartbeat.time, "monotonic", lambda: now[0])
    return now


def test_the_first_is_due_at_once_and_the_next_after_the_heartbeat(clock):
    life = Heartbeat(interval=5.0)
    assert life.is_due()
    life.beat()
    assert not life.is_due()
    clock[0] += 5.0
    assert life.is_due()


def test_the_speed_is_that_of_the_last_minute(clock):
    life = Heartbeat(interval=5.0)
    life.beat()
    assert life.steps_per_second() == 0.0
    for speed in (100, 20):
        for _ in range(20):
            clock[0] += 5.0
            life.steps += 5 * speed
            life.beat()
    assert life.steps_per_second() == pytest.approx(20.0)
