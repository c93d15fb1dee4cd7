"""The parts of the pages about results, failures, the disk, and the history of a unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cvzmpi.dashboard.look.campaign import Figure
from cvzmpi.dashboard.look.look import Look
from cvzmpi.dashboard.parts.cells import (
    Addresses,
    Parts,
    Rows,
    ago_cell,
    cell,
    figure,
    size,
    time_cell,
    unit_cell,
    words,
)
from cvzmpi.estimates import duration
from cvzmpi.ledger.records import LedgerUnit, Recorded
from cvzmpi.ledger.states import State
from cvzmpi.ledger.status.report import unit_attempt, what_in_words
from cvzmpi.ledger.status.status import FailureGroup
from cvzmpi.messages.wording import counted

_N_RESULTS = 50
_N_REASONS = 100


def results_parts(look: Look, addresses: Addresses) -> Parts:
    """The units that were done last, and what was found in them."""
    return {"results": result_rows(look, addresses, _N_RESULTS)}


def result_rows(look: Look, addresses: Addresses, n: int) -> Rows:
    """The newest units in which something was found, each with the figures of its campaign."""
    campaign = look.campaign
    found = [
        finished
        for finished in look.lately().finished
        if not campaign.found or finished.outcome.get(campaign.found)
    ]
    return [
        [
            unit_cell(finished.unit, addresses),
            ago_cell(finished.at),
            *(_figure(finished.outcome, column) for column in campaign.figures),
            cell("" if finished.seconds is None else duration(finished.seconds)),
        ]
        for finished in found[:n]
    ]


def _figure(outcome: Mapping[str, Any], column: Figure) -> dict[str, str]:
    value = figure(outcome.get(column.name))
    return words(value) if column.is_text else cell(value)


def failures_parts(look: Look, addresses: Addresses) -> Parts:
    """The 100 most frequent reasons of failures, each with its units."""
    status = look.status()
    return {
        "n-failed": counted(status.counts[State.ERROR], f"failed {look.campaign.unit_name}"),
        "failures": [_failure(group, addresses) for group in status.failures[:_N_REASONS]],
    }


def _failure(group: FailureGroup, addresses: Addresses) -> list[dict[str, str]]:
    first, *others = group.examples
    return [
        cell(f"{group.n_units:,}"),
        words(group.message),
        unit_cell(first, addresses),
        words(", ".join(others) + (", ..." if group.n_units > len(group.examples) else "")),
        cell("", retry=first),
    ]


def disk_parts(look: Look, addresses: Addresses) -> Parts:
    """What the ledger knows of inputs and disks."""
    del addresses  # nothing here leads to a unit
    waiting = look.waiting()
    finished = look.lately().finished
    told = next((f for f in finished if f.disk), None)
    disk: Rows = []
    if told is not None:
        disk.append(
            [
                words(told.disk.get("disk", "")),
                cell(_size(told.disk.get("free_bytes"))),
                cell(_size(told.disk.get("total_bytes"))),
                words(told.host or ""),
                ago_cell(told.at),
            ]
        )
    return {
        "disk": disk,
        "inputs": [
            [words("here, and waiting for a team"), cell(f"{waiting.n_units:,}")],
            [words("of these, with a recorded size"), cell(f"{waiting.n_known:,}")],
            [words("size of these"), cell(size(waiting.n_bytes))],
            [words("of these, downloaded from the archive"), cell(f"{waiting.n_fetched:,}")],
        ],
    }


def _size(told: object) -> str:
    return size(told) if isinstance(told, int | float) else "not known"


def unit_parts(unit: LedgerUnit, history: Sequence[Recorded]) -> Parts:
    """The history of a unit."""
    return {
        "state": str(unit.state).replace("_", " "),
        "facts": [[words(key), words(value)] for key, value in unit.facts.items()],
        "events": [_event(event, list(history)) for event in history],
    }


def _event(event: Recorded, history: list[Recorded]) -> list[dict[str, str]]:
    state = str(event.to_state).replace("_", " ")
    if event.to_state is State.WORKING:
        state += f", attempt {unit_attempt(history, event.number)}"
    job = event.job
    return [
        time_cell(event.at),
        words(state, kind="text bad" if event.to_state is State.ERROR else "text"),
        words(f"{job.program} {job.id}" + (f" ({job.queue_id})" if job.queue_id else "")),
        words("" if event.rank is None else f"rank {event.rank} on {event.host}"),
        words(what_in_words(event)),
        words(f"cvzmpi {job.software}"),
    ]
