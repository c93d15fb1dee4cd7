"""The check of a finished campaign's ledger, whatever happened to its jobs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from cvzmpi.ledger import Ledger, Recorded, State
from cvzmpi.ledger.states import check_transition


def wrong_in_ledger(location: str | Path, outbox: Path) -> list[tuple[str, str]]:
    """List the faults of a ledger; none if all is well.

    Each unit is done, once; no event is lost or doubled, and no two jobs had a unit at a time.
    """
    wrong, keys = [], []
    with Ledger.open(location, create=False) as ledger:
        for unit in ledger.units():
            # An exception while a FITS file is looked at is taken for its own, until the next look.
            was_rejected = unit.name.endswith(".fits") and unit.state is State.NOT_QUALIFIED
            if unit.state is not State.DONE and not was_rejected:
                wrong.append(f"{unit.name} is {unit.state}")
            history = ledger.history(unit.name)
            keys += [event.key for event in history]
            wrong += _wrong_in_history(history)
    wrong += ["an event is there twice"] * (len(set(keys)) < len(keys))
    wrong += [f"not delivered, or refused: {path}" for path in outbox.glob("*")]
    return [("ledger", what) for what in wrong]


def _wrong_in_history(history: list[Recorded]) -> Iterator[str]:
    name = history[0].unit
    for number, (before, event) in enumerate(pairwise([None, *history]), start=1):
        assert event is not None
        state = None if before is None else before.to_state
        if event.number != number or event.from_state is not state:
            yield f"{name}: a gap before event {event.number}"
        check_transition(name, state, event.to_state)
        if before is not None and state is State.WORKING and not _may_end(before, event):
            yield f"{name}: job {event.job.id} took it while job {before.job.id} had it"
        if event.to_state is State.ERROR and "Defect" not in (event.message or ""):
            yield f"{name} failed: {event.message}"
    if [event.to_state for event in history].count(State.DONE) > 1:
        yield f"{name} was done more than once"


def _may_end(began: Recorded, event: Recorded) -> bool:
    """True if the work that a job began was ended by itself, or in place of a dead one."""
    return event.job.id == began.job.id or is_takeover(event, began.job.id)


def is_takeover(event: Recorded, job: int) -> bool:
    """True if an event ends the work of a job that is dead."""
    return event.from_state is State.WORKING and (event.message or "").startswith(f"job {job} ")
