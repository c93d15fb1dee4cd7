"""The application over a ledger and a metadata store, without a server."""

import pytest

from cvzmpi.dashboard.access import Access
from cvzmpi.level2.configuration import STORE_AUTHORIZATION, Level2Config
from cvzmpi.level2.service.app import create_app
from cvzmpi.level2.service.rounds import Rounds
from cvzmpi.level2.steps import Level2Steps
from tests.level2.example_rows import OP
from tests.level2.invertible_programs import make_invertible
from tests.level2.service.served import SECRET
from tests.level2.stand_in_store import TOKEN


@pytest.fixture
def location(tmp_path):
    """SQLite alone: what differs between databases is tested with the steps."""
    return str(tmp_path / "ledger.sqlite")


@pytest.fixture
def campaign(ledger, store, tmp_path, monkeypatch):
    monkeypatch.setenv(STORE_AUTHORIZATION, TOKEN)
    config = Level2Config.model_validate(
        {
            "store": {"url": store.url, "retries": 0},
            "inbox": {"directory": tmp_path / "inbox"},
            "publish": {"destination": tmp_path / "b", "staging": tmp_path / "s"},
        }
    )
    return Level2Steps(config, ledger)


@pytest.fixture
def rounds(campaign, job):
    return Rounds(campaign, job, interval=3600)


@pytest.fixture
def app(campaign, job, rounds):
    return create_app(campaign, job, rounds, Access(SECRET))


@pytest.fixture
def web(app):
    """A client of the application."""
    return app.test_client()


@pytest.fixture
def programs(catalogue, job):
    """Three invertible programs."""
    make_invertible(catalogue, job, OP, "second", "third")
