"""Each test with a ledger runs on SQLite and on a real PostgreSQL."""

import itertools
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from example_product import make_example
from stand_in_store import TOKEN, StandInStore, serving

from cvzmpi.cli import cli
from cvzmpi.ledger import Ledger
from cvzmpi.level2.catalogue import Catalogue
from cvzmpi.level2.configuration import STORE_AUTHORIZATION
from cvzmpi.level2.metadata_store import MetadataStore
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


@pytest.fixture(scope="session")
def example(tmp_path_factory):
    """A Level 2 product that was really made; not to be changed."""
    return make_example(tmp_path_factory.mktemp("example"))


@pytest.fixture
def product(example, tmp_path):
    """A copy of the files of that product, to be changed."""
    return Path(shutil.copytree(example.product, tmp_path / "product"))


@pytest.fixture
def campaign(store, tmp_path, monkeypatch):
    """The directory of a campaign, which is the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(STORE_AUTHORIZATION, TOKEN)
    (tmp_path / "cvzmpi.toml").write_text(f'[store]\nurl = "{store.url}"\nretries = 0\n')
    return tmp_path


@pytest.fixture
def cvzmpi(campaign):
    """Call `cvzmpi level2 ...` in that directory; what it printed."""

    def cvzmpi(*arguments, status=0):
        outcome = CliRunner().invoke(cli, ["level2", *arguments], standalone_mode=False)
        if outcome.exception is not None:
            raise outcome.exception
        assert outcome.return_value == status, outcome.output
        return outcome.output

    return cvzmpi
