"""Slow clients and odd requests at the service: they cost only themselves."""

import time

import requests

from tests.dashboard.odd_requests import is_defect, odd_requests, raw
from tests.dashboard.slow_clients import slow_clients
from tests.level2.example_rows import OP, calcium, row
from tests.level2.service.served import SECRET, served
from tools.harness.job_process import wait_until

BEARER = {"Authorization": f"Bearer {SECRET}"}
MANY = [f"127.0.0.{n}" for n in range(2, 100)]
ACTIONS = ("reserve", "release", "retry", "reopen")


def reaches_invertible(address):
    """Whether the first round is over."""
    states = [item["state"] for item in requests.get(f"{address}/api/programs", timeout=60).json()]
    return states == ["Invertible"]


def test_with_500_slow_clients_the_service_answers_others_at_once(store, tmp_path):
    store.datasets = [row(), calcium()]
    with served(str(tmp_path / "ledger.sqlite"), store, tmp_path) as (address, _):
        wait_until(lambda: reaches_invertible(address))
        program = f"{address}/api/programs/{OP}"
        for sources in (["127.0.0.1"], MANY):
            with slow_clients(address, 500, sources):
                for _ in range(3):
                    for page in ("/", f"/programs/{OP}", "/api/programs", "/api/steps", "/metrics"):
                        assert requests.get(address + page, timeout=10).status_code == 200
                    for action in ("reserve", "release"):
                        reply = requests.post(
                            f"{program}/{action}", json={"by": "Jane"}, headers=BEARER, timeout=10
                        )
                        assert reply.status_code == 200
                    time.sleep(1)


def test_300_odd_requests_are_no_defect_of_the_service(store, tmp_path, capfd):
    store.datasets = [row(), calcium()]
    with served(str(tmp_path / "ledger.sqlite"), store, tmp_path) as (address, _):
        wait_until(lambda: reaches_invertible(address))
        paths = [
            *(
                "/",
                "/programs/*",
                f"/programs/{OP}/*",
                "/api/programs",
                "/api/programs/*",
                "/retry",
            ),
            *(f"/api/programs/{OP}/{action}" for action in ACTIONS),
            *(f"/programs/*/{action}" for action in ACTIONS),
            *(f"/programs/{OP}/maps/*", f"/api/programs/{OP}/maps/*/pixel", "/api/retry"),
        ]
        for i, request in enumerate(odd_requests(2, paths, [f"Authorization: Bearer {SECRET}"])):
            answer = raw(address, request, MANY[i % len(MANY)])
            assert not is_defect(answer), (request[:200], answer[:200])
        assert requests.get(address, timeout=60).status_code == 200
    assert "Traceback" not in capfd.readouterr().err
