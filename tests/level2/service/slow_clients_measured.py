"""How long the service takes for others while 500 clients are slow: `make bench-service`.

The rows are those of `../shared/data/level2` where they are, else two of the tests' own.
"""

import tempfile
import time
from contextlib import nullcontext
from pathlib import Path
from statistics import median

import requests

from tests.dashboard.slow_clients import slow_clients
from tests.level2.example_rows import OP, calcium, real_rows, row
from tests.level2.service.served import SECRET, served
from tests.level2.stand_in_store import StandInStore, serving
from tools.harness.job_process import ROOT, wait_until
from tools.harness.markdown import markdown_rows

_SHARED = ROOT.parent / "shared" / "data"
_REPEATS = 20
_SOURCES = {
    "no slow clients": None,
    "500 from one address": ["127.0.0.1"],
    "500 from 98 addresses": [f"127.0.0.{n}" for n in range(2, 100)],
}


def main():
    """Measure the pages and a change, and print a table."""
    rows = [row(), calcium()]
    if _SHARED.exists():
        rows += [*real_rows(_SHARED, 2023), *real_rows(_SHARED, 2025)]
    print(f"{len(rows)} rows; seconds, median and largest of {_REPEATS}\n")
    print("|  | `/` | page of a program | reserving it |\n| --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as name, serving(StandInStore(rows)) as store:
        directory = Path(name)
        ledger = str(directory / "ledger.sqlite")
        with served(ledger, store, directory) as (address, _):
            page = f"{address}/programs/{OP}"
            wait_until(lambda: requests.get(page, timeout=60).status_code == 200)
            for title, sources in _SOURCES.items():
                slow = slow_clients(address, 500, sources) if sources else nullcontext()
                with slow:
                    print(markdown_rows([(title, *measured(address, page))]), flush=True)


def measured(address, page):
    """The times of each kind of request, as text."""
    times = {"index": [], "page": [], "change": []}
    for _ in range(_REPEATS):
        times["index"].append(seconds(lambda: requests.get(address, timeout=60)))
        times["page"].append(seconds(lambda: requests.get(page, timeout=60)))
        times["change"].append(seconds(lambda: reserve(address)))
        time.sleep(0.2)
    return [f"{median(of_kind):.3f}, {max(of_kind):.3f}" for of_kind in times.values()]


def reserve(address):
    """Reserve a program, once and again."""
    return requests.post(
        f"{address}/api/programs/{OP}/reserve",
        json={"by": "Jane"},
        headers={"Authorization": f"Bearer {SECRET}"},
        timeout=60,
    )


def seconds(ask):
    """The time of a request that must be answered."""
    start = time.perf_counter()
    assert ask().status_code == 200
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
