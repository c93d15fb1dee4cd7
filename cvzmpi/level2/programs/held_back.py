"""Programs that are held back, since a row of theirs names no dataset, or no program any more.

The criteria would judge the other datasets alone, which would be another program. So a program that
has no result yet goes into error, with its bad rows, until a scan finds none of them.
"""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from cvzmpi.ledger import Event, Job, State
from cvzmpi.level2.metadata_store.rows import BadRow, Reading
from cvzmpi.level2.programs.catalogue import Catalogue
from cvzmpi.level2.programs.retry import failure_event
from cvzmpi.level2.programs.states import OPEN

STEP = "scan"

_N_NAMED = 3


def programs_with_bad_rows(
    catalogue: Catalogue, connection: sa.Connection, bad: Iterable[BadRow]
) -> dict[str, list[BadRow]]:
    """The bad rows by program, which the row names or which is known to have its dataset."""
    known = {name: v.program for name, v in catalogue.newest_versions(within=connection).items()}
    for program, datasets in held_programs(catalogue, connection).items():
        known |= dict.fromkeys(datasets, program)
    found: dict[str, list[BadRow]] = {}
    for row in bad:
        of_row = row.program or known.get(row.dataset or "")
        if of_row is not None and not row.context:
            found.setdefault(of_row, []).append(row)
    return found


def held_programs(catalogue: Catalogue, connection: sa.Connection) -> dict[str, list[str]]:
    """The programs that are held back, each with the datasets that its bad rows name."""
    found = {}
    for name, state in catalogue.states(within=connection).items():
        if state is State.ERROR:
            detail = catalogue.ledger.history(name)[-1].detail or {}
            if detail.get("step") == STEP:
                found[name] = list(detail["datasets"])
    return found


def hold_back(
    catalogue: Catalogue, connection: sa.Connection, job: Job, bad: dict[str, list[BadRow]]
) -> list[str]:
    """Bring programs with bad rows into error; returns the names of those that were not in it."""
    states = catalogue.states(within=connection)
    events = [
        failure_event(
            name,
            states[name],
            STEP,
            _in_words(rows),
            datasets=[row.dataset for row in rows if row.dataset],
        )
        for name, rows in bad.items()
        if states.get(name) in OPEN
    ]
    catalogue.ledger.record(events, job, within=connection)
    return [event.unit for event in events]


def let_go(
    catalogue: Catalogue,
    connection: sa.Connection,
    job: Job,
    reading: Reading,
    bad: dict[str, list[BadRow]],
) -> list[str]:
    """Let programs begin again that have no bad rows any more; returns their names."""
    read = {dataset.observing_program for dataset, _ in reading.datasets}
    free = [n for n in held_programs(catalogue, connection) if n in read and n not in bad]
    message = "all rows of the program name it and their datasets again"
    events = [Event(name, State.DISCOVERED, State.ERROR, message=message) for name in free]
    catalogue.ledger.record(events, job, within=connection)
    return free


def _in_words(rows: list[BadRow]) -> str:
    more = f"; and {len(rows) - _N_NAMED} more" if len(rows) > _N_NAMED else ""
    return "rows that cannot be used: " + "; ".join(map(str, rows[:_N_NAMED])) + more
