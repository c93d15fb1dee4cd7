"""Real jobs on one ledger, killed and without their database: `make test-ledger-jobs` in small."""

import random
from functools import partial

import pytest

from tools.torture.ledger_jobs import (
    Campaign,
    check,
    kill_at_random,
    lock_file,
    stop_server,
    take_away,
)


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request):
    return request.param


@pytest.fixture
def campaign(kind, request, tmp_path):
    """Toy units with a ledger."""
    if kind == "sqlite":
        location = str(tmp_path / "ledger.sqlite")
    else:
        server = request.getfixturevalue("postgres")
        location = server.make_database(f"jobs_{random.randrange(10**9)}")
    return partial(Campaign, location, tmp_path / "units")


def test_jobs_that_are_killed_leave_each_unit_done_once_by_one_at_a_time(kind, request, campaign):
    server = request.getfixturevalue("postgres") if kind == "postgresql" else None
    killed = campaign(n_units=16, seconds=0.8)
    kill_at_random(killed, 2, 3, random.Random(5), server)
    check(killed, killed=True)


def test_a_job_outlives_its_database(kind, request, campaign):
    away = campaign(n_units=16, seconds=0.5)
    if kind == "postgresql":
        take_away(away, 1, 3.0, stop_server(request.getfixturevalue("postgres")))
    else:
        take_away(away, 1, 3.0, lock_file(away.ledger))
    check(away, killed=False)
