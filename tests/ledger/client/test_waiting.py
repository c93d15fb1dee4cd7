"""A database that is away is tried again with longer and longer pauses."""

import pytest

from cvzmpi.errors import LedgerUnavailableError
from cvzmpi.ledger.client import waiting
from cvzmpi.ledger.client.waiting import BackOff


@pytest.fixture
def clock(monkeypatch):
    """The time, in a list of one number."""
    now = [1000.0]
    monkeypatch.setattr(waiting.time, "monotonic", lambda: now[0])
    return now


def test_pauses_become_longer_and_end_with_the_outage(clock):
    away = BackOff()
    pauses = []
    for _ in range(10):
        assert away.is_time_to_try()
        away.failed(LedgerUnavailableError("no route"))
        tried = clock[0]
        while not away.is_time_to_try():
            clock[0] += 0.25
        pauses.append(clock[0] - tried)
    assert pauses == [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0, 15.0]
    assert (away.seconds(), away.problem) == (sum(pauses), "no route")
    away.over()
    assert (away.seconds(), away.problem) == (None, None)
    away.failed(LedgerUnavailableError("again"))
    clock[0] += 0.25
    assert away.is_time_to_try(), "the pauses are short again"
