"""What the tests of level2 share. A test with a ledger runs on SQLite and on PostgreSQL."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from cvzmpi.cli import cli
from cvzmpi.level2.configuration import STORE_AUTHORIZATION
from cvzmpi.level2.metadata_store.client import MetadataStore
from cvzmpi.level2.programs.catalogue import Catalogue
from tests.level2.example_product import make_example
from tests.level2.stand_in_store import TOKEN, StandInStore, serving
from tools.harness.rabbitmq_server import RabbitMQServer, find_programs


@pytest.fixture
def catalogue(ledger):
    return Catalogue(ledger)


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
def rabbitmq_server():
    """A RabbitMQ server of these tests' own."""
    programs = find_programs()
    if programs is None:
        pytest.skip("no RabbitMQ server is installed (Debian: apt-get install rabbitmq-server)")
    with RabbitMQServer(programs) as server:
        yield server


@pytest.fixture
def rabbitmq(rabbitmq_server):
    """That server, without queues and exchanges; a test may stop it and start it again."""
    rabbitmq_server.start()
    rabbitmq_server.forget_messages()
    return rabbitmq_server


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
