"""Units along the way that they go when all is well."""

import time

from cvzmpi.ledger import Event, NewUnit, State
from cvzmpi.scheduler.campaign import Worker

WAY = (State.QUALIFIED, State.PREPROCESSED, State.WORKING, State.DONE, State.PUBLISHED)

WORKER = Worker(3, "n042")


def bring_to(ledger, job, state, *names, **facts):
    """Add units and take them along the way to a state."""
    ledger.add_units([NewUnit(name, **facts) for name in names], job)
    for step in WAY[: WAY.index(state) + 1]:
        ledger.record([Event(name, step) for name in names], job)


def state_of(ledger, name):
    """The state of a unit now."""
    (unit,) = ledger.units(names=[name])
    return unit.state


def next_unit(source):
    """The next unit, or None where there will be none."""
    while (unit := source.next()) is None and not source.exhausted():
        source.attend()
        time.sleep(0.01)
    return unit


def begin_next(source):
    """Give the next unit to a team; it."""
    unit = next_unit(source)
    source.began(unit, WORKER)
    return unit
