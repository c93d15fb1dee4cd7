"""Real jobs on one ledger, killed and without their database: `make test-ledger-jobs` in small."""

import random
from functools import partial

import pytest

from tools.torture.disturbance import disturb_campaign
from tools.torture.ledger_jobs import LedgerJobs, lock_file, stop_server


@pytest.fixture(params=["sqlite", "postgresql"])
def server(request):
    """The server of the database; None for SQLite."""
    return request.getfixturevalue("postgres") if request.param == "postgresql" else None


@pytest.fixture
def jobs(server, tmp_path):
    """Jobs on toy units with a ledger."""
    if server is None:
        location = str(tmp_path / "ledger.sqlite")
    else:
        location = server.make_database(f"jobs_{random.randrange(10**9)}")
    return partial(LedgerJobs, location, tmp_path / "units", 16)


def test_jobs_that_are_killed_leave_each_unit_done_once_by_one_at_a_time(server, jobs):
    seen = disturb_campaign(jobs(seconds=0.8, n_jobs=2, server=server), 3, random.Random(5))
    assert seen.kinds.total() > 0
    assert seen.wrong == []


def test_a_job_outlives_its_database(server, jobs):
    jobs = jobs(seconds=0.5)
    away = partial(lock_file, jobs.ledger) if server is None else partial(stop_server, server)
    seen, _ = jobs.take_away(partial(away, 3.0))
    assert seen.wrong == []
