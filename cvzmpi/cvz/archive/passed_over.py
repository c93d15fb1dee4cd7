"""Units that are passed over: a scan closes them, as another product is searched in their place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from cvzmpi.cvz.archive.best_products import BestProducts
from cvzmpi.ledger import Event, Job, Ledger, State

UNITS_PER_TRANSACTION = 20_000
"""Running jobs have their turn between two."""


def pass_over(best: BestProducts, states: Mapping[str, State], ledger: Ledger, job: Job) -> int:
    """Close the units in whose place another product is searched; their number.

    What a job has begun since `states` were read, while listings came, stays: `best` learns of it,
    so that the better product is not searched beside it.
    """
    n_closed = 0
    while waiting := list(best.passed_over()):  # again: what was begun is in place of others
        for first in range(0, len(waiting), UNITS_PER_TRANSACTION):
            some = waiting[first : first + UNITS_PER_TRANSACTION]
            closed = _close(some, states, ledger, job)
            n_closed += len(closed)
            for name, _ in some:
                (best.note_closed if name in closed else best.note_begun)(name)
    return n_closed


def _close(
    waiting: Sequence[tuple[str, str]], states: Mapping[str, State], ledger: Ledger, job: Job
) -> set[str]:
    """Close those of the units, given with the reason, that still wait and no job has."""
    names = [name for name, _ in waiting]
    half_done = {unit.name for unit in ledger.units(names=names) if unit.progress}
    with ledger.writing() as transaction:
        begun = half_done | ledger.claims.names(within=transaction)
        closing = [
            event
            for name, message in waiting
            if name not in begun
            for event in _closing(name, states[name], message)
        ]
        recorded = ledger.record(closing, job, skip_stale=True, within=transaction)
    return {event.unit for event in recorded if event.to_state is State.NOT_QUALIFIED}


def _closing(name: str, state: State, message: str) -> Iterator[Event]:
    """The events that close a unit so that a scan can open it again.

    One that is not qualified right after it was fetched was looked into: see `scan.record`.
    """
    if state is State.PREPROCESSED:
        yield Event(name, State.QUALIFIED, state, message="its light curve is not waited for")
        state = State.QUALIFIED
    yield Event(name, State.NOT_QUALIFIED, state, message=message)
