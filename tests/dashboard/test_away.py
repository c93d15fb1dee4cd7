"""A database server that stops is said on the page and in the metrics, and found again."""

from dataclasses import replace

import pytest

import cvzmpi.dashboard.look.look as look_module
from cvzmpi.dashboard.access import Access
from cvzmpi.dashboard.app import create_app
from cvzmpi.dashboard.look.campaign import retry_in
from cvzmpi.ledger import Ledger
from tests.dashboard.served import SECRET
from tools.harness.postgres_server import PostgresServer, find_programs


@pytest.fixture
def location():
    return ""  # of the server that is stopped, see below


def test_a_server_that_stops_is_said_and_found_again(served_campaign, monkeypatch):
    programs = find_programs()
    if programs is None:
        pytest.skip("no PostgreSQL server is installed (Debian: apt-get install postgresql)")
    for name in ("_STATUS_SECONDS", "_LATELY_SECONDS", "_LONG_SECONDS"):
        monkeypatch.setattr(look_module, name, 0.0)  # nothing is kept
    with PostgresServer(programs) as server:
        location = server.make_database("watched")
        Ledger.open(location).close()
        campaign = replace(served_campaign, location=location, retry=retry_in(location))
        web = create_app(campaign, Access(SECRET)).test_client()
        assert web.get("/overview").status_code == 200
        server.stop()
        for address in ("/overview", "/units", "/api/status", "/api/throughput.js"):
            assert web.get(address).status_code == 503, address
        assert web.get("/api/status").get_json()["error"]
        assert "cvzmpi_ledger_up 0.0" in web.get("/metrics").text
        server.start()
        assert web.get("/overview").status_code == 200
        assert "cvzmpi_ledger_up 1.0" in web.get("/metrics").text
