"""Each test of the ledger runs on SQLite and on a real PostgreSQL."""

import itertools

import pytest

from cvzmpi.ledger import Ledger
from tools.postgres_server import PostgresServer, find_programs

_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgres():
    """A PostgreSQL server of these tests' own."""
    programs = find_programs()
    if programs is None:
        pytest.skip("no PostgreSQL server is installed (Debian: apt-get install postgresql)")
    server = PostgresServer(programs)
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(params=["sqlite", "postgresql"])
def location(request, tmp_path):
    """Where an empty ledger can be made."""
    if request.param == "sqlite":
        return str(tmp_path / "ledger.sqlite")
    return request.getfixturevalue("postgres").make_database(f"ledger_{next(_numbers)}")


@pytest.fixture
def ledger(location):
    with Ledger.open(location) as ledger:
        yield ledger


@pytest.fixture
def job(ledger):
    return ledger.jobs.begin("test")
