"""Units along the way that they go when all is well."""

from cvzmpi.ledger import Event, NewUnit, State

WAY = (State.QUALIFIED, State.PREPROCESSED, State.WORKING, State.DONE, State.PUBLISHED)


def bring_to(ledger, job, state, *names, **facts):
    """Add units and take them along the way to a state."""
    ledger.add_units([NewUnit(name, **facts) for name in names], job)
    for step in WAY[: WAY.index(state) + 1]:
        ledger.record([Event(name, step) for name in names], job)


def state_of(ledger, name):
    """The state of a unit now."""
    (unit,) = ledger.units(names=[name])
    return unit.state
