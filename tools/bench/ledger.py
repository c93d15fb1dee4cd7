"""How fast the ledger answers at the size of a whole campaign, in SQLite and in PostgreSQL.

Makes 200,000 units with 2,000,000 events through the ledger itself, as a campaign of some days
would have left them, and measures what people and jobs wait for: `cvzmpi status` as a process of
its own, a claim of 1,000 units, a history, and the batches that a job records.

    python -m tools.bench.ledger                     200,000 units
    python -m tools.bench.ledger --units 2000        to try it
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from itertools import accumulate
from pathlib import Path
from statistics import median

import click
import sqlalchemy as sa

from cvzmpi.ledger import Event, Job, Ledger, NewUnit, State
from cvzmpi.ledger.records import now
from cvzmpi.ledger.status.status import take_status
from cvzmpi.runtime.command_line import HELP_OPTIONS
from tools.bench.measuring.machine import processor
from tools.bench.measuring.timing import cpu_of_process, timed
from tools.harness.job_process import ROOT
from tools.harness.markdown import markdown_table
from tools.harness.postgres_server import PostgresServer, find_programs

_BATCH = 2000
_REPEATS = 7
_READY = (State.PREPROCESSED,)

_Q, _P, _W, _F = State.QUALIFIED, State.PREPROCESSED, State.WORKING, State.DONE
# What happens to units, after they were discovered, and to which share of them. Jobs are stopped
# and die; what waits is evaluated again.
_WAYS = {
    "published": (0.5, (_Q, _P, _W, _P, _W, _P, _W, _F, State.PUBLISHED)),
    "done": (0.35, (_Q, _P, _P, _W, _P, _W, _P, _W, _F)),
    "waiting": (0.1, (_Q, _P, _P, _P, _P, _P, _P, _P, _P)),
    "half done": (0.035, (_Q, _P, _W, _P, _W, _P, _W, _P, _P)),
    "failed": (0.01, (_Q, _P, _P, _W, State.ERROR, _P, _P, _W, State.ERROR)),
    "working": (0.005, (_Q, _P, _W, _P, _W, _P, _W, _P, _W)),
}
_ENDS = dict(zip(_WAYS, accumulate(size for size, _ in _WAYS.values()), strict=True))


def fill(ledger: Ledger, job: Job, n_units: int) -> int:
    """Make units and their events; how many events."""
    begun = now() - timedelta(days=5)
    for first in range(0, n_units, _BATCH):
        numbers = range(first, min(first + _BATCH, n_units))
        found = [
            NewUnit(_name(n), cost=1 + n % 97 / 10, facts={"tic": 25155310 + n, "sector": n % 26})
            for n in numbers
        ]
        ledger.add_units(found, job)
        ledger.record([event for n in numbers for event in _events(n, n_units, begun)], job)
    with ledger.database.reading() as connection:
        return int(connection.execute(sa.text("SELECT count(*) FROM events")).scalar_one())


def _name(number: int) -> str:
    return f"{25155310 + number}_{number % 26 + 1}"


def _events(number: int, n_units: int, begun: datetime) -> Iterator[Event]:
    """The events of a unit, spread over the days, so that some of it is recent."""
    share = number * 7919 % n_units / n_units
    kind = next(kind for kind, end in _ENDS.items() if share < end)
    at = begun + (now() - begun) * (0.99 * number / n_units)
    for step, state in enumerate(_WAYS[kind][1]):
        message = detail = None
        if state is State.DONE:
            detail = {"seconds": 7.9, "path": f"output/{number % 1000:03d}/{_name(number)}.h5"}
        if state is State.ERROR:
            message = f"{number % 900} usable cadences, expected 1000 (rank {number % 999} on n1)"
        yield Event(
            _name(number),
            state,
            at=at + timedelta(seconds=10 * step),
            message=message,
            detail=detail,
            progress=1000 if kind == "half done" and step == 7 else None,
            rank=number % 999 + 1,
            host=f"n{number % 25:03d}",
        )


def measure(location: str, config: Path, n_claim: int) -> dict[str, list[float]]:
    """Seconds of what people and jobs wait for."""
    with Ledger.open(location) as ledger:
        job = ledger.jobs.begin("run", ranks=1000, nodes=25)
        found = {
            "`cvzmpi status`, the whole process": _repeat(lambda: _command(config)),
            "processor time of it, most of it for imports": [
                _command(config) for _ in range(_REPEATS)
            ],
            "the same, its questions alone": _repeat(lambda: take_status(location)),
            f"claim of {n_claim:,} units": _repeat(lambda: _claim(ledger, job, n_claim), 5),
        }
        taken = _claim(ledger, job, n_claim)
        for what, state in (("begin a unit", State.WORKING), ("end one", State.DONE)):
            events = [Event(unit, state) for unit in taken]
            record = partial(ledger.record, events, job)
            found[f"{n_claim:,} teams {what}, in one batch"] = _repeat(record, 1)
        return found | {"history of a unit": _repeat(lambda: ledger.history(taken[0]))}


def _claim(ledger: Ledger, job: Job, n: int) -> list[str]:
    units = ledger.claims.take(job, n, _READY)
    assert len(units) == n, len(units)
    return [unit.name for unit in units]


def _command(config: Path) -> float:
    """Ask for the status as a person does; the seconds of a processor that it took."""
    command = [sys.executable, "-m", "cvzmpi", "status", "--config", str(config)]
    return cpu_of_process(command, cwd=ROOT)


def _repeat(work: Callable[[], object], repeats: int = _REPEATS) -> list[float]:
    return [timed(work)[0] for _ in range(repeats)]


def _size(ledger: Ledger, location: str) -> int:
    if ledger.database.is_sqlite:
        return Path(location).stat().st_size
    with ledger.database.reading() as connection:
        size = sa.select(sa.func.pg_database_size(sa.func.current_database()))
        return int(connection.execute(size).scalar_one())


def run_on(kind: str, location: str, directory: Path, n_units: int) -> list[str]:
    """Fill and measure one database; the lines of its table."""
    config = directory / f"{kind}.toml"
    url = location if "://" in location else f"sqlite:///{location}"
    config.write_text(f'[output]\ndirectory = "{directory}/{kind}"\n[ledger]\nurl = "{url}"\n')
    with Ledger.open(location) as ledger:
        seconds, n_events = timed(lambda: fill(ledger, ledger.jobs.begin("fill"), n_units))
        if not ledger.database.is_sqlite:
            with ledger.database.engine.execution_options(
                isolation_level="AUTOCOMMIT"
            ).connect() as connection:
                connection.execute(sa.text("ANALYZE"))  # its autovacuum does so within a minute
        size = _size(ledger, location)
    lines = [
        f"**{kind}**: {n_units:,} units, {n_events:,} events, {size / 1e6:,.0f} MB, recorded at "
        f"{n_events / seconds:,.0f} events a second",
        "",
    ]
    rows = []
    for what, times in measure(location, config, min(1000, n_units // 100)).items():
        rows.append((what, f"{median(times):.3f} s ({min(times):.3f} to {max(times):.3f})"))
        click.echo(f"{kind}: {': '.join(rows[-1])}")
    return [*lines, markdown_table(("", "median (fastest to slowest)"), rows), ""]


@click.command(context_settings=HELP_OPTIONS)
@click.option("--units", default=200_000, show_default=True)
@click.option("--report", type=click.Path(path_type=Path), help="Where to write the result.")
def main(units: int, report: Path | None) -> None:
    """Measure."""
    lines = [
        "# How fast the ledger answers",
        "",
        "Made by `make bench-ledger`; the script is `tools/bench/ledger.py`.",
        f"On {os.cpu_count()} cores of {processor()}, Python {platform.python_version()}, "
        f"load {os.getloadavg()[0]:.1f} when it began.",
        "",
    ]
    with tempfile.TemporaryDirectory(prefix="cvzmpi-ledger-") as name:
        directory = Path(name)
        lines += run_on("SQLite", str(directory / "ledger.sqlite"), directory, units)
        programs = find_programs()
        if programs is None:
            lines.append("PostgreSQL: not installed here")
        else:
            with PostgresServer(programs) as server:
                lines += run_on("PostgreSQL", server.make_database("bench"), directory, units)
    if report is not None:
        report.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
