"""Each test with a ledger runs on SQLite and on a real PostgreSQL."""

import itertools

import pytest
from postgres_server import PostgresServer, find_programs
from stand_in_store import TOKEN, StandInStore, serving

from cvzmpi.ledger import Ledger
from cvzmpi.level2.catalogue import Catalogue
from cvzmpi.level2.metadata_store import MetadataStore

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
    return request.getfixturevalue("postgres").make_database(f"level2_{next(_numbers)}")


@pytest.fixture
def ledger(location):
    with Ledger.open(location) as ledger:
        yield ledger


@pytest.fixture
def catalogue(ledger):
    return Catalogue(ledger)


@pytest.fixture
def job(ledger):
    return ledger.jobs.begin("test")


@pytest.fixture
def store():
    """An empty metadata store."""
    with serving(StandInStore()) as store:
        yield store


@pytest.fixture
def client(store):
    client = MetadataStore(store.url, TOKEN, timeout=5, retries=2, backoff=0)
    yield client
    client.close()
